/**
 * Sleeping and waking. Besides this file only locks wait (`mutex.ts`), and what waits in the place of a guest's instruction (`engine-wait.ts`).
 *
 * A parker is a word of shared memory that belongs to one sleeper. 0: nothing; 1: a wake-up has come (it is kept until taken, so a
 * wake-up before the sleep is not lost); 2: the sleeper is a suspended stack, and its waker must hand it to its carrier.
 * Wake-ups carry no meaning: a sleeper looks at what it waits for again each time.
 */
import { address, atomic32, layout } from "./layout.ts";
import type { KernelMemory } from "./memory.ts";
import { spinWhile } from "./spin.ts";

export const Parked = { idle: 0, woken: 1, suspended: 2 } as const;

/** What a sleeper is to its wakers. Threads begin with one, so that a thread's address is its parker's. */
export const parkerFields = {
  /** See `Parked`. Anyone wakes; only the sleeper takes. */
  word: atomic32,
  /** The carrier's `ReadyQueue` that a suspended stack belongs to: written by the owner before it suspends. */
  readyQueue: address,
  /** Link in that queue: written by the one waker that took the word from `suspended`. */
  readyNext: address,
};

/** A sleeper that is no thread: a host's event loop that waits for a process or a pipe. */
export const Parker = layout("Parker", parkerFields);

/**
 * The stacks that a carrier may resume: any agent pushes, the carrier takes all at once. No lock: a stack of links.
 * `bell` is 1 while the carrier is awake or called, 0 while it sleeps or is about to; so a push to a carrier that runs costs no system call.
 */
export const ReadyQueue = layout("ReadyQueue", { head: atomic32, bell: atomic32 });

/**
 * Sleeps until woken or until `timeout` milliseconds have passed (Infinity: no limit). Takes the wake-up. The agent must be one
 * that may block.
 *
 * @returns whether a wake-up was taken; false after the time has passed
 */
export function park(memory: KernelMemory, parker: number, timeout: number): boolean {
  const word = parker >>> 2;
  if (memory.lockOrder !== undefined) memory.lockOrder.mustBeEmpty("park");
  if (timeout > 0 && !spinWhile(memory, word, Parked.idle))
    Atomics.wait(memory.i32, word, Parked.idle, timeout);
  return Atomics.exchange(memory.i32, word, Parked.idle) === Parked.woken;
}

/**
 * Looks for a wake-up for as long as spinning takes, unless something is put on a ready queue. Takes the wake-up.
 *
 * @returns whether there was one
 */
export function parkShortly(memory: KernelMemory, parker: number, queue: number): boolean {
  const word = parker >>> 2;
  spinWhile(memory, word, Parked.idle, (queue + ReadyQueue.head.offset) >>> 2);
  if (Atomics.load(memory.i32, word) !== Parked.woken) return false;
  Atomics.store(memory.i32, word, Parked.idle);
  return true;
}

/** The same for an agent that may not block: a page's main thread, an event loop. Nothing is allocated when a wake-up is there. */
export async function parkAsync(
  memory: KernelMemory,
  parker: number,
  timeout: number,
): Promise<boolean> {
  const word = parker >>> 2;
  if (Atomics.load(memory.i32, word) !== Parked.woken && timeout > 0) {
    const wait = Atomics.waitAsync(memory.i32, word, Parked.idle, timeout);
    if (wait.async) await wait.value;
  }
  return Atomics.exchange(memory.i32, word, Parked.idle) === Parked.woken;
}

/** Gives a wake-up: to a sleeping agent by notifying it, to a suspended stack by making its carrier resume it. */
export function unpark(memory: KernelMemory, parker: number): void {
  const before = Atomics.exchange(memory.i32, parker >>> 2, Parked.woken);
  if (before === Parked.idle) Atomics.notify(memory.i32, parker >>> 2, 1);
  else if (before === Parked.suspended)
    pushReady(memory, Parker.readyQueue.get(memory, parker), parker);
}

/** Puts a parker on a ready queue and calls the carrier if it sleeps. */
export function pushReady(memory: KernelMemory, queue: number, parker: number): void {
  for (;;) {
    const head = ReadyQueue.head.load(memory, queue);
    Parker.readyNext.set(memory, parker, head >>> 0);
    if (ReadyQueue.head.compareExchange(memory, queue, head, parker | 0) === head) break;
  }
  ringBell(memory, queue);
}

/** Calls the carrier that owns a ready queue, if it sleeps. */
export function ringBell(memory: KernelMemory, queue: number): void {
  if (ReadyQueue.bell.exchange(memory, queue, 1) === 0) {
    Atomics.notify(memory.i32, (ReadyQueue.bell.offset + queue) >>> 2, 1);
  }
}

/** Takes all ready parkers; returns the first in order of arrival, linked by `readyNext`, or 0. For the queue's carrier only. */
export function takeReady(memory: KernelMemory, queue: number): number {
  if (ReadyQueue.head.load(memory, queue) === 0) return 0;
  let parker = ReadyQueue.head.exchange(memory, queue, 0) >>> 0;
  let first = 0;
  while (parker !== 0) {
    const next = Parker.readyNext.get(memory, parker);
    Parker.readyNext.set(memory, parker, first);
    first = parker;
    parker = next;
  }
  return first;
}

/**
 * Sleeps until the bell rings. The carrier must have found nothing to do after `hushBell`; the order (hush, look, sleep) is what makes a
 * push in between heard.
 */
export function waitForBell(memory: KernelMemory, queue: number, timeout: number): void {
  if (memory.lockOrder !== undefined) memory.lockOrder.mustBeEmpty("waitForBell");
  const word = (queue + ReadyQueue.bell.offset) >>> 2;
  if (!spinWhile(memory, word, 0)) Atomics.wait(memory.i32, word, 0, timeout);
}

/** Says that the carrier is about to sleep: from now on a push rings. */
export function hushBell(memory: KernelMemory, queue: number): void {
  ReadyQueue.bell.store(memory, queue, 0);
}

/** Sleeps on any word as long as it is `expected`. Returns after a wake-up, a change, or `timeout` milliseconds. */
export function waitWhile(
  memory: KernelMemory,
  address: number,
  expected: number,
  timeout: number,
): void {
  if (memory.lockOrder !== undefined) memory.lockOrder.mustBeEmpty("waitWhile");
  Atomics.wait(memory.i32, address >>> 2, expected, timeout);
}

/** Wakes all that sleep on a word. */
export function wakeAll(memory: KernelMemory, address: number): void {
  Atomics.notify(memory.i32, address >>> 2);
}

/** How long an agent sleeps that is being ended before it ends itself, in milliseconds. */
const LOST = 2000;

/** Stops this agent for good: it is about to be ended with its worker. */
export function sleepForever(memory: KernelMemory): never {
  for (;;) {
    Atomics.wait(memory.i32, 0, memory.i32[0], LOST);
    // Where V8 ends an agent while a stack runs that can be suspended, that can end the stack alone.
    memory.leave?.();
  }
}
