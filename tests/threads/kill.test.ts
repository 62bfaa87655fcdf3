// Kills from outside, in every state that a program can be in. A kill that did not reach its program would leave the test waiting until it is ended itself.
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../support/kernel-random.ts";
import { SharedMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine({ maxThreads: 24 });

const STATES = [
  ["compute", "futex", "atomic", "stdin", "sleep", "clock", "yield", "pipe", "full", "poll"],
  ["join", "storm", "handler", "handler-futex", "handler-read"],
].flat();

for (const state of STATES) {
  test(`kill ends main and threads in the state ${state}`, async () => {
    for (const threads of ["0", "4"]) {
      const process = await shared.spawnReady("thread_states", [state, threads]);
      process.kill();
      const result = await process.wait();
      assert.deepEqual(
        [result.exitCode, result.signal, result.timedOut, result.aborted, result.stderr],
        [128 + 9, 9, false, false, ""],
      );
    }
  });
}

test("kill while the program boots, at every moment", async () => {
  const machine = await shared.machine;
  const program = await shared.load("thread_states");
  for (let pause = -2; pause < 20; pause++) {
    const process = await machine.spawn(program, { args: ["storm", "3"] });
    if (pause >= 0) await delay(pause);
    if (pause === -1) await Promise.resolve();
    process.kill("SIGTERM");
    const { exitCode, signal } = await process.wait();
    assert.deepEqual([exitCode, signal], [128 + 15, 15]);
  }
});

test("kill twice, and after the end, is no error; the first signal counts", async () => {
  const process = await shared.spawnReady("thread_states", ["compute", "1"]);
  process.kill("SIGINT");
  process.kill("SIGKILL");
  const result = await process.wait();
  assert.deepEqual([result.exitCode, result.signal], [130, 2]);
  process.kill();
  assert.deepEqual(await process.wait(), result);
  assert.throws(() => process.kill("SIGNONSENSE"), { code: "ERR_OPTION" });
  const ended = await shared.run("thread_waits", ["errors"]);
  assert.equal(ended.exitCode, 0);
});

test("a kill of one process leaves the others of the machine alone", async () => {
  const kept = await shared.spawnReady("thread_states", ["stdin", "2", "21"]);
  for (const state of ["compute", "storm", "futex", "atomic"]) {
    const process = await shared.spawnReady("thread_states", [state, "3"]);
    process.kill();
    assert.equal((await process.wait()).exitCode, 137);
  }
  // At once: it ends when its main thread has read, whichever thread that is.
  await kept.stdin!.write("\n\n\n");
  await kept.stdin!.end();
  assert.equal((await kept.wait()).exitCode, 21);
});

test("an AbortSignal ends the process, also one that was aborted before", async () => {
  const controller = new AbortController();
  const process = await shared.spawnReady("thread_states", ["compute", "2"], {
    signal: controller.signal,
  });
  controller.abort();
  const result = await process.wait();
  assert.deepEqual([result.exitCode, result.signal, result.aborted], [143, 15, true]);
  const early = await shared.run("thread_states", ["compute", "2"], { signal: controller.signal });
  assert.deepEqual([early.exitCode, early.aborted, early.timedOut], [143, true, false]);
});

test("a timeout ends the process and says so; one that is long does nothing", async () => {
  const result = await shared.run("thread_states", ["compute", "2"], { timeout: 60 });
  assert.deepEqual([result.exitCode, result.timedOut, result.aborted], [137, true, false]);
  const quick = await shared.run("thread_waits", ["errors"], { timeout: 2 ** 30 });
  assert.deepEqual([quick.exitCode, quick.timedOut], [0, false]);
});

test("start sections that never end are ended with their process", async () => {
  const own = await shared.run("thread_start_section");
  assert.deepEqual([own.exitCode, own.message], [6, undefined]);
});

test("kills at random moments of storms, several processes at once", async () => {
  const random = new Random(20);
  const machine = await shared.machine;
  const program = await shared.load("thread_storm");
  for (let round = 0; round < 4; round++) {
    const processes = await Promise.all(
      Array.from({ length: 3 }, (_, index) =>
        machine.spawn(program, { args: ["random", "100000", String(round * 3 + index)] }),
      ),
    );
    for (const process of processes) {
      await delay(random.below(15));
      process.kill();
    }
    for (const process of processes) {
      const { exitCode, stderr } = await process.wait();
      assert.deepEqual([exitCode, stderr], [137, ""]);
    }
  }
});

test("closing a machine ends what runs in it", async () => {
  const other = new SharedMachine();
  const processes = await Promise.all([
    other.spawnReady("thread_states", ["compute", "2"]),
    other.spawnReady("thread_states", ["storm", "2"]),
    other.spawnReady("thread_states", ["stdin", "0"]),
  ]);
  const machine = await other.machine;
  const booting = await machine.spawn(await other.load("thread_states"), { args: ["futex", "5"] });
  await machine.close();
  assert.equal(machine.workerCount, 0);
  for (const process of [...processes, booting]) assert.equal((await process.wait()).exitCode, 137);
  await assert.rejects(other.run("thread_states", ["compute", "0"]), { code: "ERR_CLOSED" });
});
