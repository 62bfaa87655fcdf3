/**
 * Epoll: a set of open files that are watched, and those of them that may be ready, as epoll(7).
 *
 * A watch is an entry in its file's wait queue for as long as it is in the set: a change of the file notes it with the set's relay (`shm/wait-queue.ts`),
 * so that waiting costs as much as there are changes, however many files are watched. Watches hold no count of their file: the last
 * drop of it takes them out (`forgetWatches`). What a file is ready for is asked without the set's lock, since it may be a set itself; meanwhile
 * the watch is `busy` and in no list, and whoever removes it leaves freeing it to the asker.
 *
 * Life: one `Epoll` per open file, which owns it and its relay; whoever comes to it from a watched file holds another count.
 * Lock: `lock`, rank Epoll, for both lists and the watches in them; a watch's place in its file's list also needs the file's lock.
 */
import { Errno } from "../abi/errno.ts";
import { EpollType } from "../abi/flags.ts";
import { Filetype } from "../abi/enums.ts";
import {
  address,
  block,
  dropRelay,
  atomic32,
  type KernelMemory,
  layout,
  makeRelay,
  mutex,
  Rank,
  Relay,
  relayEntryFields,
  subscribeRelay,
  takeFired,
  u32,
  unsubscribe,
  wakeQueue,
} from "../shm/index.ts";
import {
  Access,
  dropFile,
  makeOpenFile,
  OpenFile,
  OperationsId,
  Readiness,
  tryKeepFile,
  type Vfs,
} from "../vfs/index.ts";

/** What the guest gives with a watch and gets back with its events: bytes. */
export const EPOLL_DATA_BYTES = 24;

/** Whether a set watches others or is watched by one: it can do only one of both, so that there are no circles and no long chains. */
const Role = { none: 0, watchesSets: 1, isWatched: 2 } as const;

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

