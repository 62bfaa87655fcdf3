/**
 * epoll: `epoll_create`, `epoll_ctl`, `epoll_wait`, as epoll(7) of Linux. A watch is known by the descriptor argument of `epoll_ctl` and the open file
 * behind it; the data that the guest gives comes back as it was.
 */
import { EPOLL_TIMEOUT_FOREVER, EpollCtl } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { Rights } from "../abi/flags.ts";
import { EpollEvent } from "../abi/layouts.ts";
import { addWatch, changeWatch, epollOf, openEpoll, removeWatch } from "../kernel/epoll.ts";
import { takeEpollEvents } from "../kernel/epoll-events.ts";
import { EPOLL_DATA_BYTES } from "../kernel/epoll-watch.ts";
import { ALL_RIGHTS, installFile } from "../kernel/index.ts";
import { dropFile, EVERY_READINESS, WOULD_BLOCK } from "../vfs/index.ts";
import { FOREVER, type Outcome, type Waiting, waitOnFile } from "./block.ts";
import type { SyscallContext } from "./context.ts";
import { errnoOf } from "./result.ts";

/** EPOLL_CTL_MOD of Linux, which the C library passes as it is. */
const LIBRARY_MOD = 3;
/** Most events of one call: more come with the next. */
const MOST_EVENTS = 4096;

/** Makes an empty set and writes its descriptor. EMFILE, ENOMEM. */
export function epoll_create(context: SyscallContext, result: number): number {
  const { guest, memory, files, vfs } = context;
  if (!guest.has(result, 4)) return Errno.EMEMVIOLATION;
  const file = openEpoll(vfs);
  if (file === 0) return Errno.ENOMEM;
  const fd = installFile(memory, files, file, ALL_RIGHTS);
  if (fd < 0) {
    dropFile(vfs, file);
    return -fd;
  }
  guest.view.setUint32(result >>> 0, fd, true);
  return 0;
}

/**
 * Adds, changes or removes a watch. The C library passes the numbers of Linux, so that its ADD is the ABI's MOD: that one adds what is not watched. EBADF; EINVAL for what is no set, the set itself, or an unknown operation; EEXIST, ENOENT; EPERM for files and
 * directories; ELOOP; EFAULT without an event; ENOMEM.
 */
export function epoll_ctl(
  context: SyscallContext,
  set: number,
  operation: number,
  fd: number,
  event: number,
): number {
  const { guest, memory, vfs } = context;
  const needsEvent = operation !== EpollCtl.DEL;
  if (operation >>> 0 > LIBRARY_MOD) return Errno.EINVAL;
  if (needsEvent && event === 0) return Errno.EFAULT;
  if (needsEvent && !guest.has(event, EpollEvent.$size)) return Errno.EMEMVIOLATION;
  const setFile = context.lookup(set, 0);
  if (setFile < 0) return -setFile;
  const epoll = epollOf(memory, setFile);
  const file = context.lookup(fd, Rights.POLL_FD_READWRITE);
  let answer: number;
  if (file < 0) answer = file;
  else if (epoll === 0) answer = -Errno.EINVAL;
  else if (!needsEvent) answer = removeWatch(memory, epoll, fd >>> 0, file);
  else {
    const at = event >>> 0;
    // The ABI has eight flags.
    const events = guest.u8[at + EpollEvent.events];
    const data = at + EpollEvent.data;
    const number = fd >>> 0;
    answer = -Errno.ENOENT;
    if (operation !== EpollCtl.ADD)
      answer = changeWatch(vfs, epoll, number, file, events, guest.u8, data);
    if (operation !== LIBRARY_MOD && answer === -Errno.ENOENT)
      answer = addWatch(vfs, epoll, number, file, events, guest.u8, data);
  }
  if (file > 0) dropFile(vfs, file);
  dropFile(vfs, setFile);
  return errnoOf(answer);
}

/**
 * Waits until a watched file has something to tell, and writes the events and their number, which is 0 after the timeout (in nanoseconds; all ones:
 * none). EBADF, EINVAL for what is no set or no room, EINTR after a signal handler.
 */
export function epoll_wait(
  context: SyscallContext,
  set: number,
  output: number,
  most: number,
  timeout: bigint,
  result: number,
): Outcome {
  const { guest, memory, vfs } = context;
  if (!guest.has(result, guest.pointerBytes)) return Errno.EMEMVIOLATION;
  const room = Math.min(most >>> 0, MOST_EVENTS);
  if (!guest.has(output, room * EpollEvent.$size)) return Errno.EMEMVIOLATION;
  const file = context.lookup(set, 0);
  if (file < 0) return -file;
  let count = 0;
  let refused = 0;
  const nanoseconds = BigInt.asUintN(64, timeout);
  if (epollOf(memory, file) === 0 || room === 0) refused = Errno.EINVAL;
  else {
    count = writeEvents(context, file, output, room);
    if (count === 0 && nanoseconds !== 0n)
      return context.wait(waitLater(context, file, output, room, nanoseconds, result));
  }
  dropFile(vfs, file);
  if (refused === 0) guest.setPointer(result, count);
  return refused;
}

/** Takes events and writes them; their number. */
function writeEvents(
  { guest, memory, vfs }: SyscallContext,
  file: number,
  output: number,
  room: number,
): number {
  // Memory that another thread grew may be beyond the views by now.
  guest.has(output, room * EpollEvent.$size);
  let at = output >>> 0;
  return takeEpollEvents(vfs, epollOf(memory, file), room, (events, data) => {
    guest.view.setUint32(at + EpollEvent.events, events, true);
    guest.u8.set(memory.u8.subarray(data, data + EPOLL_DATA_BYTES), at + EpollEvent.data);
    at += EpollEvent.$size;
  });
}

/** Goes on with a wait that found nothing. Takes over the count of the set's file. */
function* waitLater(
  context: SyscallContext,
  file: number,
  output: number,
  room: number,
  nanoseconds: bigint,
  result: number,
): Waiting<number> {
  const { guest, vfs } = context;
  try {
    const deadline =
      nanoseconds === EPOLL_TIMEOUT_FOREVER
        ? FOREVER
        : context.beginWait() + Number(nanoseconds) / 1e6;
    let count = 0;
    const ended = yield* waitOnFile(context, file, EVERY_READINESS, deadline, () => {
      count = writeEvents(context, file, output, room);
      return count > 0 ? 0 : WOULD_BLOCK;
    });
    if (ended !== 0 && ended !== Errno.ETIMEDOUT) return ended;
    guest.setPointer(result, count);
    return 0;
  } finally {
    dropFile(vfs, file);
  }
}
