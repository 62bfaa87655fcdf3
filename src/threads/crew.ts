/**
 * Crew: the carriers that serve one process, and the threads that wait for one.
 *
 * Most carriers run one thread at a time, which keeps its agent while it waits. Where the engine can suspend stacks, a crew has few of them, and some shared
 * carriers that run all other threads (`stack-carrier.ts`).
 *
 * A carrier is an agent (a worker, or in Node the main thread) that runs guest threads. States of a carrier: unbound (its worker sits in its event loop and
 * belongs to no crew) → idle (in the crew's list, asleep on its bell) ⇄ busy (runs `thread`) → unbound, when the crew closes.
 * A spawn takes an idle carrier: id, record, a word, a wake. With none idle the thread waits in line, and the host, which is never blocked, is asked for
 * more carriers; some are always asked for ahead of need.
 *
 * The records are in `crew-records.ts`; how many carriers are asked for says `carrier-orders.ts`.
 *
 * Life: made with the process's first thread, freed by the supervisor when the process has ended and the last carrier has left. Lock: `Crew.lock`.
 */
import { panic, ReadyQueue, ringBell, type KernelMemory } from "../shm/index.ts";
import { HostCall, type Kernel, KernelRoot, keepThread, Thread } from "../kernel/index.ts";
import { callsHostLocked, isLineTooLong, orderCarriersLocked } from "./carrier-orders.ts";
import { Carrier, countersOf, Crew, leaveIdleLocked, removeCarrierLocked } from "./crew-records.ts";
import { hasWatch, leaveWatchLocked, watchBell } from "./sleep-watch.ts";
import { Sleepers } from "./sleepers.ts";
import { stackParts } from "./unwinding-slot.ts";

/** Reserves a place for one more thread; false at the limit or when the crew closes. */
export function reserveThread(memory: KernelMemory, crew: number): boolean {
  Crew.lock.acquire(memory, crew);
  const threads = Crew.threads.get(memory, crew);
  const accepted = threads < Crew.most.get(memory, crew) && Crew.closing.load(memory, crew) === 0;
  if (accepted) Crew.threads.set(memory, crew, threads + 1);
  Crew.lock.release(memory, crew);
  return accepted;
}

/** Gives a reserved place back: the thread has finished, or was not made. */
export function unreserveThread(memory: KernelMemory, crew: number): void {
  Crew.lock.acquire(memory, crew);
  Crew.threads.set(memory, crew, Crew.threads.get(memory, crew) - 1);
  Crew.lock.release(memory, crew);
}

/** Hands a new thread to an idle carrier, or puts it in line. Takes a count of the thread for its carrier. */
export function placeThread(kernel: Kernel, crew: number, thread: number): void {
  const { memory } = kernel;
  keepThread(memory, thread);
  Crew.lock.acquire(memory, crew);
  const carrier = Crew.idle.get(memory, crew);
  if (carrier !== 0) {
    Crew.idle.set(memory, crew, Carrier.next.get(memory, carrier));
    Crew.idleCount.set(memory, crew, Crew.idleCount.get(memory, crew) - 1);
    Carrier.thread.set(memory, carrier, thread);
    Thread.carrier.set(memory, thread, carrier);
  } else {
    const last = Crew.lastWaiting.get(memory, crew);
    if (last === 0) Crew.firstWaiting.set(memory, crew, thread);
    else Thread.queueNext.set(memory, last, thread);
    Crew.lastWaiting.set(memory, crew, thread);
    Crew.waiting.set(memory, crew, Crew.waiting.get(memory, crew) + 1);
  }
  const order = orderCarriersLocked(memory, crew) || callsHostLocked(memory, crew);
  const rested = takeRestingLocked(memory, crew);
  const isOnWatch = carrier !== 0 && hasWatch(memory, crew, carrier);
  Crew.lock.release(memory, crew);
  if (carrier !== 0) ringBell(memory, isOnWatch ? watchBell(crew) : carrier);
  if (rested !== 0) ringBell(memory, rested);
  if (order) kernel.callHost(HostCall.carriers);
}

/**
 * Whether a shared carrier is to take from the line. A stack stays where it began, so threads are left to the carrier that was called for them where that has
 * less than half as many; not more often, since each time takes a wake-up. A hint without the lock.
 */
export function isLineFor(memory: KernelMemory, crew: number, carrier: number): boolean {
  if (!isLineTooLong(memory, crew)) return false;
  const called = Crew.called.get(memory, crew);
  if (called === 0) return true;
  return Carrier.stacks.get(memory, carrier) <= Carrier.stacks.get(memory, called) * 2;
}

