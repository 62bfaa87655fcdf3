import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

for (const [name, what] of [
  ["after", "a handler forks after a call"],
  ["before", "a handler forks before a call"],
  ["waits", "a handler forks in reads, sleeps and writes"],
  ["children", "a handler of SIGCHLD forks, in waits that go on"],
  ["nested", "handlers within handlers fork"],
  ["turn", "handlers that have forked are interrupted by others that fork"],
  ["early", "a signal comes to a child before it has begun"],
  ["shared", "a child on the same memory, in a handler"],
  ["jumps", "checkpoints within a handler, and jumps out of it"],
  ["sleeps", "handlers that wait leave their workers"],
  ["refusals", "a call that does not unwind answers an errno in its handlers"],
] as const) {
  test(what, async () => {
    const { exitCode, stdout, stderr, message } = await shared.run("stack_handlers", [name]);
    assert.deepEqual([exitCode, stdout, stderr, message], [0, `${name}: done\n`, "", undefined]);
  });
}

for (const seed of ["1", "2", "3"]) {
  test(`signals, and handlers that fork, wait and jump, at random, seed ${seed}`, async () => {
    const { exitCode, stdout, stderr } = await shared.run("stack_handlers", ["storm", seed]);
    assert.deepEqual([exitCode, stdout, stderr], [0, "storm: done\n", ""]);
  });
}

test("a checkpoint of a handler that is over", async () => {
  const { exitCode, message } = await shared.run("stack_handlers", ["dead"]);
  assert.equal(exitCode, 79);
  assert.match(message!, /no such checkpoint/);
});
