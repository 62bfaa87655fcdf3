import assert from "node:assert/strict";
import test from "node:test";
import { runJob } from "../../tests/support/kernel-workers.ts";
import { acquireLock, allocate, KernelMemory, KernelPanic, releaseLock } from "./index.ts";

function makeLock(memory: KernelMemory): number {
  const lock = allocate(memory, 32);
  memory.u32.fill(0, lock >>> 2, (lock >>> 2) + 8);
  return lock;
}

test("no update under a lock is lost between workers", async () => {
  const memory = KernelMemory.create(true);
  const lock = makeLock(memory);
  const argument = { lock, word: lock + 16, times: 50_000 };
  await Promise.all([1, 2, 3].map(() => runJob(memory, "addUnderLock", argument)));
  assert.equal(memory.u32[(lock + 16) >>> 2], 150_000);
  assert.equal(memory.u32[lock >>> 2], 0, "the lock is free at the end");
});

test("an agent that may not block gets the lock by trying", async () => {
  const memory = KernelMemory.create(false);
  const lock = makeLock(memory);
  const argument = { lock, word: lock + 16, times: 20_000 };
  const worker = runJob(memory, "addUnderLock", argument);
  for (let count = 0; count < 20_000; count++) {
    acquireLock(memory, lock);
    memory.u32[(lock + 16) >>> 2]++;
    releaseLock(memory, lock);
  }
  await worker;
  assert.equal(memory.u32[(lock + 16) >>> 2], 40_000);
});

test("a held lock cannot be taken, a free one not let go of", () => {
  const memory = KernelMemory.create(true);
  const lock = makeLock(memory);
  acquireLock(memory, lock);
  assert.throws(() => acquireLock(memory, lock), /agent 1 holds the lock at \d+ already/);
  releaseLock(memory, lock);
  assert.throws(() => releaseLock(memory, lock), KernelPanic);
});

test("locks above 2 GiB work", () => {
  const memory = KernelMemory.create(true);
  // Only the far end is touched: what lies between costs no memory of the host.
  memory.memory.grow(40_000);
  memory.refresh();
  const lock = 2 ** 31 + 64;
  acquireLock(memory, lock);
  assert.equal(memory.u32[lock >>> 2], memory.agent);
  releaseLock(memory, lock);
  assert.equal(memory.u32[lock >>> 2], 0);
});
