import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { usedBytes, type KernelMemory } from "../../src/shm/index.ts";
import { loadGuest, SharedMachine, withMachine } from "../support/machine-guest.ts";
import type { Machine } from "../../src/api/node.ts";

const shared = new SharedMachine({ maxThreads: 80 });

/** Bytes of the kernel heap in use. */
const bytesOf = (machine: Machine) =>
  usedBytes((machine as unknown as { kernel: { memory: KernelMemory } }).kernel.memory);

async function expectRan(args: readonly string[], count: number): Promise<void> {
  const { exitCode, stdout, stderr, message } = await shared.run("thread_storm", args);
  assert.deepEqual([exitCode, stdout, stderr, message], [0, `${count}\n`, "", undefined]);
}

test("2,000 threads, one after the other", () => expectRan(["sequential", "2000"], 2000));

test("64 threads at once", () => expectRan(["at-once", "64"], 64));

test("200 threads that nobody joins", () => expectRan(["detached", "200"], 200));

test("threads in memory that was grown a moment before", () => expectRan(["growing", "200"], 600));

test("threads made and joined at random", async () => {
  for (const seed of ["1", "2", "3", "4"]) {
    const { exitCode, stderr, message } = await shared.run("thread_storm", ["random", "400", seed]);
    assert.deepEqual([exitCode, stderr, message], [0, "", undefined], `seed ${seed}`);
  }
});

test("threads made and joined at random, and an exit in the middle", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const result = await shared.run("thread_storm", ["random-exit", "30", String(seed)]);
    assert.deepEqual([result.exitCode, result.stderr, result.message], [3, "", undefined]);
  }
});

test("a storm at the limit of threads", async () => {
  await withMachine({ maxThreads: 6 }, async (machine) => {
    const program = await loadGuest(machine, "thread_storm");
    const args = ["random", "400", "9"];
    const { exitCode, stderr, message } = await machine.run(program, { args });
    assert.deepEqual([exitCode, stderr, message], [0, "", undefined]);
  });
});

test("the kernel heap and the workers are the same after 5 and after 100 processes", async () => {
  await withMachine({ maxThreads: 12 }, async (machine) => {
    const program = await loadGuest(machine, "thread_storm");
    const run = async (times: number) => {
      for (let index = 0; index < times; index++) {
        const result = await machine.run(program, { args: ["at-once", "6"] });
        assert.deepEqual([result.exitCode, result.stdout], [0, "6\n"]);
      }
      return machine.ledger();
    };
    const { Carrier: few = 0, ...before } = await run(5);
    const bytes = bytesOf(machine);
    await run(95);
    // A worker that was ended where it computed has its record until its agent is gone.
    for (let rounds = 0; machine.ledger().Carrier !== machine.workerCount; rounds++) {
      assert.ok(rounds < 1000, "the record of a worker that was ended is still there");
      await sleep(10);
    }
    const { Carrier: many = 0, ...after } = machine.ledger();
    assert.deepEqual(after, before);
    // No more than a machine keeps for the next process.
    assert.ok(machine.workerCount <= 16, `${machine.workerCount} workers`);
    assert.ok(
      bytesOf(machine) - bytes <= Math.max(0, many - few) * 64,
      "the kernel heap has grown",
    );
  });
});

test("the kernel heap is the same after 100 and after 4,000 threads", async () => {
  await withMachine({}, async (machine) => {
    const program = await loadGuest(machine, "thread_storm");
    const run = async (count: number) => {
      const result = await machine.run(program, { args: ["sequential", String(count)] });
      assert.deepEqual([result.exitCode, result.stdout], [0, `${count}\n`]);
      return bytesOf(machine);
    };
    const before = await run(100);
    // Carriers that came meanwhile have records of their own; a record lost with each thread would be a hundred times this.
    assert.ok((await run(4000)) - before <= 4096, "the kernel heap has grown");
  });
});
