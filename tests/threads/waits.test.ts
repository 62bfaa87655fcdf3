import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

async function expectDone(program: string, name: string): Promise<void> {
  const result = await shared.run(program, [name]);
  assert.deepEqual([result.exitCode, result.stderr, result.message], [0, "", undefined]);
  assert.equal(result.stdout, `${name}: done\n`);
}

test("any number of threads join one, during its life and after", () =>
  expectDone("thread_waits", "join"));
test("thread_sleep, sched_yield, thread_parallelism", () => expectDone("thread_waits", "sleep"));
test("futex wakes take the oldest waiter first, or all", () => expectDone("thread_waits", "wake"));
test("futex waits end at their time, and at once on another value", () =>
  expectDone("thread_waits", "timeouts"));
test("futex calls with bad words, times and results", () => expectDone("thread_waits", "errors"));
test("waits and calls go on while the memory grows", () => expectDone("thread_waits", "growth"));

test("a futex wait handles signals and goes on", () => expectDone("thread_signals", "futex"));
test("a pipe read handles a signal and fails with EINTR", () =>
  expectDone("thread_signals", "read"));
test("a sleep handles a signal and goes on", () => expectDone("thread_signals", "sleep"));
test("a join handles a signal and goes on", () => expectDone("thread_signals", "join"));
test("a call that only reads the clock handles a signal, on each kind of carrier", () =>
  expectDone("thread_signals", "clock"));
test("blocked signals wait until they are unblocked", () =>
  expectDone("thread_signals", "blocked"));
test("signals go to the thread that is named", () => expectDone("thread_signals", "whom"));
test("a handler waits in the middle of a wait", () => expectDone("thread_signals", "nested"));
test("a handler ends its thread in the middle of a wait", () =>
  expectDone("thread_signals", "leave"));

test("a handler ends the process in the middle of a wait", async () => {
  const result = await shared.run("thread_signals", ["exit"]);
  assert.deepEqual([result.exitCode, result.stderr, result.message], [33, "", undefined]);
});

test("a handler traps in the middle of a wait", async () => {
  const result = await shared.run("thread_signals", ["trap"]);
  assert.deepEqual([result.exitCode, result.stderr], [129, ""]);
  assert.match(result.message!, /thread \d+ of process \d+ .*unreachable[^]*take_signal/);
});

test("without a handler signals do what POSIX has as their default", async () => {
  const result = await shared.run("thread_signals", ["defaults"]);
  assert.deepEqual([result.exitCode, result.signal, result.stdout], [128 + 15, 15, "still here\n"]);
});
