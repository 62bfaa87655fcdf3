import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import test from "node:test";
import { SharedMachine, withMachine, loadGuest } from "../support/machine-guest.ts";

const shared = new SharedMachine();

for (const [name, what] of [
  ["timers", "sleeps and time-outs end at their time, any number of times"],
  ["pipes", "reads, long writes, poll and join"],
  ["computing", "threads that compute do not keep a worker from one that sleeps"],
  ["signals", "signals reach threads that sleep"],
  ["turns", "a lock that is held by threads that sleep"],
] as const) {
  test(what, async () => {
    const { exitCode, stdout, stderr, message } = await shared.run("stack_sleepers", [name]);
    assert.deepEqual([exitCode, stdout, stderr, message], [0, `${name}: done\n`, "", undefined]);
  });
}

test("1,000 threads wait with few workers, and go on", async () => {
  await withMachine({}, async (machine) => {
    const process = await machine.spawn(await loadGuest(machine, "stack_sleepers"), {
      args: ["many", "1000"],
      stdin: "pipe",
    });
    for await (const line of process.stdout!.lines()) {
      if (line !== "all wait") continue;
      // Carriers, and some more of them where the machine is so busy that those seem stuck.
      const carriers = Math.max(4, availableParallelism() + 2);
      assert.ok(machine.workerCount <= 3 * carriers, `${machine.workerCount} workers`);
      await process.stdin!.write("x");
    }
    const { exitCode, stderr } = await process.wait();
    assert.deepEqual([exitCode, stderr], [0, ""]);
  });
});

test("an exit and a kill end threads that sleep", async () => {
  await withMachine({}, async (machine) => {
    const program = await loadGuest(machine, "stack_sleepers");
    // Again and again: carriers come and go, hand the watch over, and threads end in the middle of falling asleep.
    for (let round = 0; round < 12; round++) {
      const { exitCode } = await machine.run(program, { args: ["exit"] });
      assert.equal(exitCode, 9);
      const process = await machine.spawn(program, { args: ["many", "50"], stdin: "pipe" });
      for await (const line of process.stdout!.lines()) if (line === "all wait") process.kill();
      assert.equal((await process.wait()).exitCode, 137);
    }
  });
});
