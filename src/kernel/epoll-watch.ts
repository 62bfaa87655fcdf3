/**
 * The records of epoll: sets, their watches, and the lists that watches are in.
 *
 * A watch is in the list of its set, in that of its file, and, while it may have something to say, in the set's list of ready ones. While its file is asked
 * what it is ready for it is `busy` and in the first two only; when it is removed then, the asker frees it.
 *
 * Lock: that of the set (`Epoll.lock`), which the callers of functions named `…Locked` hold.
 */
import {
  address,
  block,
  atomic32,
  type KernelMemory,
  layout,
  mutex,
  Rank,
  Relay,
  relayEntryFields,
  takeFired,
  u32,
  unsubscribe,
} from "../shm/index.ts";
import { OpenFile } from "../vfs/index.ts";

/** What the guest gives with a watch and gets back with its events: bytes. */
export const EPOLL_DATA_BYTES = 24;

/** Whether a set watches others or is watched by one: it can do only one of both, so that there are no circles and no long chains. */
export const Role = { none: 0, watchesSets: 1, isWatched: 2 } as const;

export const Epoll = layout("Epoll", {
  refs: atomic32,
  lock: mutex(Rank.Epoll),
  /** With a count: immutable. */
  relay: address,
  /** `Role`: set once. */
  role: atomic32,
  /** All watches: guarded by lock. */
  first: address,
  /** Watches that may have something to say, the longest waiting first: guarded by lock. */
  firstReady: address,
  lastReady: address,
});

export const EpollWatch = layout("EpollWatch", {
  ...relayEntryFields,
  /** The set: immutable. */
  epoll: address,
  /** The open file, without a count, and the descriptor it was added by: immutable. */
  file: address,
  fd: u32,
  /** `EpollType` as the guest gave it, 0 after a one-shot was told: guarded by the set's lock. */
  events: u32,
  /** Guarded by the set's lock: neighbours in it, and among its ready ones. */
  nextOfSet: address,
  previousOfSet: address,
  nextReady: address,
  previousReady: address,
  /** Bits of `WatchState`: guarded by the set's lock. */
  state: u32,
  /** Neighbour in the file's list: guarded by the file's lock. */
  nextOfFile: address,
  data: block(EPOLL_DATA_BYTES),
});

/** Bits of `EpollWatch.state`. */
export const WatchState = {
  /** In the list of ready ones. */
  ready: 1,
  /** Somebody asks its file. */
  busy: 2,
  /** Its file changed while it was busy. */
  changed: 4,
  /** It was removed while it was busy: the asker frees it. */
  removed: 8,
} as const;

/** The queue of those who wait for a set. */
export function epollQueue(memory: KernelMemory, epoll: number): number {
  return Relay.waiters.at(Epoll.relay.get(memory, epoll));
}

/** Puts a watch among those to be asked; one that is busy when its asker is done. */
export function markReadyLocked(memory: KernelMemory, watch: number): void {
  const state = EpollWatch.state.get(memory, watch);
  if ((state & WatchState.busy) !== 0) {
    EpollWatch.state.set(memory, watch, state | WatchState.changed);
    return;
  }
  if ((state & WatchState.ready) !== 0) return;
  const epoll = EpollWatch.epoll.get(memory, watch);
  const last = Epoll.lastReady.get(memory, epoll);
  EpollWatch.state.set(memory, watch, state | WatchState.ready);
  EpollWatch.previousReady.set(memory, watch, last);
  EpollWatch.nextReady.set(memory, watch, 0);
  if (last === 0) Epoll.firstReady.set(memory, epoll, watch);
  else EpollWatch.nextReady.set(memory, last, watch);
  Epoll.lastReady.set(memory, epoll, watch);
}

/** Takes a watch out of the ready ones. */
export function unmarkReadyLocked(memory: KernelMemory, watch: number): void {
  const epoll = EpollWatch.epoll.get(memory, watch);
  const next = EpollWatch.nextReady.get(memory, watch);
  const previous = EpollWatch.previousReady.get(memory, watch);
  if (previous === 0) Epoll.firstReady.set(memory, epoll, next);
  else EpollWatch.nextReady.set(memory, previous, next);
  if (next === 0) Epoll.lastReady.set(memory, epoll, previous);
  else EpollWatch.previousReady.set(memory, next, previous);
  EpollWatch.state.set(memory, watch, EpollWatch.state.get(memory, watch) & ~WatchState.ready);
}

/** Moves the watches whose files changed among those to be asked. */
export function gatherFiredLocked(memory: KernelMemory, epoll: number): void {
  takeFired(memory, Epoll.relay.get(memory, epoll), (watch) => markReadyLocked(memory, watch));
}

/** Takes a watch out of its set, of its file's list and queue, and frees it, or leaves that to its asker. */
export function removeLocked(memory: KernelMemory, watch: number): void {
  const epoll = EpollWatch.epoll.get(memory, watch);
  unsubscribe(memory, watch);
  // It may have been woken before: then the relay's list leads to it.
  gatherFiredLocked(memory, epoll);
  if ((EpollWatch.state.get(memory, watch) & WatchState.ready) !== 0)
    unmarkReadyLocked(memory, watch);
  const next = EpollWatch.nextOfSet.get(memory, watch);
  const previous = EpollWatch.previousOfSet.get(memory, watch);
  if (previous === 0) Epoll.first.set(memory, epoll, next);
  else EpollWatch.nextOfSet.set(memory, previous, next);
  if (next !== 0) EpollWatch.previousOfSet.set(memory, next, previous);
  unlinkFromFile(memory, watch);
  const state = EpollWatch.state.get(memory, watch);
  if ((state & WatchState.busy) === 0) EpollWatch.free(memory, watch);
  else EpollWatch.state.set(memory, watch, state | WatchState.removed);
}

function unlinkFromFile(memory: KernelMemory, watch: number): void {
  const file = EpollWatch.file.get(memory, watch);
  const next = EpollWatch.nextOfFile.get(memory, watch);
  OpenFile.lock.acquire(memory, file);
  let before = OpenFile.watches.get(memory, file);
  if (before === watch) OpenFile.watches.set(memory, file, next);
  else {
    while (EpollWatch.nextOfFile.get(memory, before) !== watch)
      before = EpollWatch.nextOfFile.get(memory, before);
    EpollWatch.nextOfFile.set(memory, before, next);
  }
  OpenFile.lock.release(memory, file);
}