const EpollWatch = layout("EpollWatch", {
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

const WatchState = {
  /** In the list of ready ones. */
  ready: 1,
  /** Somebody asks its file. */
  busy: 2,
  /** Its file changed while it was busy. */
  changed: 4,
  /** It was removed while it was busy: the asker frees it. */
  removed: 8,
} as const;

/** Makes a set and an open file with one count; 0 when the kernel heap is full. */
export function openEpoll(vfs: Vfs): number {
  const { memory } = vfs;
  const relay = makeRelay(memory);
  if (relay === 0) return 0;
  const epoll = Epoll.allocate(memory);
  const access = Access.read | Access.write;
  const file =
    epoll === 0 ? 0 : makeOpenFile(memory, OperationsId.epoll, Filetype.UNKNOWN, access, 0);
  if (file === 0) {
    if (epoll !== 0) Epoll.free(memory, epoll);
    dropRelay(memory, relay);
    return 0;
  }
  Epoll.refs.store(memory, epoll, 1);
  Epoll.relay.set(memory, epoll, relay);
  OpenFile.state.set(memory, file, epoll);
  return file;
}

/** The set of an open file, or 0 when it is something else. */
export function epollOf(memory: KernelMemory, file: number): number {
  const isEpoll = OpenFile.operations.get(memory, file) === OperationsId.epoll;
  return isEpoll ? OpenFile.state.get(memory, file) : 0;
}

/** The queue of those who wait for a set. */
export function epollQueue(memory: KernelMemory, epoll: number): number {
  return Relay.waiters.at(Epoll.relay.get(memory, epoll));
}

/** Drops one count; the last one frees the record. */
function dropEpoll(memory: KernelMemory, epoll: number): void {
  if (Epoll.refs.add(memory, epoll, -1) !== 1) return;
  dropRelay(memory, Epoll.relay.get(memory, epoll));
  Epoll.free(memory, epoll);
}

/** The set's open file is gone: removes every watch. Nobody waits for the set any more. */
export function closeEpoll(memory: KernelMemory, epoll: number): void {
  Epoll.lock.acquire(memory, epoll);
  for (let watch = Epoll.first.get(memory, epoll); watch !== 0;) {
    removeLocked(memory, watch);
    watch = Epoll.first.get(memory, epoll);
  }
  Epoll.lock.release(memory, epoll);
  dropEpoll(memory, epoll);
}

/** Takes an open file that has no count any more out of every set. */
export function forgetWatches({ memory }: Vfs, file: number): void {
  for (;;) {
    OpenFile.lock.acquire(memory, file);
    const watch = OpenFile.watches.get(memory, file);
    const epoll = watch === 0 ? 0 : EpollWatch.epoll.get(memory, watch);
    // The set is there while one of its watches is in this list.
    if (epoll !== 0) Epoll.refs.add(memory, epoll, 1);
    OpenFile.lock.release(memory, file);
    if (watch === 0) return;
    Epoll.lock.acquire(memory, epoll);
    // Its own set may have removed it meanwhile.
    if (isWatchOf(memory, file, watch)) removeLocked(memory, watch);
    Epoll.lock.release(memory, epoll);
    dropEpoll(memory, epoll);
  }
}

function isWatchOf(memory: KernelMemory, file: number, watch: number): boolean {
  OpenFile.lock.acquire(memory, file);
  let other = OpenFile.watches.get(memory, file);
  while (other !== 0 && other !== watch) other = EpollWatch.nextOfFile.get(memory, other);
  OpenFile.lock.release(memory, file);
  return other !== 0;
}

/**
 * Watches an open file. EPERM for files and directories, which are always ready; EEXIST when this descriptor of it is watched; EINVAL for the set itself;
 * ELOOP for a set that watches sets, or into one that is watched; ENOMEM.
 *
 * @param events `EpollType`; @param data address of the guest's data in `bytes`
 * @returns 0 or a negated errno
 */
export function addWatch(
  vfs: Vfs,
  epoll: number,
  fd: number,
  file: number,
  events: number,
  bytes: Uint8Array,
  data: number,
): number {
  const { memory } = vfs;
  const operations = vfs.operationsOf(file);
  const inner = epollOf(memory, file);
  if (inner === epoll) return -Errno.EINVAL;
  const type = OpenFile.type.get(memory, file);
  if (operations.seekable || type === Filetype.DIRECTORY || type === Filetype.REGULAR_FILE)
    return -Errno.EPERM;
  const watch = EpollWatch.allocate(memory);
  if (watch === 0) return -Errno.ENOMEM;
  EpollWatch.epoll.set(memory, watch, epoll);
  EpollWatch.file.set(memory, watch, file);
  EpollWatch.fd.set(memory, watch, fd);
  Epoll.lock.acquire(memory, epoll);
  let answer = findWatch(memory, epoll, fd, file) === 0 ? 0 : -Errno.EEXIST;
  if (answer === 0 && inner !== 0) answer = takeRoles(memory, epoll, inner);
  if (answer < 0) {
    Epoll.lock.release(memory, epoll);
    EpollWatch.free(memory, watch);
    return answer;
  }
  const next = Epoll.first.get(memory, epoll);
  EpollWatch.nextOfSet.set(memory, watch, next);
  if (next !== 0) EpollWatch.previousOfSet.set(memory, next, watch);
  Epoll.first.set(memory, epoll, watch);
  OpenFile.lock.acquire(memory, file);
  EpollWatch.nextOfFile.set(memory, watch, OpenFile.watches.get(memory, file));
  OpenFile.watches.set(memory, file, watch);
  OpenFile.lock.release(memory, file);
  armLocked(vfs, watch, events, bytes, data);
  Epoll.lock.release(memory, epoll);
  wakeQueue(memory, epollQueue(memory, epoll), Readiness.read);
  return 0;
}

/** One set watches another: 0, or ELOOP negated. */
function takeRoles(memory: KernelMemory, outer: number, inner: number): number {
  const take = (epoll: number, role: number) => {
    const before = Epoll.role.compareExchange(memory, epoll, Role.none, role);
    return before === Role.none || before === role;
  };
  return take(outer, Role.watchesSets) && take(inner, Role.isWatched) ? 0 : -Errno.ELOOP;
}

/** Changes what a watch asks for, and arms it again. ENOENT when the descriptor is not watched. */
export function changeWatch(
  vfs: Vfs,
  epoll: number,
  fd: number,
  file: number,
  events: number,
  bytes: Uint8Array,
  data: number,
): number {
  const { memory } = vfs;
  Epoll.lock.acquire(memory, epoll);
  const watch = findWatch(memory, epoll, fd, file);
  if (watch !== 0) {
    unsubscribe(memory, watch);
    armLocked(vfs, watch, events, bytes, data);
  }
  Epoll.lock.release(memory, epoll);
  if (watch === 0) return -Errno.ENOENT;
  wakeQueue(memory, epollQueue(memory, epoll), Readiness.read);
  return 0;
}

/** Watches a descriptor no longer. ENOENT when it is not watched. */
export function removeWatch(memory: KernelMemory, epoll: number, fd: number, file: number): number {
  Epoll.lock.acquire(memory, epoll);
  const watch = findWatch(memory, epoll, fd, file);
  if (watch !== 0) removeLocked(memory, watch);
  Epoll.lock.release(memory, epoll);
  return watch === 0 ? -Errno.ENOENT : 0;
}

/** The watch of a descriptor in a set whose lock is held: through the file's list, which is as short as the sets that watch it are few. */
function findWatch(memory: KernelMemory, epoll: number, fd: number, file: number): number {
  OpenFile.lock.acquire(memory, file);
  let watch = OpenFile.watches.get(memory, file);
  while (
    watch !== 0 &&
    (EpollWatch.epoll.get(memory, watch) !== epoll || EpollWatch.fd.get(memory, watch) !== fd)
  )
    watch = EpollWatch.nextOfFile.get(memory, watch);
  OpenFile.lock.release(memory, file);
  return watch;
}

/** Puts a watch in its file's queue and among those to be asked: its file may be ready already. */
function armLocked(vfs: Vfs, watch: number, events: number, bytes: Uint8Array, data: number): void {
  const { memory } = vfs;
  const file = EpollWatch.file.get(memory, watch);
  EpollWatch.events.set(memory, watch, events);
  memory.u8.set(bytes.subarray(data, data + EPOLL_DATA_BYTES), EpollWatch.data.at(watch));
  const queue = vfs.operationsOf(file).waitQueueOf(vfs, file);
  if (queue !== 0) {
    const relay = Epoll.relay.get(memory, EpollWatch.epoll.get(memory, watch));
    // Both ends of a pipe have one queue: what happens to the other end's side is no edge of this one's.
    const possible = OpenFile.access.get(memory, file) | Readiness.hangup | Readiness.error;
    subscribeRelay(memory, queue, watch, relay, readinessOf(events) & possible);
  }
  markReadyLocked(memory, watch);
}

/** The bits of `Readiness` that events ask for. Hang-ups and errors are always told. */
function readinessOf(events: number): number {
  const { EPOLLIN, EPOLLRDHUP, EPOLLPRI, EPOLLOUT } = EpollType;
  return (
    ((events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI)) !== 0 ? Readiness.read : 0) |
    ((events & EPOLLOUT) !== 0 ? Readiness.write : 0) |
    Readiness.hangup |
    Readiness.error
  );
}

/** The events that a watch for `events` tells of a file in this state. None for a one-shot that was told. */
function eventsOf(events: number, readiness: number): number {
  if (!isArmed(events)) return 0;
  const { EPOLLIN, EPOLLRDHUP, EPOLLOUT, EPOLLHUP, EPOLLERR } = EpollType;
  let told = 0;
  if ((readiness & Readiness.read) !== 0) told |= events & EPOLLIN;
  if ((readiness & Readiness.write) !== 0) told |= events & EPOLLOUT;
  if ((readiness & Readiness.hangup) !== 0) told |= EPOLLHUP | (events & EPOLLRDHUP);
  if ((readiness & Readiness.error) !== 0) told |= EPOLLERR;
  return told;
}

/** A one-shot that was told keeps this bit alone, which no other watch can have alone: it is not told of hang-ups either. */
const SPENT = 0x80000000;

function isArmed(events: number): boolean {
  return events >>> 0 !== SPENT;
}

function markReadyLocked(memory: KernelMemory, watch: number): void {
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

function unmarkReadyLocked(memory: KernelMemory, watch: number): void {
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
function gatherFiredLocked(memory: KernelMemory, epoll: number): void {
  takeFired(memory, Epoll.relay.get(memory, epoll), (watch) => markReadyLocked(memory, watch));
}

function removeLocked(memory: KernelMemory, watch: number): void {
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

/** A watch that somebody asks about. */
interface Asked {
  readonly watch: number;
  /** With a count. */
  readonly file: number;
  /** Bits of `Readiness`. */
  readiness: number;
}

/**
 * Takes what there is to tell, at most `most` watches' events; their number.
 *
 * @param tell gets the events and the address of the guest's data; without it this only looks: nothing is spent
 */
export function takeEpollEvents(
  vfs: Vfs,
  epoll: number,
  most: number,
  tell?: (events: number, data: number) => void,
): number {
  const { memory } = vfs;
  for (;;) {
    const asked = askReady(vfs, epoll, most);
    if (asked.length === 0) return 0;
    let told = 0;
    Epoll.lock.acquire(memory, epoll);
    for (const one of asked) {
      if (settleLocked(vfs, one, told < most ? tell : undefined)) told++;
    }
    const more = Epoll.firstReady.get(memory, epoll) !== 0;
    Epoll.lock.release(memory, epoll);
    for (const { file } of asked) dropFile(vfs, file);
    // While they were asked others who wait found nothing.
    if (more && tell !== undefined) wakeQueue(memory, epollQueue(memory, epoll), Readiness.read);
    if (told > 0 || !more) return Math.min(told, most);
  }
}

/** Takes watches out of the list of ready ones and asks their files, until `most` have something to tell. They are busy afterwards. */
function askReady(vfs: Vfs, epoll: number, most: number): Asked[] {
  const { memory } = vfs;
  const asked: Asked[] = [];
  for (let ready = 0; ready < most;) {
    const from = asked.length;
    Epoll.lock.acquire(memory, epoll);
    gatherFiredLocked(memory, epoll);
    for (let count = most - ready; count > 0; count--) {
      const watch = Epoll.firstReady.get(memory, epoll);
      if (watch === 0) break;
      unmarkReadyLocked(memory, watch);
      const file = EpollWatch.file.get(memory, watch);
      // Where its last count is gone, it is about to be taken out of the set.
      if (!tryKeepFile(memory, file)) continue;
      EpollWatch.state.set(memory, watch, WatchState.busy);
      asked.push({ watch, file, readiness: 0 });
    }
    Epoll.lock.release(memory, epoll);
    if (asked.length === from) break;
    for (const one of asked.slice(from)) {
      one.readiness = vfs.operationsOf(one.file).readiness(vfs, one.file);
      if (one.readiness !== 0) ready++;
    }
  }
  return asked;
}

/** Ends the asking about a watch: tells its events, and puts it back where it may have more to tell. Whether it had something to tell. */
function settleLocked(
  vfs: Vfs,
  { watch, file, readiness }: Asked,
  tell: ((events: number, data: number) => void) | undefined,
): boolean {
  const { memory } = vfs;
  const state = EpollWatch.state.get(memory, watch);
  if ((state & WatchState.removed) !== 0) {
    EpollWatch.free(memory, watch);
    return false;
  }
  EpollWatch.state.set(memory, watch, 0);
  const wanted = EpollWatch.events.get(memory, watch);
  const events = eventsOf(wanted, readiness);
  let stays = (state & WatchState.changed) !== 0;
  if (events !== 0 && tell === undefined) stays = true;
  else if (events !== 0) {
    tell!(events, EpollWatch.data.at(watch));
    if ((wanted & EpollType.EPOLLONESHOT) !== 0) {
      EpollWatch.events.set(memory, watch, SPENT);
      stays = false;
      // A file that cannot wake has no edges.
    } else if (
      (wanted & EpollType.EPOLLET) === 0 ||
      vfs.operationsOf(file).waitQueueOf(vfs, file) === 0
    )
      stays = true;
  }
  if (stays) markReadyLocked(memory, watch);
  return events !== 0;
}
