import assert from "node:assert/strict";
import test from "node:test";
import { KernelMemory } from "../shm/index.ts";
import { Vfs } from "./vfs.ts";

test("the time is nanoseconds in two halves", () => {
  let milliseconds = 0;
  const vfs = new Vfs(KernelMemory.create(true), { milliseconds: () => milliseconds });
  const times = [
    0,
    1,
    999,
    1000,
    4294,
    4295,
    4294967.296,
    1.7e12,
    1.7e12 + 1,
    1_763_940_000_123.25,
    4.6e12,
  ];
  for (milliseconds of times) {
    vfs.now();
    const seconds = Math.floor(milliseconds / 1000);
    const rest = Math.floor((milliseconds - seconds * 1000) * 1e6);
    const expected = BigInt(seconds) * 1_000_000_000n + BigInt(rest);
    assert.equal((BigInt(vfs.nowHigh) << 32n) + BigInt(vfs.nowLow), expected, String(milliseconds));
  }
});
