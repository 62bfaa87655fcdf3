import assert from "node:assert/strict";
import test from "node:test";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();

const places = [
  ["main", "main thread"],
  ["shared", "shared worker"],
] as const;

for (const [name, what] of [
  ["after", "a handler forks after a call"],
  ["before", "a handler forks before a call"],
  ["waits", "a handler forks in reads, sleeps and writes"],
  ["deep", "the same before a call below many frames"],
  ["deep-waits", "the same in waits below many frames"],
  ["children", "a handler of SIGCHLD forks, in waits that go on"],
  ["nested", "handlers within handlers fork"],
  ["turn", "handlers that have forked are interrupted by others that fork"],
  ["early", "a signal comes to a child before it has begun"],
  ["shared", "a child on the same memory, in a handler"],
  ["jumps", "checkpoints within a handler, and jumps out of it"],
  ["sleeps", "handlers that wait leave their workers"],
  ["refusals", "a call that does not unwind answers an errno in its handlers"],
] as const) {
  // Signals of children come to the main thread.
  for (const [where, whereItIs] of name === "children" ? places.slice(0, 1) : places)
    test(`${what} (${whereItIs})`, async () => {
      const args = [where, name];
      const { exitCode, stdout, stderr, message } = await shared.run("stack_handlers", args);
      assert.deepEqual([exitCode, stdout, stderr, message], [0, `${name}: done\n`, "", undefined]);
    });
}

for (const seed of ["1", "2", "3"]) {
  for (const [where, whereItIs] of places)
    test(`signals, and handlers that fork, wait and jump, at random, seed ${seed} (${whereItIs})`, async () => {
      const args = [where, "storm", seed];
      const { exitCode, stdout, stderr } = await shared.run("stack_handlers", args);
      assert.deepEqual([exitCode, stdout, stderr], [0, "storm: done\n", ""]);
    });
}

test("a checkpoint of a handler that is over", async () => {
  const { exitCode, message } = await shared.run("stack_handlers", ["main", "dead"]);
  assert.equal(exitCode, 79);
  assert.match(message!, /no such checkpoint/);
});
