// Short threads, one after the other: a carrier renews the instance in which one has ended for the next, and no thread can tell.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { compileGuest } from "../support/compile.ts";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

test("each of many threads finds an instance as new, however the one before ended", async () => {
  const { exitCode, stderr, message } = await shared.run("thread_renewals");
  assert.deepEqual([exitCode, stderr, message], [0, "", undefined]);
});

test("a trap after many threads names functions and places of the program as it was given", async () => {
  const { exitCode, message } = await shared.run("thread_renewals", ["trap"]);
  assert.equal(exitCode, 129);
  const bytes = await readFile(await compileGuest("thread_renewals"));
  const [first, ...frames] = message!.split("\n");
  assert.match(first, /^thread \d+ of process \d+ \(thread_renewals\): unreachable$/);
  const found = frames.map((frame) => {
    const [, name, offset] = /^ {4}at (\S+) \(function \d+, offset 0x([0-9a-f]+)\)$/.exec(frame)!;
    return [name, bytes[parseInt(offset, 16)]];
  });
  const [unreachable, call] = [0x00, 0x10];
  assert.deepEqual(found, [
    ["fail", unreachable],
    ["enter", call],
  ]);
});
