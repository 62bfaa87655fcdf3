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
 * Life: made with the process's first thread, freed by the supervisor when the process has ended and the last carrier has left.
 * Lock: `lock`, rank Carriers, outermost: guards everything below that is not said to be something else.
 */
import {
  address,
  atomic32,
  block,
  layout,
  mutex,
  panic,
  Rank,
  ReadyQueue,
  ringBell,
  u32,
  type KernelMemory,
} from "../shm/index.ts";
import { HostCall, type Kernel, KernelRoot, keepThread, Thread } from "../kernel/index.ts";
import { addSleeperLocked, Sleepers } from "./sleepers.ts";
import { stackParts } from "./unwinding-slot.ts";

export const Crew = layout("Crew", {
  lock: mutex(Rank.Carriers),
  /** Immutable; the crew has no count of it: its threads do. */
  process: address,
  /** Idle carriers, the last to become idle first: its caches are warm. */
  idle: address,
  idleCount: u32,
  /** Threads without a carrier, in order of arrival. */
  firstWaiting: address,
  lastWaiting: address,
  waiting: u32,
  /** Carriers of one thread in the crew, and those asked for that have not come. */
  carriers: u32,
  wanted: u32,
  /** Threads that live, and how many may. */
  threads: u32,
  most: u32,
  /** Carriers to keep ready beyond those in use. */
  spare: u32,
  /** Carriers of one thread that the crew may have: as many as threads, or fewer where others share carriers. */
  mostCarriers: u32,
  /** Shared carriers in the crew, those asked for that have not come, and how many there may be: 0 where none can be. */
  shared: u32,
  sharedWanted: u32,
  mostShared: u32,
  /** Shared carriers that are asleep, and the one of them that was called to the line and has not come to it: the next is called when it has. */
  resting: address,
  called: address,
  /** Threads of shared carriers that wait with the engine's own instruction, for the host to take: see `raw-wait.ts`. */
  rawWaiters: address,
  /** 1 when carriers are to leave. */
  closing: atomic32,
  /** 1 when the program's first instance exists: see `openInstances`. */
  instances: atomic32,
  /** Threads that sleep without a carrier, where the program's stacks can be taken apart. */
  sleepers: block(Sleepers.bytes),
  /** 1 while the host looks whether threads wait for carriers that are all busy; and how often a thread was taken up, by which it tells. */
  isWatched: u32,
  taken: u32,
  /** Bytes of the guest's memory in pages, the most that a spawner has seen: what it gave to its thread may lie in all of it. Only grows. */
  pages: atomic32,
});

export const Carrier = layout("Carrier", {
  /** What wakes it: first, so that a carrier's address is its ready queue's. */
  ready: block(ReadyQueue.bytes),
  /** `Mark`: what the agent is doing. */
  mark: u32,
  /** The crew it belongs to, or 0. Written by itself. */
  crew: address,
  /** The thread it runs or was given, with a count. Set by a spawner while idle, cleared by itself: under Crew.lock. */
  thread: address,
  /** Next idle or resting carrier: under Crew.lock. */
  next: address,
  /** 1 where it runs many threads, their stacks suspended while they wait. Written by itself when it joins a crew. */
  isShared: u32,
  /** Threads whose stacks a shared carrier has: under Crew.lock. */
  stacks: u32,
});

/** Most carriers that are asked for at once. */
const LARGEST_ORDER = 64;

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
 * Whether more threads wait than carriers of their own come: then shared ones take some. The main thread, which the first instance is made for, they leave. A
 * hint without the lock.
 */
