import assert from "node:assert/strict";
import test from "node:test";
import { seededRandom } from "../../tests/support/wasm-builder.ts";
import { ByteEdits, originalOffset } from "./byte-edits.ts";

test("insertions, removals and replacements, with the way back", () => {
  const edits = new ByteEdits();
  edits.replace(0, 0, [100]);
  edits.replace(2, 4, [101, 102, 103]);
  edits.replace(4, 4, [104]);
  edits.replace(5, 6, []);
  edits.replace(8, 8, [105]);
  const { bytes, map } = edits.apply(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7));
  assert.deepEqual([...bytes], [100, 0, 1, 101, 102, 103, 104, 4, 6, 7, 105]);
  assert.equal(edits.growth, 3);
  const back = [...bytes.keys()].map((offset) => originalOffset(map, offset));
  assert.deepEqual(back, [0, 0, 1, 2, 2, 2, 4, 4, 6, 7, 8]);
});

test("without edits the file is the same, and offsets too", () => {
  const { bytes, map } = new ByteEdits().apply(Uint8Array.of(1, 2, 3));
  assert.deepEqual([...bytes], [1, 2, 3]);
  assert.equal(originalOffset(map, 2), 2);
  assert.equal(originalOffset(map, 1000), 1000);
});

test("edits that were gathered by themselves are appended", () => {
  const inner = new ByteEdits();
  inner.replace(3, 4, [33]);
  inner.replace(5, 5, [55, 56]);
  inner.replace(6, 6, [66]);
  inner.replace(6, 7, [67]);
  const outer = new ByteEdits();
  outer.replace(1, 2, []);
  outer.append(inner);
  outer.replace(9, 9, [99]);
  assert.equal(outer.count, 6);
  const { bytes } = outer.apply(Uint8Array.from({ length: 10 }, (_, index) => index));
  assert.deepEqual([...bytes], [0, 2, 33, 4, 55, 56, 5, 66, 67, 7, 8, 99, 9]);
});

test("random edits: kept bytes lead back to themselves, bytes put in to where their edit began", () => {
  const random = seededRandom(3);
  const pick = (count: number) => Math.floor(random() * count);
  for (let round = 0; round < 200; round++) {
    const given = Uint8Array.from({ length: 300 }, (_, index) => index);
    const edits = new ByteEdits();
    const expected: [byte: number, offset: number][] = [];
    const keep = (start: number, end: number) => {
      for (let offset = start; offset < end; offset++) expected.push([given[offset], offset]);
    };
    let place = 0;
    for (let count = pick(20); count > 0; count--) {
      const start = Math.min(300, place + pick(round % 2 ? 5 : 120));
      const end = Math.min(300, start + pick(4));
      const put = Array.from({ length: pick(4) }, () => pick(256));
      keep(place, start);
      for (const byte of put) expected.push([byte, start]);
      edits.replace(start, end, put);
      place = end;
    }
    keep(place, 300);
    const { bytes, map } = edits.apply(given);
    const found = [...bytes].map((byte, offset) => [byte, originalOffset(map, offset)]);
    assert.deepEqual(found, expected, `round ${round}`);
  }
});
