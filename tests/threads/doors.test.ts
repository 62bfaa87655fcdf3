import assert from "node:assert/strict";
import test from "node:test";
import { runGuest } from "../support/machine-guest.ts";

async function expectDone(name: string, machine = {}): Promise<void> {
  const result = await runGuest("thread_doors", [name], { machine });
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
  for (let round = 0; round < 10; round++) {
    const result = await runGuest("thread_doors", ["ending"], { machine: { maxThreads: 12 } });
    assert.deepEqual([result.exitCode, result.stderr], [9, ""]);
  }
});

test("without wasi_thread_start both doors answer ENOTCAPABLE", async () => {
  const result = await runGuest("thread_no_entry");
  assert.deepEqual([result.exitCode, result.message], [76, undefined]);
});

test("the older door takes any number, and each thread has fresh globals", async () => {
  const result = await runGuest("thread_globals");
  assert.deepEqual([result.exitCode, result.message], [0, undefined]);
});
