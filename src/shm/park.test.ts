import assert from "node:assert/strict";
import test from "node:test";
import { runJob } from "../../tests/support/kernel-workers.ts";
import {
  allocate,
  KernelMemory,
  park,
  parkAsync,
  Parked,
  Parker,
  pushReady,
  readLedger,
  ReadyQueue,
  sleepForever,
  subscribe,
  takeReady,
  unpark,
  unsubscribe,
  WaitEntry,
  WaitQueue,
  wakeQueue,
} from "./index.ts";

test("an agent that is being ended leaves by itself when nobody ends it", () => {
  const memory = KernelMemory.create(true);
  class Left extends Error {}
  memory.leave = () => {
    throw new Left();
  };
  assert.throws(() => sleepForever(memory), Left);
});

test("a wake-up before the sleep is kept, and taken once", async () => {
  const memory = KernelMemory.create(true);
  const parker = Parker.allocate(memory);
  unpark(memory, parker);
  unpark(memory, parker);
  assert.equal(park(memory, parker, Infinity), true);
  assert.equal(park(memory, parker, 5), false);
  assert.equal(park(memory, parker, 0), false);
  unpark(memory, parker);
  assert.equal(await parkAsync(memory, parker, Infinity), true);
  assert.equal(await parkAsync(memory, parker, 5), false);
  const sleep = parkAsync(memory, parker, 10_000);
  unpark(memory, parker);
  assert.equal(await sleep, true);
});

test("two workers hand a turn to each other without losing one", async () => {
  const memory = KernelMemory.create(true);
  const parkers = [Parker.allocate(memory), Parker.allocate(memory)];
  const word = allocate(memory, 32);
  memory.u32[word >>> 2] = 0;
  await Promise.all(
    [0, 1].map((own) =>
      runJob(memory, "passTurns", {
        own: parkers[own],
        other: parkers[1 - own],
        word,
        first: own === 0,
        times: 5000,
      }),
    ),
  );
  assert.equal(memory.u32[word >>> 2], 5000);
});

test("whoever waits in a queue is woken for what it asked for, and only while it waits", () => {
  const memory = KernelMemory.create(true);
  const queue = WaitQueue.allocate(memory);
  const waiters = [1, 2, 3, 2].map((mask) => {
    const entry = WaitEntry.allocate(memory);
    const parker = Parker.allocate(memory);
    subscribe(memory, queue, entry, parker, mask);
    return { entry, parker };
  });
  const woken = () => waiters.map(({ parker }) => park(memory, parker, 0));
  wakeQueue(memory, queue, 2);
  assert.deepEqual(woken(), [false, true, true, true]);
  wakeQueue(memory, queue, 4);
  assert.deepEqual(woken(), [false, false, false, false]);
  for (const index of [1, 3, 0]) {
    unsubscribe(memory, waiters[index].entry);
    unsubscribe(memory, waiters[index].entry);
  }
  wakeQueue(memory, queue, 15);
  assert.deepEqual(woken(), [false, false, true, false]);
  unsubscribe(memory, waiters[2].entry);
  assert.equal(WaitQueue.first.get(memory, queue), 0);
});

test("workers that wait for items get each one", async () => {
  const memory = KernelMemory.create(true);
  const queue = WaitQueue.allocate(memory);
  const items = allocate(memory, 32);
  memory.u32[items >>> 2] = 0;
  const argument = { queue, items, mask: 1 };
  await Promise.all([
    runJob(memory, "takeItems", { ...argument, times: 3000 }),
    runJob(memory, "takeItems", { ...argument, times: 3000 }),
    runJob(memory, "giveItems", { ...argument, times: 6000 }),
  ]);
  assert.equal(memory.u32[items >>> 2], 0);
  assert.equal(WaitQueue.first.get(memory, queue), 0);
  WaitQueue.free(memory, queue);
  assert.deepEqual(readLedger(memory), {});
});

test("a suspended parker goes on its ready queue once, in order of arrival", () => {
  const memory = KernelMemory.create(true);
  const queue = ReadyQueue.allocate(memory);
  const parkers = [0, 1, 2].map(() => {
    const parker = Parker.allocate(memory);
    Parker.readyQueue.set(memory, parker, queue);
    Parker.word.store(memory, parker, Parked.suspended);
    return parker;
  });
  for (const parker of parkers) {
    unpark(memory, parker);
    unpark(memory, parker);
  }
  const taken: number[] = [];
  for (let at = takeReady(memory, queue); at !== 0; at = Parker.readyNext.get(memory, at)) {
    taken.push(at);
    assert.equal(Parker.word.load(memory, at), Parked.woken);
  }
  assert.deepEqual(taken, parkers);
  assert.equal(takeReady(memory, queue), 0);
  pushReady(memory, queue, parkers[1]);
  assert.equal(takeReady(memory, queue), parkers[1]);
});

test("a carrier gets every parker that workers push, and sleeps without missing one", async () => {
  const memory = KernelMemory.create(true);
  const queue = ReadyQueue.allocate(memory);
  const make = () => [0, 1, 2, 3].map(() => Parker.allocate(memory));
  const sets = [make(), make()];
  const times = 2000;
  const [came] = await Promise.all([
    runJob(memory, "carryParkers", { queue, total: times * 8 }),
    ...sets.map((parkers) => runJob(memory, "pushParkers", { queue, parkers, times })),
  ]);
  assert.deepEqual(came, new Map([...came.keys()].map((parker) => [parker, times])));
  assert.deepEqual([...came.keys()].sort(), sets.flat().sort());
});
