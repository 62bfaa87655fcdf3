import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { loadGuest, withMachine } from "../support/machine-guest.ts";

test("every machine has /proc, which tells nothing of the host", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-proc-"));
  try {
    const mounts = { "/a b": { hostPath: directory, readOnly: true } };
    await withMachine({ mounts, maxMemory: 2 ** 26 }, async (machine) => {
      const program = await loadGuest(machine, "use_files");
      const read = async (path: string, name = "/bin/tool") => {
        const result = await machine.run(program, { args: ["read", path], name });
        assert.deepEqual([result.exitCode, result.stderr], [0, ""], path);
        return result.stdout;
      };
      assert.equal(
        await read("/proc/mounts"),
        "tmpfs / tmpfs rw 0 0\ndevfs /dev devfs rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n" +
          "proc /proc proc rw 0 0\nhostfs /a\\040b hostfs ro 0 0\n",
      );
      assert.match(await read("/proc/meminfo"), /^MemTotal: +65536 kB\n/);
      assert.match(await read("/proc/cpuinfo"), /^processor\t: 0\n/);
      assert.match(await read("/proc/self/status"), /^Name:\ttool\n/);
      assert.equal(await read("/proc/self/cmdline"), "/bin/tool\0read\0/proc/self/cmdline\0");
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("the standard streams as files", async () => {
  await withMachine({}, async (machine) => {
    const program = await loadGuest(machine, "use_files");
    const stdin = { text: "what was typed" };
    const copy = await machine.run(program, { args: ["read", "/dev/stdin"], stdin });
    assert.deepEqual([copy.exitCode, copy.stdout], [0, "what was typed"]);
    const loud = await machine.run(program, { args: ["write", "/dev/stderr", "an error"] });
    assert.deepEqual([loud.exitCode, loud.stdout, loud.stderr], [0, "", "an error"]);
    const other = await machine.run(program, { args: ["write", "/dev/fd/1", "a line"] });
    assert.deepEqual([other.exitCode, other.stdout], [0, "a line"]);
    // From outside nobody is `self`.
    assert.deepEqual(
      (await machine.fs.readdir("/proc")).map(({ name }) => name),
      ["cpuinfo", "meminfo", "mounts", "self", "uptime"],
    );
    await assert.rejects(machine.fs.readFile("/proc/self/status"), { errno: "ENOENT" });
    assert.match(await machine.fs.readTextFile("/proc/uptime"), /^\d+\.\d\d /);
  });
});