export function isLineTooLong(memory: KernelMemory, crew: number): boolean {
  return (
    Crew.waiting.get(memory, crew) > Crew.wanted.get(memory, crew) &&
    Crew.instances.load(memory, crew) !== 0
  );
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

/** It is awake again, whoever woke it. Where it has stacks to go on with, another is called to the line. */
export function endRest(memory: KernelMemory, crew: number, carrier: number): void {
  Crew.lock.acquire(memory, crew);
  removeCarrierLocked(memory, crew, Crew.resting, carrier);
  if (Crew.called.get(memory, crew) === carrier) Crew.called.set(memory, crew, 0);
  const isBusy = ReadyQueue.head.load(memory, carrier) !== 0;
  const other = isBusy ? takeRestingLocked(memory, crew) : 0;
  Crew.lock.release(memory, crew);
  if (other !== 0) ringBell(memory, other);
}

/** Takes a carrier out of the idle or the resting list; false where it is not in it. */
function removeCarrierLocked(
  memory: KernelMemory,
  crew: number,
  list: typeof Crew.idle,
  carrier: number,
): boolean {
  let at = list.get(memory, crew);
  if (at === carrier) {
    list.set(memory, crew, Carrier.next.get(memory, carrier));
    return true;
  }
  while (at !== 0 && Carrier.next.get(memory, at) !== carrier) at = Carrier.next.get(memory, at);
  if (at === 0) return false;
  Carrier.next.set(memory, at, Carrier.next.get(memory, carrier));
  return true;
}

/**
 * Decides how many more carriers to ask for: one for each thread in line and some to spare; shared ones where those are more than there may be.
 * Returns whether any.
 */
function orderCarriersLocked(memory: KernelMemory, crew: number): boolean {
  const ordered = orderOwnCarriersLocked(memory, crew);
  return (isLineTooLong(memory, crew) && orderSharedLocked(memory, crew)) || ordered;
}

/** Asks for all shared carriers that there may be. Returns whether for any. */
function orderSharedLocked(memory: KernelMemory, crew: number): boolean {
  const coming = Crew.sharedWanted.get(memory, crew);
  const order = Crew.mostShared.get(memory, crew) - Crew.shared.get(memory, crew) - coming;
  if (order <= 0) return false;
  Crew.sharedWanted.set(memory, crew, coming + order);
  return true;
}

function orderOwnCarriersLocked(memory: KernelMemory, crew: number): boolean {
  // Once threads share carriers they all can: each carrier of its own takes long to start, and the cores are in use.
  if (Crew.shared.get(memory, crew) + Crew.sharedWanted.get(memory, crew) > 0) return false;
  const coming = Crew.wanted.get(memory, crew);
  const lacking =
    Crew.waiting.get(memory, crew) +
    Crew.spare.get(memory, crew) -
    Crew.idleCount.get(memory, crew) -
    coming;
  const room = Crew.mostCarriers.get(memory, crew) - Crew.carriers.get(memory, crew) - coming;
  const order = Math.min(lacking, room, LARGEST_ORDER);
  if (order <= 0) return false;
  Crew.wanted.set(memory, crew, coming + order);
  return true;
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

/** Carriers of a kind that a crew has or has asked for. Both are counted in one moment: one that joins now would else be counted twice, and one too many hired. */
export function countCarriers(memory: KernelMemory, crew: number, isShared: boolean): number {
  const [count, wanted] = countersOf(isShared);
  Crew.lock.acquire(memory, crew);
  const all = count.get(memory, crew) + wanted.get(memory, crew);
  Crew.lock.release(memory, crew);
  return all;
}

/** The fields that count carriers of a kind, and those that are to come. */
function countersOf(isShared: boolean) {
  return isShared ? [Crew.shared, Crew.sharedWanted] : [Crew.carriers, Crew.wanted];
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

/** Takes back the orders of carriers of one thread beyond those that the crew has or that are on their way, `hired` in all: threads share carriers now. */
export function cancelCarriers(memory: KernelMemory, crew: number, hired: number): void {
  Crew.lock.acquire(memory, crew);
  const coming = hired - Crew.carriers.get(memory, crew);
  if (coming < Crew.wanted.get(memory, crew)) Crew.wanted.set(memory, crew, Math.max(0, coming));
  Crew.lock.release(memory, crew);
}

/** Where threads cannot share carriers after all: each gets one of its own. Returns whether carriers are asked for. */
export function unshareCrew(memory: KernelMemory, crew: number, carriers: number): boolean {
  Crew.lock.acquire(memory, crew);
  Crew.mostShared.set(memory, crew, 0);
  Crew.sharedWanted.set(memory, crew, 0);
  const most = Math.min(carriers, Crew.most.get(memory, crew));
  Crew.most.set(memory, crew, most);
  Crew.mostCarriers.set(memory, crew, most);
  const order = orderCarriersLocked(memory, crew);
  Crew.lock.release(memory, crew);
  return order;
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

/** The bell that the carrier with the watch sleeps on. */
export function watchBell(crew: number): number {
  return Sleepers.ready.at(Crew.sleepers.at(crew));
}

function hasWatch(memory: KernelMemory, crew: number, carrier: number): boolean {
  return Sleepers.watch.get(memory, Crew.sleepers.at(crew)) === carrier;
}

/** Nobody has the watch any more; an idle carrier to wake for it, or 0. */
function leaveWatchLocked(memory: KernelMemory, crew: number): number {
  Sleepers.watch.set(memory, Crew.sleepers.at(crew), 0);
  return Crew.idle.get(memory, crew);
}

/**
 * An idle carrier takes the watch where nobody has it. Returns whether it has it. Only itself gives it up again, awake: nobody else may hush the bell that it
 * sleeps on.
 */
export function takeWatch(memory: KernelMemory, crew: number, carrier: number): boolean {
  const sleepers = Crew.sleepers.at(crew);
  Crew.lock.acquire(memory, crew);
  const isFree = Sleepers.watch.get(memory, sleepers) === 0;
  // A spawner may have taken it meanwhile.
  if (isFree && Carrier.thread.get(memory, carrier) === 0)
    Sleepers.watch.set(memory, sleepers, carrier);
  const has = hasWatch(memory, crew, carrier);
  Crew.lock.release(memory, crew);
  return has;
}

/** The carrier with the watch was given a thread, or has seen a sleeper that is to go on: it is idle no more, and another gets the watch. */
export function endWatch(memory: KernelMemory, crew: number, carrier: number): void {
  Crew.lock.acquire(memory, crew);
  if (removeCarrierLocked(memory, crew, Crew.idle, carrier))
    Crew.idleCount.set(memory, crew, Crew.idleCount.get(memory, crew) - 1);
  const heir = leaveWatchLocked(memory, crew);
  Crew.lock.release(memory, crew);
  if (heir !== 0) ringBell(memory, heir);
}

/** Takes a thread off its carrier until it is woken. Returns false where it was woken meanwhile: then it still has the carrier. */
export function leaveAsleep(
  memory: KernelMemory,
  crew: number,
  carrier: number,
  thread: number,
  deadline: number,
): boolean {
  const sleepers = Crew.sleepers.at(crew);
  Crew.lock.acquire(memory, crew);
  Thread.carrier.set(memory, thread, 0);
  Carrier.thread.set(memory, carrier, 0);
  const sleeps = addSleeperLocked(memory, sleepers, thread, deadline);
  if (!sleeps) {
    Thread.carrier.set(memory, thread, carrier);
    Carrier.thread.set(memory, carrier, thread);
  }
  const isFirst = sleeps && Sleepers.first.get(memory, sleepers) === thread;
  Crew.lock.release(memory, crew);
  if (isFirst) ringBell(memory, watchBell(crew));
  return sleeps;
}

/**
 * Whether the host is to look after threads that wait while all carriers are busy: where there are fewer than there may be threads, since a thread that waits
 * leaves its own.
 */
function callsHostLocked(memory: KernelMemory, crew: number): boolean {
  const waits =
    Crew.waiting.get(memory, crew) + Sleepers.count.get(memory, Crew.sleepers.at(crew)) > 0;
  const mayGrow =
    Crew.mostShared.get(memory, crew) === 0 &&
    Crew.mostCarriers.get(memory, crew) < Crew.most.get(memory, crew);
  if (!waits || !mayGrow || Crew.isWatched.get(memory, crew) !== 0) return false;
  if (Crew.idleCount.get(memory, crew) > 0) return false;
  Crew.isWatched.set(memory, crew, 1);
  return true;
}

/**
 * For the host, from time to time: asks for more carriers where threads wait and none was taken up since the last look: then the carriers' threads compute, or
 * wait for one of these.
 *
 * @param taken what the last look returned; @param most carriers that there may be at all
 * @returns what to compare with the next time, or -1 where there is nothing to look after
 */
export function growIfStuck(kernel: Kernel, crew: number, taken: number, most: number): number {
  const { memory, clock } = kernel;
  const sleepers = Crew.sleepers.at(crew);
  Crew.lock.acquire(memory, crew);
  let now = Crew.taken.get(memory, crew);
  const waiting = Crew.waiting.get(memory, crew);
  if (
    Crew.idleCount.get(memory, crew) > 0 ||
    waiting + Sleepers.count.get(memory, sleepers) === 0
  ) {
    Crew.isWatched.set(memory, crew, 0);
    now = -1;
  } else if (
    now === taken &&
    // Those that are on the way come late on a busy machine, and later the more there are.
    Crew.wanted.get(memory, crew) === 0 &&
    (waiting > 0 || stackParts().hasReadySleeper(memory, sleepers, clock.monotonicMilliseconds()))
  ) {
    const have = Crew.carriers.get(memory, crew);
    const more = Math.min(1 + (have >> 2), most - have);
    if (more > 0) Crew.wanted.set(memory, crew, more);
  }
  Crew.lock.release(memory, crew);
  return now;
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
  if (removeCarrierLocked(memory, crew, Crew.idle, carrier))
    Crew.idleCount.set(memory, crew, Crew.idleCount.get(memory, crew) - 1);
  else removeCarrierLocked(memory, crew, Crew.resting, carrier);
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