/**
 * A shared carrier to wake for a line that is too long, or 0: of those that sleep the one with the fewest stacks. One after the other is called, each by the
 * one before when that has taken a thread.
 */
function takeRestingLocked(memory: KernelMemory, crew: number): number {
  if (Crew.called.get(memory, crew) !== 0 || !isLineTooLong(memory, crew)) return 0;
  let least = 0;
  for (
    let carrier = Crew.resting.get(memory, crew);
    carrier !== 0;
    carrier = Carrier.next.get(memory, carrier)
  )
    if (least === 0 || Carrier.stacks.get(memory, carrier) < Carrier.stacks.get(memory, least))
      least = carrier;
  if (least === 0) return 0;
  removeCarrierLocked(memory, crew, Crew.resting, least);
  Crew.called.set(memory, crew, least);
  return least;
}

/** A shared carrier is about to sleep; afterwards it must look whether it is called. */
export function beginRest(memory: KernelMemory, crew: number, carrier: number): void {
  Crew.lock.acquire(memory, crew);
  Carrier.next.set(memory, carrier, Crew.resting.get(memory, crew));
  Crew.resting.set(memory, crew, carrier);
  Crew.lock.release(memory, crew);
}

/** It is awake again. Where it has stacks to go on with, another is called to the line. */
export function endRest(memory: KernelMemory, crew: number, carrier: number): void {
  Crew.lock.acquire(memory, crew);
  removeCarrierLocked(memory, crew, Crew.resting, carrier);
  if (Crew.called.get(memory, crew) === carrier) Crew.called.set(memory, crew, 0);
  const isBusy = ReadyQueue.head.load(memory, carrier) !== 0;
  const other = isBusy ? takeRestingLocked(memory, crew) : 0;
  Crew.lock.release(memory, crew);
  if (other !== 0) ringBell(memory, other);
}

/** A carrier that was asked for joins a crew: one of those that are shared, or of the others. */
export function joinCrew(
  memory: KernelMemory,
  crew: number,
  carrier: number,
  isShared: boolean,
): void {
  Carrier.crew.set(memory, carrier, crew);
  Carrier.isShared.set(memory, carrier, isShared ? 1 : 0);
  const [count, wanted] = countersOf(isShared);
  Crew.lock.acquire(memory, crew);
  const coming = wanted.get(memory, crew);
  if (coming === 0) panic("crew: a carrier joins that nobody asked for");
  count.set(memory, crew, count.get(memory, crew) + 1);
  wanted.set(memory, crew, coming - 1);
  Crew.lock.release(memory, crew);
}

/** Takes the first sleeper that is to go on by `now`, with its count, or 0. With the lock. */
function takeSleeper(memory: KernelMemory, crew: number, now: number): number {
  const sleepers = Crew.sleepers.at(crew);
  if (Sleepers.count.get(memory, sleepers) === 0) return 0;
  return stackParts().takeSleeperLocked(memory, sleepers, now);
}

/**
 * The next thread for a carrier of one: the one it was given, or the first in line. With neither the carrier becomes idle.
 *
 * @returns the thread with a count, 0 when idle now, -1 when the crew closes and the carrier has left it
 */
export function nextThread(kernel: Kernel, crew: number, carrier: number): number {
  const { memory } = kernel;
  Crew.lock.acquire(memory, crew);
  let thread = Carrier.thread.get(memory, carrier);
  if (thread === 0) {
    const now = kernel.clock.monotonicMilliseconds();
    const isFrozen = KernelRoot.isCapturing.load(memory, kernel.root) !== 0;
    thread = (isFrozen ? 0 : takeSleeper(memory, crew, now)) || takeWaitingLocked(memory, crew);
    if (thread !== 0) {
      Carrier.thread.set(memory, carrier, thread);
      Thread.carrier.set(memory, thread, carrier);
    } else if (Crew.closing.load(memory, crew) !== 0) {
      leaveLocked(memory, crew, carrier);
      thread = -1;
    } else {
      Carrier.next.set(memory, carrier, Crew.idle.get(memory, crew));
      Crew.idle.set(memory, crew, carrier);
      Crew.idleCount.set(memory, crew, Crew.idleCount.get(memory, crew) + 1);
    }
  }
  if (thread > 0) Crew.taken.set(memory, crew, Crew.taken.get(memory, crew) + 1);
  const order = thread > 0 && (orderCarriersLocked(memory, crew) || callsHostLocked(memory, crew));
  Crew.lock.release(memory, crew);
  if (order) kernel.callHost(HostCall.carriers);
  return thread;
}

/**
 * The next thread for a shared carrier: the first in line, where that is longer than what comes for it.
 *
 * @returns the thread with a count, or 0
 */
