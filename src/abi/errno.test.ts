import assert from "node:assert/strict";
import test from "node:test";
import { errnoMeaning } from "./errno-meanings.ts";
import { Errno, errnoName } from "./errno.ts";

test("errno has the numbers of WASI", () => {
  assert.equal(Errno.SUCCESS, 0);
  assert.equal(Errno.E2BIG, 1);
  assert.equal(Errno.EACCES, 2);
  assert.equal(Errno.EAGAIN, 6);
  assert.equal(Errno.ENOENT, 44);
  assert.equal(Errno.ENOTCAPABLE, 76);
  assert.equal(Errno.EMEMVIOLATION, 78);
});

test("every errno has its own name and its own meaning", () => {
  const numbers = Object.values(Errno);
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index),
  );
  for (const [name, value] of Object.entries(Errno)) assert.equal(errnoName(value), name);
  assert.equal(new Set(numbers.map(errnoMeaning)).size, numbers.length);
  assert.equal(errnoMeaning(Errno.SUCCESS), "success");
  assert.equal(errnoMeaning(Errno.EPENDING), "operation pending");
});

test("a number that is no errno is given as a number", () => {
  for (const value of [-1, 81, 1.5, 70000]) {
    assert.equal(errnoName(value), `errno ${value}`);
    assert.equal(errnoMeaning(value), `errno ${value}`);
  }
});
