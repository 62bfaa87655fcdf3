import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

async function expectDone(program: string, name: string): Promise<void> {
  const result = await shared.run(program, [name]);
  assert.deepEqual([result.exitCode, result.stderr, result.message], [0, "", undefined]);
  assert.equal(result.stdout, `${name}: done\n`);
}

for (const [name, title] of [
  ["level", "every message reaches one of many threads in level-triggered waits"],
  ["edge", "the same with edges"],
  ["one-shot", "the same with one-shots"],
  ["changes", "watched files come, change and are closed while threads wait"],
  ["poll", "the same messages with poll_oneoff"],
  ["semaphore", "each one of a semaphore is taken once"],
] as const) {
  test(title, () => expectDone("thread_epoll", name));
}

for (const [name, title] of [
  ["large", "a write of more than a pipe holds waits until all is taken"],
  ["atomic", "writes of up to 4096 bytes from many threads are never mixed"],
  ["non-blocking", "non-blocking ends take what goes, or answer EAGAIN"],
  ["flow", "a pipe through which much has gone holds more for those who wait only"],
  ["broken", "a reader that goes away ends a write that waits"],
  ["end", "a writer that goes away ends every read that waits"],
] as const) {
  test(title, () => expectDone("thread_pipes", name));
}
