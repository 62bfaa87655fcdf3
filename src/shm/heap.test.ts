import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "../../tests/support/kernel-random.ts";
import { runJob } from "../../tests/support/kernel-workers.ts";
import {
  allocate,
  blockSize,
  free,
  KernelMemory,
  KernelPanic,
  LARGEST_BLOCK,
  usedBytes,
} from "./index.ts";

test("a block has room for what was asked, and not much more", () => {
  let last = 0;
  for (let bytes = 1; bytes <= 200_000; bytes += 1 + (bytes >> 6)) {
    const size = blockSize(bytes);
    assert.ok(size >= bytes, `${bytes} got ${size}`);
    assert.ok(size <= Math.max(bytes * 1.5, bytes + 31), `${bytes} got ${size}`);
    assert.ok(size >= last, "larger requests get larger blocks");
    assert.equal(size % 32, 0);
    assert.equal(blockSize(size), size, "asking for a whole block gets it");
    last = size;
  }
  assert.equal(blockSize(LARGEST_BLOCK), LARGEST_BLOCK);
});

test("blocks are aligned, do not overlap, and stay as they are", () => {
  const memory = KernelMemory.create(true);
  const random = new Random(7);
  const blocks: { block: number; size: number; bytes: number }[] = [];
  for (let count = 0; count < 5000; count++) {
    if (blocks.length > 0 && random.oneIn(3)) {
      const [gone] = blocks.splice(random.below(blocks.length), 1);
      free(memory, gone.block, gone.bytes);
    } else {
      const bytes = 1 + random.below(random.oneIn(10) ? 20_000 : 500);
      const block = allocate(memory, bytes);
      assert.ok(block >= 2048 && block % 32 === 0);
      blocks.push({ block, size: blockSize(bytes), bytes });
    }
  }
  blocks.sort((a, b) => a.block - b.block);
  for (let index = 1; index < blocks.length; index++) {
    const before = blocks[index - 1];
    assert.ok(before.block + before.size <= blocks[index].block);
  }
  assert.equal(
    usedBytes(memory),
    blocks.reduce((sum, { size }) => sum + size, 0),
  );
  for (const { block, bytes } of blocks) free(memory, block, bytes);
  assert.equal(usedBytes(memory), 0);
});

test("freed blocks are used again", () => {
  const memory = KernelMemory.create(true);
  for (const bytes of [20, 100, 1000, 65_536]) {
    const seen = new Set<number>();
    for (let count = 0; count < 1000; count++) {
      const block = allocate(memory, bytes);
      seen.add(block);
      free(memory, block, bytes);
    }
    assert.equal(seen.size, 1);
  }
});

test("a full heap answers 0, and gives again what comes back", () => {
  const memory = KernelMemory.create(true, { limit: 2 ** 21 });
  const blocks: number[] = [];
  for (let block = allocate(memory, 4096); block !== 0; block = allocate(memory, 4096)) {
    blocks.push(block);
  }
  assert.ok(blocks.length > 480 && blocks.length < 512);
  assert.equal(allocate(memory, 4096), 0);
  const last = blocks[blocks.length - 1];
  free(memory, last, 4096);
  assert.equal(allocate(memory, 4096), last);
  while (allocate(memory, 1) !== 0);
  assert.equal(allocate(memory, 1), 0);
});

test("absurd sizes answer 0", () => {
  const memory = KernelMemory.create(true);
  for (const bytes of [LARGEST_BLOCK + 1, 2 ** 32, 2 ** 53, Infinity, NaN]) {
    assert.equal(allocate(memory, bytes), 0, String(bytes));
  }
  assert.equal(usedBytes(memory), 0);
});

test("giving back what is no block stops the machine", () => {
  const memory = KernelMemory.create(true);
  assert.throws(() => free(memory, 0, 32), KernelPanic);
  assert.throws(() => free(memory, allocate(memory, 64) + 4, 64), KernelPanic);
});

test("workers that allocate at once get blocks of their own", async () => {
  const memory = KernelMemory.create(true);
  const seeds = [11, 12, 13, 14];
  await Promise.all(
    seeds.map((seed) => runJob(memory, "allocateRandomly", { seed, times: 20_000 })),
  );
  assert.equal(usedBytes(memory), 0);
});
