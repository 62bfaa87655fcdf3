import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "../../tests/support/kernel-random.ts";
import { copyBytes, Transfer } from "./transfer.ts";

test("bytes are copied for every length and touch nothing else", () => {
  const source = new Uint8Array(300).map((_, index) => index * 7 + 1);
  for (let length = 0; length <= 140; length++) {
    const target = new Uint8Array(300);
    copyBytes(target, 5, source, 11, length);
    const expected = new Uint8Array(300);
    for (let index = 0; index < length; index++) expected[5 + index] = source[11 + index];
    assert.deepEqual(target, expected, `length ${length}`);
  }
});

test("bytes are copied between shared memories, however they lie", () => {
  const make = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(20_100), 8);
  const source = make().map((_, index) => index * 7 + 1);
  const shared = make();
  shared.set(source);
  for (let shift = 0; shift < 9; shift++) {
    for (const length of [65, 511, 512, 777, 8192, 20_001]) {
      const target = make();
      copyBytes(target, 5 + shift, shared, 11, length);
      const expected = new Uint8Array(target.length);
      for (let index = 0; index < length; index++) expected[5 + shift + index] = source[11 + index];
      assert.deepEqual(Array.from(target), Array.from(expected), `${length} bytes, ${shift}`);
    }
  }
  copyBytes(shared, 3, shared, 0, 200);
  assert.deepEqual(Array.from(shared.subarray(3, 203)), Array.from(source.subarray(0, 200)));
});

test("pieces of any size go through buffers of any size in order", () => {
  const seed = 20260131;
  const random = new Random(seed);
  for (let round = 0; round < 200; round++) {
    const guest = new Uint8Array(20_000);
    const transfer = new Transfer();
    transfer.bytes = guest;
    transfer.count = 1 + random.below(8);
    const order: number[] = [];
    let start = 0;
    for (let index = 0; index < transfer.count; index++) {
      start += random.below(100);
      const length = random.oneIn(4) ? 0 : random.below(300);
      transfer.starts[index] = start;
      transfer.lengths[index] = length;
      for (let at = start; at < start + length; at++) order.push(at);
      start += length;
    }
    transfer.total = order.length;
    const expected = new Uint8Array(guest.length);
    const kernel = new Uint8Array(order.length).map(() => 1 + random.below(255));
    transfer.rewind();
    for (let done = 0; done < order.length;) {
      const piece = Math.min(order.length - done, 1 + random.below(200));
      const zeros = random.oneIn(3);
      if (zeros) transfer.putZeros(piece);
      else transfer.put(kernel, done, piece);
      for (let at = done; at < done + piece; at++) expected[order[at]] = zeros ? 0 : kernel[at];
      done += piece;
    }
    assert.deepEqual(guest, expected, `seed ${seed}, round ${round}`);

    const taken = new Uint8Array(order.length);
    transfer.rewind();
    for (let done = 0; done < order.length;) {
      const piece = Math.min(order.length - done, 1 + random.below(200));
      transfer.take(taken, done, piece);
      done += piece;
    }
    assert.deepEqual(
      taken,
      Uint8Array.from(order, (at) => guest[at]),
      `seed ${seed}, round ${round}`,
    );
  }
});
