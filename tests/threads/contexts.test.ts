import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Errno } from "../../src/abi/errno.ts";
import { canSuspendStacks } from "../../src/loader/suspension.ts";
import { SharedMachine } from "../support/machine-guest.ts";

/** Runs a case of the program on a machine. Returns its exit code, what it wrote, and why it ended. */
async function runCase(
  shared: SharedMachine,
  name: string,
): Promise<[number, string, string | undefined]> {
  const { exitCode, stdout, stderr, message } = await shared.run("thread_contexts", [name]);
  return [exitCode, stdout + stderr, message];
}

function testContexts(shared: SharedMachine, kind: string): void {
  for (const [name, what] of [
    ["switches", "20,000 switches between two contexts"],
    ["chain", "2,000 contexts that begin each other"],
    ["locals", "locals of every type, and stacks in memory"],
    ["below", "contexts on one stack in memory"],
    ["errors", "numbers, entries and addresses that are wrong"],
    ["destroyed", "destroyed contexts do not run, and cannot be switched to"],
    ["waits", "contexts of many threads sleep, take locks and wait"],
    ["calls", "reads and signals in a context"],
    ["clock", "a signal for a thread that only reads the clock"],
    ["asleep", "the process ends while threads sleep in contexts"],
    ["leaving", "a context ends its thread"],
  ] as const) {
    test(`${what} (${kind})`, async () => {
      assert.deepEqual(await runCase(shared, name), [0, `${name}: done\n`, undefined]);
    });
  }

  test(`a context whose entry returns ends the program with 129, on any thread (${kind})`, async () => {
    for (const name of ["return", "return-thread"]) {
      const [exitCode, output, message] = await runCase(shared, name);
      assert.deepEqual([exitCode, output], [129, ""]);
      assert.match(
        message!,
        /^thread \d+ of process \d+ \(thread_contexts\): the entry function of context 1 returned$/,
      );
    }
  });

  test(`a trap in a context ends the program as a trap of its thread does (${kind})`, async () => {
    const [exitCode, output, message] = await runCase(shared, "trap");
    assert.deepEqual([exitCode, output], [45, ""]);
    assert.match(message!, /unreachable\n {4}at \S*trap /);
  });

  test(`a signal's handler switches to a context, and back (${kind})`, async () => {
    const answer = [0, "0\nhandler: done\n", undefined];
    assert.deepEqual(await runCase(shared, "handler"), answer);
  });

  test(`a context ends the process (${kind})`, async () => {
    assert.deepEqual(await runCase(shared, "exit"), [7, "", undefined]);
  });

  test(`a kill ends threads that wait in a context, and in the middle of switches (${kind})`, async () => {
    const machine = await shared.machine;
    const hanging = await machine.spawn(await shared.load("thread_contexts"), { args: ["hang"] });
    await delay(20);
    hanging.kill();
    assert.equal((await hanging.wait()).exitCode, 137);
    for (let round = 0; round < 12; round++) {
      const process = await shared.spawnReady("thread_contexts", ["busy"]);
      await delay(round % 4);
      process.kill();
      assert.equal((await process.wait()).exitCode, 137);
    }
  });
}

testContexts(new SharedMachine({}, { instrumented: true }), "asyncify");

const plain = new SharedMachine();

if (canSuspendStacks) testContexts(plain, "JSPI");
else {
  test("without suspension and asyncify each call answers ENOTSUP", async () => {
    const { ENOTSUP } = Errno;
    assert.deepEqual(await runCase(plain, "supported"), [
      0,
      `${ENOTSUP} ${ENOTSUP} ${ENOTSUP}\n`,
      undefined,
    ]);
  });
}
