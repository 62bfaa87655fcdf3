/**
 * The records of crews and carriers: what `crew.ts` says of them, as data.
 *
 * Life: see there. Lock: `Crew.lock`, rank Carriers, outermost: guards everything below that is not said to be something else.
 */
import {
  address,
  atomic32,
  block,
  layout,
  mutex,
  Rank,
  ReadyQueue,
  u32,
  type KernelMemory,
} from "../shm/index.ts";
import { Sleepers } from "./sleepers.ts";

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

/** The fields that count carriers of a kind, and those that are to come. */
export function countersOf(isShared: boolean) {
  return isShared ? [Crew.shared, Crew.sharedWanted] : [Crew.carriers, Crew.wanted];
}

/** Takes a carrier out of the idle or the resting list; false where it is not in it. */
export function removeCarrierLocked(
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

/** Takes a carrier out of the idle ones; false where it is none of them. */
export function leaveIdleLocked(memory: KernelMemory, crew: number, carrier: number): boolean {
  const wasIdle = removeCarrierLocked(memory, crew, Crew.idle, carrier);
  if (wasIdle) Crew.idleCount.set(memory, crew, Crew.idleCount.get(memory, crew) - 1);
  return wasIdle;
}
