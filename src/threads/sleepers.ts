/**
 * Sleepers: the threads of a crew that sleep without a carrier. Their stacks are images (`Thread.image`), their places in wait queues stay as their calls made
 * them, and their parkers say `suspended`: waking one pushes it to the crew's ready queue, and any carrier takes it from there.
 *
 * One idle carrier has the watch: it sleeps on the bell of that queue instead of its own, no longer than until the first deadline.
 *
 * Life: part of a crew. All fields are guarded by `Crew.lock` but for the queue, which anyone pushes to.
 */
import { Thread } from "../kernel/index.ts";
import {
  address,
  block,
  type KernelMemory,
  layout,
  Parked,
  Parker,
  ReadyQueue,
  takeReady,
  u32,
} from "../shm/index.ts";

export const Sleepers = layout("Sleepers", {
  /** Woken threads; its bell is the watch's. */
  ready: block(ReadyQueue.bytes),
  /** Those with a deadline, the earliest first, linked by `Thread.sleepNext` and `sleepPrevious`. */
  first: address,
  last: address,
  /** Those that are to go on, in order, linked by `Thread.queueNext`. */
  firstReady: address,
  lastReady: address,
  /** Threads that sleep or are to go on. */
  count: u32,
  /** The idle carrier that has the watch, or 0. */
  watch: address,
});

/**
 * Puts a thread to sleep that has its stack in its record, with the time of its deadline, Infinity for none. With the lock.
 *
 * @returns false where it was woken meanwhile: then it is to go on at once
 */
export function addSleeperLocked(
  memory: KernelMemory,
  sleepers: number,
  thread: number,
  deadline: number,
): boolean {
  Thread.sleepDeadline.set(memory, thread, deadline);
  Parker.readyQueue.set(memory, thread, Sleepers.ready.at(sleepers));
  if (deadline !== Infinity) insertByDeadline(memory, sleepers, thread, deadline);
  const before = Parker.word.compareExchange(memory, thread, Parked.idle, Parked.suspended);
  if (before === Parked.idle) {
    Sleepers.count.set(memory, sleepers, Sleepers.count.get(memory, sleepers) + 1);
    return true;
  }
  Parker.word.store(memory, thread, Parked.idle);
  removeDeadline(memory, sleepers, thread);
  return false;
}

/** Most deadlines lie after those that are there already. */
function insertByDeadline(
  memory: KernelMemory,
  sleepers: number,
  thread: number,
  deadline: number,
): void {
  let previous = Sleepers.last.get(memory, sleepers);
  while (previous !== 0 && Thread.sleepDeadline.get(memory, previous) > deadline)
    previous = Thread.sleepPrevious.get(memory, previous);
  const next =
    previous === 0 ? Sleepers.first.get(memory, sleepers) : Thread.sleepNext.get(memory, previous);
  Thread.sleepPrevious.set(memory, thread, previous);
  Thread.sleepNext.set(memory, thread, next);
  if (previous === 0) Sleepers.first.set(memory, sleepers, thread);
  else Thread.sleepNext.set(memory, previous, thread);
  if (next === 0) Sleepers.last.set(memory, sleepers, thread);
  else Thread.sleepPrevious.set(memory, next, thread);
}

function removeDeadline(memory: KernelMemory, sleepers: number, thread: number): void {
  if (Thread.sleepDeadline.get(memory, thread) === Infinity) return;
  Thread.sleepDeadline.set(memory, thread, Infinity);
  const next = Thread.sleepNext.get(memory, thread);
  const previous = Thread.sleepPrevious.get(memory, thread);
  if (previous === 0) Sleepers.first.set(memory, sleepers, next);
  else Thread.sleepNext.set(memory, previous, next);
  if (next === 0) Sleepers.last.set(memory, sleepers, previous);
  else Thread.sleepPrevious.set(memory, next, previous);
}

/** Takes the first thread of some that is to go on, with its count: it was woken, or its time has come by `now`. 0 without one. With the lock. */
export function takeSleeperLocked(memory: KernelMemory, sleepers: number, now: number): number {
  for (let thread = takeReady(memory, Sleepers.ready.at(sleepers)); thread !== 0;) {
    const next = Parker.readyNext.get(memory, thread);
    Parker.word.store(memory, thread, Parked.idle);
    removeDeadline(memory, sleepers, thread);
    append(memory, sleepers, thread);
    thread = next;
  }
  for (;;) {
    const thread = Sleepers.first.get(memory, sleepers);
    if (thread === 0 || Thread.sleepDeadline.get(memory, thread) > now) break;
    removeDeadline(memory, sleepers, thread);
    // Else its waker has it, and it comes by the queue.
    const before = Parker.word.compareExchange(memory, thread, Parked.suspended, Parked.idle);
    if (before === Parked.suspended) append(memory, sleepers, thread);
  }
  const thread = Sleepers.firstReady.get(memory, sleepers);
  if (thread === 0) return 0;
  const next = Thread.queueNext.get(memory, thread);
  Sleepers.firstReady.set(memory, sleepers, next);
  if (next === 0) Sleepers.lastReady.set(memory, sleepers, 0);
  Thread.queueNext.set(memory, thread, 0);
  Sleepers.count.set(memory, sleepers, Sleepers.count.get(memory, sleepers) - 1);
  return thread;
}

function append(memory: KernelMemory, sleepers: number, thread: number): void {
  const last = Sleepers.lastReady.get(memory, sleepers);
  Thread.queueNext.set(memory, thread, 0);
  if (last === 0) Sleepers.firstReady.set(memory, sleepers, thread);
  else Thread.queueNext.set(memory, last, thread);
  Sleepers.lastReady.set(memory, sleepers, thread);
}

/** Whether a thread is to go on by `now`. A hint without the lock. */
export function hasReadySleeper(memory: KernelMemory, sleepers: number, now: number): boolean {
  return (
    ReadyQueue.head.load(memory, Sleepers.ready.at(sleepers)) !== 0 ||
    Sleepers.firstReady.get(memory, sleepers) !== 0 ||
    firstDeadline(memory, sleepers) <= now
  );
}

/** The first deadline, Infinity without one. A hint without the lock: records of threads stay records, and adding an earlier one calls the watch. */
export function firstDeadline(memory: KernelMemory, sleepers: number): number {
  const first = Sleepers.first.get(memory, sleepers);
  return first === 0 ? Infinity : Thread.sleepDeadline.get(memory, first);
}
