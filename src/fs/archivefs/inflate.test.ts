import assert from "node:assert/strict";
import test from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { crc32 } from "../crc32.ts";
import { inflate } from "./inflate.ts";

/** A generator of numbers below 2^32, the same each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}

function samples(): Buffer[] {
  const random = seeded(7);
  const noise = Buffer.from(Array.from({ length: 70_000 }, () => random() >>> 24));
  const text = Buffer.from(
    Array.from({ length: 9000 }, () => "abcdefgh"[random() >>> 29]).join(""),
  );
  const runs = Buffer.concat(
    Array.from({ length: 200 }, () => Buffer.alloc(random() >>> 22, random())),
  );
  return [Buffer.alloc(0), Buffer.from("a"), Buffer.alloc(100_000), noise, text, runs];
}

test("what zlib compresses comes out as it was", () => {
  const strategies = [
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FIXED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
  ];
  for (const data of samples()) {
    for (const level of [0, 1, 6, 9]) {
      for (const strategy of strategies) {
        const output = new Uint8Array(data.length);
        assert.equal(inflate(deflateRawSync(data, { level, strategy }), output), undefined);
        assert.ok(
          data.equals(output),
          `${data.length} bytes, level ${level}, strategy ${strategy}`,
        );
      }
    }
  }
});

test("a size that is not true is found out", () => {
  const packed = deflateRawSync(Buffer.from("twelve bytes"));
  assert.equal(inflate(packed, new Uint8Array(13)), "there are 12 bytes");
  assert.equal(inflate(packed, new Uint8Array(11)), "there are too many bytes");
  assert.equal(
    inflate(deflateRawSync(Buffer.alloc(1000)), new Uint8Array(999)),
    "there are too many bytes",
  );
});

test("every shortened input is refused", () => {
  const data = samples()[4];
  const packed = deflateRawSync(data);
  for (let length = 0; length < packed.length; length += 7) {
    assert.notEqual(inflate(packed.subarray(0, length), new Uint8Array(data.length)), undefined);
  }
});

test("no damaged input does harm", () => {
  const random = seeded(99);
  const data = samples()[5];
  const packed = deflateRawSync(data);
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const damaged = Buffer.from(packed);
    for (let count = 0; count <= round % 3; count++)
      damaged[random() % packed.length] ^= 1 << (random() >>> 29);
    const output = new Uint8Array(data.length);
    const answer = inflate(damaged, output);
    if (answer !== undefined) refused++;
    else if (!data.equals(output))
      assert.notEqual(crc32(output), crc32(data), "and the checksum tells");
  }
  assert.ok(refused > 1000);
});

test("noise is refused, and nothing is written beside the output", () => {
  const random = seeded(5);
  const around = new Uint8Array(1200);
  const output = around.subarray(100, 1100);
  for (let round = 0; round < 3000; round++) {
    const noise = Uint8Array.from({ length: 64 }, () => random() >>> 24);
    assert.notEqual(inflate(noise, output), undefined, `round ${round}`);
  }
  output.fill(0);
  assert.deepEqual(around, new Uint8Array(1200));
});

test("checksums are those of zip", () => {
  assert.equal(crc32(Buffer.from("123456789")), 0xcbf43926);
  assert.equal(crc32(Buffer.alloc(0)), 0);
});
