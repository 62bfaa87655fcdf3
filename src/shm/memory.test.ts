import assert from "node:assert/strict";
import test from "node:test";
import { runJob } from "../../tests/support/kernel-workers.ts";
import { allocate, Header, KernelMemory, KernelPanic, PAGE } from "./index.ts";

test("attaching checks that a memory is a kernel heap of this format", () => {
  const shared = () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  assert.throws(() => KernelMemory.attach(shared(), true), KernelPanic);
  assert.throws(() => KernelMemory.attach(shared(), true), /no kernel heap/);
  const { memory, i32 } = KernelMemory.create(true);
  i32[Header.format >> 2] += 1;
  assert.throws(() => KernelMemory.attach(memory, true), /has format 2, this program has 1/);
});

test("every agent has a number of its own", () => {
  const first = KernelMemory.create(true);
  const second = KernelMemory.attach(first.memory, true);
  const third = KernelMemory.attach(first.memory, false);
  assert.deepEqual([first.agent, second.agent, third.agent], [1, 2, 3]);
  assert.equal(third.mayBlock, false);
});

test("the limit holds", () => {
  const memory = KernelMemory.create(true, { limit: 100 * PAGE });
  let blocks = 0;
  while (allocate(memory, PAGE) !== 0) blocks++;
  assert.ok(blocks >= 97 && blocks < 100, `${blocks} blocks`);
  assert.ok(memory.memory.buffer.byteLength <= 100 * PAGE);
});

test("blocks in the new part of a heap that grows are seen by another worker at once", async () => {
  const memory = KernelMemory.create(true);
  const lock = allocate(memory, 32);
  memory.u32.fill(0, lock >>> 2, (lock >>> 2) + 8);
  const argument = { lock, times: 400 };
  await Promise.all([
    runJob(memory, "followGrowth", argument),
    runJob(memory, "growHeap", argument),
  ]);
  memory.refreshIfGrown();
  assert.ok(memory.pages * PAGE > 400 * 2 ** 21);
});