export function nextSharedThread(memory: KernelMemory, crew: number, carrier: number): number {
  if (Crew.waiting.get(memory, crew) === 0) return 0;
  Crew.lock.acquire(memory, crew);
  const thread = isLineFor(memory, crew, carrier) ? takeWaitingLocked(memory, crew) : 0;
  if (thread !== 0) {
    Thread.carrier.set(memory, thread, carrier);
    Carrier.stacks.set(memory, carrier, Carrier.stacks.get(memory, carrier) + 1);
  }
  const other = takeRestingLocked(memory, crew);
  Crew.lock.release(memory, crew);
  if (other !== 0) ringBell(memory, other);
  return thread;
}

/** A shared carrier is done with a thread. The count of the thread goes to the caller. */
export function clearSharedThread(
  memory: KernelMemory,
  crew: number,
  carrier: number,
  thread: number,
): void {
  Crew.lock.acquire(memory, crew);
  Thread.carrier.set(memory, thread, 0);
  Carrier.stacks.set(memory, carrier, Carrier.stacks.get(memory, carrier) - 1);
  Crew.lock.release(memory, crew);
}

/** The first thread in line, taken out of it, or 0. */
function takeWaitingLocked(memory: KernelMemory, crew: number): number {
  const thread = Crew.firstWaiting.get(memory, crew);
  if (thread !== 0) {
    const next = Thread.queueNext.get(memory, thread);
    Crew.firstWaiting.set(memory, crew, next);
    if (next === 0) Crew.lastWaiting.set(memory, crew, 0);
    Thread.queueNext.set(memory, thread, 0);
    Crew.waiting.set(memory, crew, Crew.waiting.get(memory, crew) - 1);
  }
  return thread;
}

/**
 * The main thread has its instance: from now on carriers may make theirs ahead of need. Not before, since a linker's start section fills the memory and
 * sets the thread-local base of the one instance that runs it first, which must be the main thread's.
 */
export function openInstances(memory: KernelMemory, crew: number): void {
  Crew.instances.store(memory, crew, 1);
  Crew.lock.acquire(memory, crew);
  for (
    let carrier = Crew.idle.get(memory, crew);
    carrier !== 0;
    carrier = Carrier.next.get(memory, carrier)
  ) {
    ringBell(memory, carrier);
  }
  ringBell(memory, watchBell(crew));
  const rested = takeRestingLocked(memory, crew);
  Crew.lock.release(memory, crew);
  if (rested !== 0) ringBell(memory, rested);
}

/** Whether an idle carrier has something to do again: a thread, or to leave. */
export function isCalled(memory: KernelMemory, crew: number, carrier: number): boolean {
  return Carrier.thread.get(memory, carrier) !== 0 || Crew.closing.load(memory, crew) !== 0;
}

/** The carrier is done with its thread. The count of the thread goes to the caller. */
export function clearCarrier(memory: KernelMemory, crew: number, carrier: number): void {
  Crew.lock.acquire(memory, crew);
  const thread = Carrier.thread.get(memory, carrier);
  if (thread !== 0) Thread.carrier.set(memory, thread, 0);
  Carrier.thread.set(memory, carrier, 0);
  Crew.lock.release(memory, crew);
}

/** Takes an idle carrier out of the list after it was called to leave; or counts out one whose worker was ended. */
export function leaveCrew(memory: KernelMemory, crew: number, carrier: number): void {
  Crew.lock.acquire(memory, crew);
  if (!leaveIdleLocked(memory, crew, carrier))
    removeCarrierLocked(memory, crew, Crew.resting, carrier);
  if (Crew.called.get(memory, crew) === carrier) Crew.called.set(memory, crew, 0);
  if (hasWatch(memory, crew, carrier)) leaveWatchLocked(memory, crew);
  leaveLocked(memory, crew, carrier);
  Crew.lock.release(memory, crew);
}

function leaveLocked(memory: KernelMemory, crew: number, carrier: number): void {
  const [count] = countersOf(Carrier.isShared.get(memory, carrier) !== 0);
  count.set(memory, crew, count.get(memory, crew) - 1);
  Carrier.crew.set(memory, carrier, 0);
}

/** Takes the first thread that waits for a carrier, or sleeps and was woken, with its count, or 0: when no carrier will come any more. */
export function takeWaiting(memory: KernelMemory, crew: number): number {
  Crew.lock.acquire(memory, crew);
  const thread = takeSleeper(memory, crew, Infinity) || takeWaitingLocked(memory, crew);
  Crew.lock.release(memory, crew);
  return thread;
}
