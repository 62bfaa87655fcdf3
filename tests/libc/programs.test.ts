import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { loadGuest, withMachine } from "../support/machine-guest.ts";

test("the main thread has its thread-local variables, also when carriers are ready before it", async () => {
  await withMachine({}, async (machine) => {
    const program = await loadGuest(machine, "libc_thread_locals");
    // From the second run on, the workers of the run before are there at once.
    for (let run = 0; run < 12; run++) {
      const { exitCode, stderr } = await machine.run(program);
      assert.deepEqual([exitCode, stderr], [0, ""]);
    }
  });
});

test("a signal to a thread runs the callback that the main thread registered", async () => {
  await withMachine({}, async (machine) => {
    const program = await loadGuest(machine, "posix_thread_signals");
    const { exitCode, stderr } = await machine.run(program);
    assert.deepEqual([exitCode, stderr], [0, ""]);
  });
});

test("the C library's files behave as POSIX says, in memory and in a directory of the host", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-libc-"));
  try {
    await withMachine({ mounts: { "/host": directory } }, async (machine) => {
      const program = await loadGuest(machine, "libc_files");
      await machine.fs.mkdir("/memory");
      for (const cwd of ["/memory", "/host"]) {
        const { exitCode, stdout, stderr } = await machine.run(program, { args: [cwd], cwd });
        assert.deepEqual([exitCode, stderr], [0, ""], cwd);
        assert.equal(stdout, "without a newline at the end: bye\n");
        const left = (await machine.fs.readdir(cwd)).map((entry) => entry.name).sort();
        assert.deepEqual(left, ["big", "d", "dangling", "loop", "made", "stream"]);
      }
    });
    assert.equal((await readdir(directory)).length, 6);
  } finally {
    await rm(directory, { recursive: true });
  }
});
