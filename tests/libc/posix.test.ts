// What C programs expect of threads and locks, by the names of POSIX. The same two programs run natively and with the WASIX C library; here
// they run on an implementation of those names of our own (tests/programs/include/posix.h), which makes the calls that the C library makes.

import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

async function expectDone(program: string, name: string): Promise<void> {
  const result = await shared.run(program, [name]);
  assert.deepEqual([result.exitCode, result.stderr, result.message], [0, "", undefined]);
  assert.equal(result.stdout, `${name}: done\n`);
}

test("normal, recursive and error-checking mutexes, tried and timed", () =>
  expectDone("posix_locks", "mutexes"));
test("condition variables: turns, signals, broadcasts", () =>
  expectDone("posix_locks", "conditions"));
test("condition variables with a time of either clock", () =>
  expectDone("posix_locks", "timed-conditions"));
test("read-write locks, tried and timed", () => expectDone("posix_locks", "rwlocks"));
test("barriers", () => expectDone("posix_locks", "barriers"));
test("semaphores", () => expectDone("posix_locks", "semaphores"));
test("pthread_once", () => expectDone("posix_locks", "once"));

test("threads are joined, by any thread, early and late", () =>
  expectDone("posix_threads", "join"));
test("threads are detached, before and during their life", () =>
  expectDone("posix_threads", "detach"));
test("threads have stacks of the size that was asked for", () =>
  expectDone("posix_threads", "stacks"));
test("thread-local variables are each thread's own", () => expectDone("posix_threads", "locals"));
test("keys and their destructors", () => expectDone("posix_threads", "keys"));
test("threads are cancelled in waits, in sleeps and where they ask", () =>
  expectDone("posix_threads", "cancel"));
test("signals reach the thread that is named, in waits, loops and sleeps", () =>
  expectDone("posix_threads", "signals"));
test("threads use memory while it grows", () => expectDone("posix_threads", "memory"));

test("lines that threads print do not mix", async () => {
  const { exitCode, stdout } = await shared.run("posix_threads", ["print"]);
  assert.equal(exitCode, 0);
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.pop(), "print: done");
  for (let thread = 0; thread < 8; thread++) {
    const own = lines.filter((line) => line.startsWith(`thread ${thread} `));
    assert.deepEqual(
      own,
      Array.from({ length: 50 }, (_, each) => `thread ${thread} says line ${each}`),
    );
  }
  assert.equal(lines.length, 400);
});

test("a thread ends the process with its code, whatever the others do", async () => {
  const { exitCode, stdout, message } = await shared.run("posix_threads", ["exit"]);
  assert.deepEqual([exitCode, stdout, message], [23, "", undefined]);
});

test("the process lives until its last thread has ended", async () => {
  const { exitCode, stdout } = await shared.run("posix_threads", ["main-exit"]);
  assert.deepEqual([exitCode, stdout], [0, "the last thread is done\n"]);
});

test("abort ends the process by SIGABRT, also where handlers are called", async () => {
  const { exitCode, signal, message } = await shared.run("posix_threads", ["abort"]);
  assert.deepEqual([exitCode, signal, message], [128 + 6, 6, undefined]);
});

test("the default action of a program that calls handlers ends it by the signal", async () => {
  const { exitCode, signal } = await shared.run("posix_threads", ["fatal-signal-caught"]);
  assert.deepEqual([exitCode, signal], [128 + 15, 15]);
});

test("a signal that nobody handles ends the process", async () => {
  const { exitCode, signal } = await shared.run("posix_threads", ["fatal-signal"]);
  assert.deepEqual([exitCode, signal], [128 + 15, 15]);
});
