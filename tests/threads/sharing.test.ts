// Far more threads than cores, which compute, spin and wait without a call of the kernel. Where the engine can suspend stacks most of them share a worker;
// elsewhere each has one of its own.

import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

/** Nothing here takes long: what is not done by then hangs. */
const LONGEST = 60_000;

const canSuspend = "Suspending" in WebAssembly;

async function expectDone(name: string, threads = 24): Promise<void> {
  const options = { timeout: LONGEST };
  const result = await shared.run("thread_sharing", [name, String(threads)], options);
  assert.deepEqual([result.exitCode, result.stderr, result.message], [0, "", undefined]);
  assert.equal(result.stdout, `${name}: done\n`);
}

test("threads that compute for ever keep neither main nor the end of the process", () =>
  expectDone("compute"));
test("a lock that is spun for, while its holder sleeps", () => expectDone("spin-lock"));
test("many threads wait with the engine's instruction, woken at once and one by one", () =>
  expectDone("raw", canSuspend ? 200 : 24));
test("a barrier that all spin at", () => expectDone("barrier"));
test("threads sleep and go on beside others that compute", () => expectDone("beside", 30));
test("a word that is not atomic is spun for and handed on", () => expectDone("plain"));
test("signal handlers wait for a futex that another thread wakes", () => expectDone("handlers"));
test("the memory grows while others wait", () => expectDone("growth"));
test("each thread starts the next and waits for it", () => expectDone("chain"));

test("each thread has globals, dropped segments and a run of the start section of its own", async () => {
  const { exitCode, stderr, message } = await shared.run("thread_own_state", [], {
    timeout: LONGEST,
  });
  assert.deepEqual([exitCode, stderr, message], [0, "", undefined]);
});
