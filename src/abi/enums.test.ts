import assert from "node:assert/strict";
import test from "node:test";
import { enumName, Filetype, Signal, Whence, WhenceSnapshot0 } from "./enums.ts";

test("values are named, and an unknown value is its number", () => {
  assert.equal(enumName(Filetype, Filetype.DIRECTORY), "DIRECTORY");
  assert.equal(enumName(Filetype, 77), "77");
});

test("signals are numbered as on Linux", () => {
  assert.equal(Signal.KILL, 9);
  assert.equal(Signal.CHLD, 17);
  assert.equal(Signal.SYS, 31);
});

test("the first snapshot counts whence otherwise", () => {
  assert.deepEqual(Whence, { SET: 0, CUR: 1, END: 2 });
  assert.deepEqual(WhenceSnapshot0, { CUR: 0, END: 1, SET: 2 });
});
