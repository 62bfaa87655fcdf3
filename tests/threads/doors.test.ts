import assert from "node:assert/strict";
import test from "node:test";
import { loadGuest, SharedMachine, withMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

/** In a machine of its own, since the cases count ids from the first. */
async function expectDone(name: string, options = {}): Promise<void> {
  const result = await withMachine(options, async (machine) =>
    machine.run(await loadGuest(machine, "thread_doors"), { args: [name] }),
  );
  assert.deepEqual([result.exitCode, result.stderr, result.message], [0, "", undefined]);
  assert.equal(result.stdout, `${name}: done\n`);
}

test("both doors make threads of the same kind", () => expectDone("both"));

test("a start record out of the memory is refused, and nothing runs", () => expectDone("record"));

test("a stack larger than its upper bound is refused, and nothing runs", () => expectDone("size"));

test("an id that cannot be written is refused, and nothing runs", () => expectDone("result"));

test("at the limit both doors answer EACCES until a thread has ended", () =>
  expectDone("limit", { maxThreads: 4 }));

test("a process may end while its threads make threads", async () => {
  await withMachine({ maxThreads: 12 }, async (machine) => {
    const program = await loadGuest(machine, "thread_doors");
    for (let round = 0; round < 20; round++) {
      const result = await machine.run(program, { args: ["ending"] });
      assert.deepEqual([result.exitCode, result.stderr], [9, ""]);
    }
  });
});

test("without wasi_thread_start both doors answer ENOTCAPABLE", async () => {
  const result = await shared.run("thread_no_entry");
  assert.deepEqual([result.exitCode, result.message], [76, undefined]);
});

test("the older door takes any number, and each thread has fresh globals", async () => {
  const result = await shared.run("thread_globals");
  assert.deepEqual([result.exitCode, result.message], [0, undefined]);
});

const hasWideMemories = WebAssembly.validate(
  Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 4, 0]),
);

test("the 64-bit door, with pointers and sizes of 64 bits in calls and structures", async () => {
  if (!hasWideMemories) {
    await assert.rejects(shared.run("thread_wide"), {
      code: "ERR_PROGRAM_INVALID",
      message: /has a 64-bit memory, which this engine does not know/,
    });
    return;
  }
  const { exitCode, stdout, message } = await shared.run("thread_wide", ["x"], { timeout: 60_000 });
  assert.deepEqual([exitCode, stdout, message], [0, "wide\n", undefined]);
});

test("calls of a 64-bit program are traced with what its structures hold", async () => {
  if (!hasWideMemories) return;
  await withMachine({}, async (machine) => {
    const program = await loadGuest(machine, "thread_wide");
    const lines: string[] = [];
    const trace = (line: string) => void lines.push(line);
    assert.equal((await machine.run(program, { args: ["x"], trace })).exitCode, 0);
    assert.match(lines.join("\n"), /fd_write\(1, \[\{"wide\\n", 5\}\], 1, .*\) = 0 \(5\)/);
  });
});
