/**
 * How calls that move bytes end: what a partial result means, who waits, what a broken pipe does.
 *
 * - A read that got anything is done. A blocking read of nothing waits until there is something, the end, or a signal handler ran (EINTR).
 * - A blocking write to something without an offset (pipe, stream) goes on until all is written; when an error or a signal handler ends it after
 *   some bytes, their number is a success (write(2)). A file's write is done with what fitted.
 * - A non-blocking descriptor takes what goes at once, or answers EAGAIN.
 * - EPIPE also raises SIGPIPE in a program that handles signals; any other program gets the errno alone.
 *
 * The buffers are read from the guest again before each attempt: while one thread sleeps, another may use the context's transfer.
 */
import { Errno } from "../abi/errno.ts";
import { Signal } from "../abi/enums.ts";
import { Fdflags } from "../abi/flags.ts";
import { handlesSignals, Pending, Thread } from "../kernel/index.ts";
import {
  AT_OFFSET,
  dropFile,
  EVERY_READINESS,
  OpenFile,
  type Transfer,
  WOULD_BLOCK,
} from "../vfs/index.ts";
import { FOREVER, type Waiting, waitOnFile } from "./block.ts";
import type { SyscallContext } from "./context.ts";
import { notePending } from "./pending-work.ts";
import { sendToThread } from "./process.ts";

/** The errno of a kernel function's answer: 0 for any success. */
export function errnoOf(answer: number): number {
  return answer < 0 ? -answer : 0;
}

/** Whether calls on an open file answer EAGAIN rather than wait. */
function isNonblocking(context: SyscallContext, file: number): boolean {
  return (OpenFile.flags.load(context.memory, file) & Fdflags.NONBLOCK) !== 0;
}

/**
 * Goes on with a read that would block. Takes over the caller's count of the file.
 *
 * @returns bytes, or a negated errno: EAGAIN, EINTR
 */
export function* finishRead(
  context: SyscallContext,
  file: number,
  list: number,
  count: number,
): Waiting<number> {
  const { vfs, guest, transfer } = context;
  try {
    if (isNonblocking(context, file)) return -Errno.EAGAIN;
    const operations = vfs.operationsOf(file);
    let answer = 0;
    const ended = yield* waitOnFile(context, file, EVERY_READINESS, FOREVER, () => {
      const refused = guest.readBuffers(transfer, list, count);
      answer = refused !== 0 ? -refused : operations.read(vfs, file, transfer, AT_OFFSET);
      return answer === WOULD_BLOCK ? WOULD_BLOCK : 0;
    });
    return ended === 0 ? answer : -ended;
  } finally {
    dropFile(vfs, file);
  }
}

/**
 * Goes on with a write that would block, failed, or wrote less than all. Takes over the caller's count of the file.
 *
 * @param answer what the first attempt answered
 * @returns bytes, or a negated errno: EAGAIN, EINTR, EPIPE, and what the file says
 */
export function* finishWrite(
  context: SyscallContext,
  file: number,
  list: number,
  count: number,
  answer: number,
): Waiting<number> {
  const { vfs } = context;
  const write = { done: Math.max(answer, 0), error: 0 };
  try {
    if (answer < 0 && answer !== WOULD_BLOCK) write.error = -answer;
    else if (isNonblocking(context, file)) write.error = Errno.EAGAIN;
    else if (answer === WOULD_BLOCK || !vfs.operationsOf(file).seekable) {
      yield* writeRest(context, file, list, count, write);
    }
  } finally {
    dropFile(vfs, file);
  }
  if (write.error === Errno.EPIPE) raisePipeSignal(context);
  return write.done > 0 || write.error === 0 ? write.done : -write.error;
}

function* writeRest(
  context: SyscallContext,
  file: number,
  list: number,
  count: number,
  write: { done: number; error: number },
): Waiting<void> {
  const { memory, thread, vfs, guest, transfer } = context;
  const operations = vfs.operationsOf(file);
  const ended = yield* waitOnFile(context, file, EVERY_READINESS, FOREVER, () => {
    for (;;) {
      Thread.callMoved.set(memory, thread, write.done);
      write.error = guest.readBuffers(transfer, list, count);
      if (write.error !== 0 || write.done >= transfer.total) return 0;
      dropFront(transfer, write.done);
      const answer = operations.write(vfs, file, transfer, AT_OFFSET);
      if (answer === WOULD_BLOCK) return WOULD_BLOCK;
      write.error = errnoOf(answer);
      if (answer <= 0) return 0;
      write.done += answer;
    }
  });
  if (ended !== 0) write.error = ended;
}

/** Bytes moved at once: a longer transfer is made in parts, between which the process can end. A few milliseconds, also to a host's file. */
export const LARGEST_PART = 2 ** 23;

/**
 * Makes a transfer of more than `LARGEST_PART` bytes in parts. It ends early, with what was moved, where the process ends. Other threads' transfers
 * may come between the parts.
 *
 * @param move moves what `context.transfer` names, after `done` bytes were moved; answers as the operations of files do
 * @returns bytes; what `move` answered when the first part moved none
 */
export function moveInParts(
  context: SyscallContext,
  list: number,
  count: number,
  move: (done: number) => number,
): number {
  const { guest, memory, thread, transfer } = context;
  for (let done = 0; ;) {
    const refused = guest.readBuffers(transfer, list, count);
    // Another thread of the guest may have changed the list meanwhile.
    if (refused !== 0) return done > 0 ? done : -refused;
    if (done >= transfer.total) return done;
    if (done > 0) dropFront(transfer, done);
    transfer.keepFront(LARGEST_PART);
    const part = transfer.total;
    const answer = move(done);
    if (answer <= 0) return done > 0 ? done : answer;
    done += answer;
    if (answer < part || (Thread.pending.load(memory, thread) & Pending.exit) !== 0) return done;
  }
}

/** Takes the first bytes, fewer than all, out of a list of buffers. */
function dropFront(transfer: Transfer, bytes: number): void {
  const { starts, lengths } = transfer;
  transfer.total -= bytes;
  let first = 0;
  while (bytes >= lengths[first]) bytes -= lengths[first++];
  starts.copyWithin(0, first, transfer.count);
  lengths.copyWithin(0, first, transfer.count);
  transfer.count -= first;
  starts[0] += bytes;
  lengths[0] -= bytes;
  transfer.rewind();
}

/** What EPIPE brings with it; the handler runs when the call has ended. Nothing may be held: the process may end here. */
function raisePipeSignal(context: SyscallContext): void {
  if (!handlesSignals(context.memory, context.owner)) return;
  sendToThread(context, context.thread, Signal.PIPE);
  notePending(context);
}
