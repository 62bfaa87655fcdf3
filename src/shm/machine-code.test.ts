import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "../../tests/support/kernel-random.ts";
import { makeMachineCode } from "./machine-code.ts";
import { KernelMemory } from "./memory.ts";

test("atomic operations do what those of JavaScript do, for every value", () => {
  const random = new Random(20261130);
  const make = () => new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true });
  const heap = make();
  const code = makeMachineCode(heap);
  const ours = new Int32Array(heap.buffer);
  const theirs = new Int32Array(make().buffer);
  const value = () => (random.oneIn(3) ? -1 : random.below(2 ** 31)) ^ (random.below(2) << 31);
  for (let round = 0; round < 2000; round++) {
    const word = random.below(8);
    const address = word * 4;
    const [a, b] = [value(), value()];
    const expected = random.oneIn(2) ? theirs[word] : a;
    const pairs = [
      [code.add(address, a), Atomics.add(theirs, word, a)],
      [code.and(address, b), Atomics.and(theirs, word, b)],
      [code.or(address, a), Atomics.or(theirs, word, a)],
      [code.exchange(address, b), Atomics.exchange(theirs, word, b)],
      [
        code.compareExchange(address, expected, a),
        Atomics.compareExchange(theirs, word, expected, a),
      ],
      [code.load(address), Atomics.load(theirs, word)],
    ];
    for (const [got, wanted] of pairs) assert.equal(got, wanted, `round ${round}`);
    code.store(address, a);
    Atomics.store(theirs, word, a);
    assert.deepEqual(ours.slice(0, 9), theirs.slice(0, 9), `round ${round}`);
  }
  ours.fill(-1, 0, 16);
  code.clear(8, 12);
  assert.deepEqual([...ours.slice(0, 6)], [-1, -1, 0, 0, 0, -1]);
});

test("the heap is reached in full after it has grown, and not beyond", () => {
  const memory = KernelMemory.create(true);
  const before = memory.code.size();
  assert.equal(before, memory.pages);
  memory.memory.grow(3);
  assert.equal(memory.code.size(), before + 3);
  assert.equal(memory.code.add((before + 3) * 65536 - 4, 7), 0);
  assert.throws(() => memory.code.load((before + 3) * 65536), WebAssembly.RuntimeError);
});

test("headroom: a stack that is nearly used up is found before it is", () => {
  const { code } = KernelMemory.create(true);
  let depth = 0;
  const recurse = (): void => {
    depth++;
    code.requireHeadroom(0);
    recurse();
  };
  assert.throws(recurse, RangeError);
  assert.ok(depth > 100);
  code.requireHeadroom(0);
});
