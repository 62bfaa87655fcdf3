import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

for (const [name, title] of [
  ["level", "every message reaches one of many threads in level-triggered waits"],
  ["edge", "the same with edges"],
  ["one-shot", "the same with one-shots"],
  ["changes", "watched files come, change and are closed while threads wait"],
  ["poll", "the same messages with poll_oneoff"],
  ["semaphore", "each one of a semaphore is taken once"],
] as const) {
  test(title, async () => {
    const result = await shared.run("thread_epoll", [name]);
    assert.deepEqual([result.exitCode, result.stderr, result.message], [0, "", undefined]);
    assert.equal(result.stdout, `${name}: done\n`);
  });
}
