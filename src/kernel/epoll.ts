/**
 * Epoll: a set of open files that are watched, and those of them that may be ready, as epoll(7).
 *
 * A watch is an entry in its file's wait queue for as long as it is in the set: a change of the file notes it with the set's relay (`shm/wait-queue.ts`),
 * so that waiting costs as much as there are changes, however many files are watched. Watches hold no count of their file: the last
 * drop of it takes them out (`forgetWatches`). The records are in `epoll-watch.ts`, what a set tells in `epoll-events.ts`.
 *
 * Life: one `Epoll` per open file, which owns it and its relay; an agent that comes to it from a watched file holds another count.
 * Lock: `lock`, rank Epoll, for both lists and the watches in them; a watch's place in its file's list also needs the file's lock.
 */
import { Errno } from "../abi/errno.ts";
import { Filetype } from "../abi/enums.ts";
import {
  dropRelay,
  type KernelMemory,
  makeRelay,
  subscribeRelay,
  unsubscribe,
  wakeQueue,
} from "../shm/index.ts";
import { Access, makeOpenFile, OpenFile, OperationsId, Readiness, type Vfs } from "../vfs/index.ts";
import { readinessOf } from "./epoll-events.ts";
import {
  Epoll,
  EPOLL_DATA_BYTES,
  epollQueue,
  EpollWatch,
  markReadyLocked,
  removeLocked,
  Role,
} from "./epoll-watch.ts";

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
