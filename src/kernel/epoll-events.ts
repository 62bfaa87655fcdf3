/**
 * Events of an epoll set: which of its watches have something to tell.
 *
 * What a file is ready for is asked without the set's lock, since it may be a set itself: watches are taken out of the ready ones, asked, and put back where they
 * may have more to tell.
 */
import { EpollType } from "../abi/flags.ts";
import { wakeQueue } from "../shm/index.ts";
import { dropFile, Readiness, tryKeepFile, type Vfs } from "../vfs/index.ts";
import {
  Epoll,
  epollQueue,
  EpollWatch,
  gatherFiredLocked,
  markReadyLocked,
  unmarkReadyLocked,
  WatchState,
} from "./epoll-watch.ts";

/** The bits of `Readiness` that events ask for. Hang-ups and errors are always told. */
export function readinessOf(events: number): number {
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
