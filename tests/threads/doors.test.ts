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
