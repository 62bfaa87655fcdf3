/** Reading, writing, seeking and closing descriptors. Nothing here makes objects unless a call waits. */
import { Errno } from "../abi/errno.ts";
import { Filetype, Whence } from "../abi/enums.ts";
import { Rights } from "../abi/flags.ts";
import { closeDescriptor, Pending, Thread } from "../kernel/index.ts";
import { Access, AT_OFFSET, dropFile, OpenFile, WOULD_BLOCK } from "../vfs/index.ts";
import type { Outcome, Waiting } from "./block.ts";
import { actUntold, isInDefaultAction } from "./signal-delivery.ts";
import type { SyscallContext } from "./context.ts";
import { errnoOf, finishRead, finishWrite, LARGEST_PART, moveInParts } from "./result.ts";
import { LARGEST_EXACT, toSigned, toUnsigned } from "./wide.ts";

/** Finds the open file of a descriptor for reading or writing; EBADF where it was not opened for that. */
function lookupForAccess(
  context: SyscallContext,
  fd: number,
  rights: number,
  access: number,
): number {
  const file = context.lookup(fd, rights);
  if (file < 0 || (OpenFile.access.get(context.memory, file) & access) !== 0) return file;
  dropFile(context.vfs, file);
  return -Errno.EBADF;
}

/** Whether a descriptor that lacks a right is open for writing all the same: where it is not, POSIX has another error than a missing right. */
function isWritable(context: SyscallContext, fd: number): boolean {
  const { memory, vfs } = context;
  const file = context.lookup(fd, 0);
  if (file < 0) return false;
  const isOpen = (OpenFile.access.get(memory, file) & Access.write) !== 0;
  dropFile(vfs, file);
  return isOpen;
}

/** Reads more than is moved at once. Apart from the calls themselves, in which a variable that a closure uses would be an object at each call. */
function readInParts(
  context: SyscallContext,
  file: number,
  list: number,
  count: number,
  position: number,
): number {
  const { transfer, vfs } = context;
  const operations = vfs.operationsOf(file);
  return moveInParts(context, list, count, (done) =>
    operations.read(vfs, file, transfer, position === AT_OFFSET ? position : position + done),
  );
}

/** Writes more than is moved at once. */
function writeInParts(
  context: SyscallContext,
  file: number,
  list: number,
  count: number,
  position: number,
): number {
  const { transfer, vfs } = context;
  const operations = vfs.operationsOf(file);
  return moveInParts(context, list, count, (done) =>
    operations.write(vfs, file, transfer, position === AT_OFFSET ? position : position + done),
  );
}

/** Reads at the file's offset; writes the number of bytes, 0 at the end. Waits unless the descriptor is non-blocking. */
export function fd_read(
  context: SyscallContext,
  fd: number,
  list: number,
  count: number,
  result: number,
): Outcome {
  const { guest, transfer, vfs } = context;
  if (!guest.has(result, guest.pointerBytes)) return Errno.EMEMVIOLATION;
  const refused = guest.readBuffers(transfer, list, count);
  if (refused !== 0) return refused;
  const file = lookupForAccess(context, fd, Rights.FD_READ, Access.read);
  if (file < 0) return -file;
  const operations = vfs.operationsOf(file);
  const answer =
    transfer.total > LARGEST_PART
      ? readInParts(context, file, list, count, AT_OFFSET)
      : operations.read(vfs, file, transfer, AT_OFFSET);
  if (answer === WOULD_BLOCK)
    return context.wait(passOn(context, finishRead(context, file, list, count), result));
  dropFile(vfs, file);
  return storeCount(context, answer, result);
}

/** Ends a transfer: writes the number of bytes, or answers the errno. */
function storeCount({ guest }: SyscallContext, answer: number, result: number): number {
  if (answer < 0) return -answer;
  guest.setPointer(result, answer);
  return 0;
}

/** The same for one that waits. */
function* passOn(
  context: SyscallContext,
  transfer: Waiting<number>,
  result: number,
): Waiting<number> {
  return storeCount(context, yield* transfer, result);
}

/** Writes at the file's offset, or its end in append mode; writes the number of bytes. Waits unless the descriptor is non-blocking. */
export function fd_write(
  context: SyscallContext,
  fd: number,
  list: number,
  count: number,
  result: number,
): Outcome {
  const { guest, transfer, vfs } = context;
  if (!guest.has(result, guest.pointerBytes)) return Errno.EMEMVIOLATION;
  const refused = guest.readBuffers(transfer, list, count);
  if (refused !== 0) return refused;
  if (isInDefaultAction(context)) actUntold(context, fd, list, count);
  const file = lookupForAccess(context, fd, Rights.FD_WRITE, Access.write);
  if (file < 0) return -file;
  const operations = vfs.operationsOf(file);
  const { total } = transfer;
  let answer: number;
  // It has written so much already.
  if (context.resumes) answer = Thread.callMoved.get(context.memory, context.thread);
  else if (total > LARGEST_PART) answer = writeInParts(context, file, list, count, AT_OFFSET);
  else answer = operations.write(vfs, file, transfer, AT_OFFSET);
  if (answer !== total)
    return context.wait(passOn(context, finishWrite(context, file, list, count, answer), result));
  dropFile(vfs, file);
  return storeCount(context, answer, result);
}

/** Reads at a position and leaves the offset alone. ESPIPE for what has no offset, EINVAL for a position of 2^63 or more. */
export function fd_pread(
  context: SyscallContext,
  fd: number,
  list: number,
  count: number,
  offset: bigint,
  result: number,
): number {
  const { guest, transfer, vfs } = context;
  if (!guest.has(result, guest.pointerBytes)) return Errno.EMEMVIOLATION;
  const refused = guest.readBuffers(transfer, list, count);
  if (refused !== 0) return refused;
  const position = toSigned(offset);
  if (position < 0) return Errno.EINVAL;
  const file = lookupForAccess(context, fd, Rights.FD_READ | Rights.FD_SEEK, Access.read);
  if (file < 0) return -file;
  const operations = vfs.operationsOf(file);
  let answer: number;
  if (OpenFile.type.get(context.memory, file) === Filetype.DIRECTORY) answer = -Errno.EISDIR;
  else if (!operations.seekable) answer = -Errno.ESPIPE;
  else if (position > LARGEST_EXACT - transfer.total) answer = 0;
  else if (transfer.total > LARGEST_PART)
    answer = readInParts(context, file, list, count, position);
  else answer = operations.read(vfs, file, transfer, position);
  dropFile(vfs, file);
  if (answer < 0) return answer === WOULD_BLOCK ? Errno.EAGAIN : -answer;
  guest.setPointer(result, answer);
  return 0;
}

/** Writes at a position and leaves the offset alone. ESPIPE for what has no offset, EFBIG beyond the largest position. */
export function fd_pwrite(
  context: SyscallContext,
  fd: number,
  list: number,
  count: number,
  offset: bigint,
  result: number,
): number {
  const { guest, transfer, vfs } = context;
  if (!guest.has(result, guest.pointerBytes)) return Errno.EMEMVIOLATION;
  const refused = guest.readBuffers(transfer, list, count);
  if (refused !== 0) return refused;
  const position = toSigned(offset);
  if (position < 0) return Errno.EINVAL;
  const file = lookupForAccess(context, fd, Rights.FD_WRITE | Rights.FD_SEEK, Access.write);
  if (file < 0) return -file;
  const operations = vfs.operationsOf(file);
  let answer: number;
  if (!operations.seekable) answer = -Errno.ESPIPE;
  else if (position > LARGEST_EXACT - transfer.total) answer = -Errno.EFBIG;
  else if (transfer.total > LARGEST_PART)
    answer = writeInParts(context, file, list, count, position);
  else answer = operations.write(vfs, file, transfer, position);
  dropFile(vfs, file);
  if (answer < 0) return answer === WOULD_BLOCK ? Errno.EAGAIN : -answer;
  guest.setPointer(result, answer);
  return 0;
}

/**
 * Moves the offset and writes where it is now. ESPIPE for what has none, EINVAL for a place before the start, EOVERFLOW beyond 2^53, EBADF for a
 * directory, whose listing has cookies instead.
 */
export function fd_seek(
  context: SyscallContext,
  fd: number,
  delta: bigint,
  whence: number,
  result: number,
): number {
  const { guest, vfs } = context;
  if (!guest.has(result, 8)) return Errno.EMEMVIOLATION;
  const file = context.lookup(fd, Rights.FD_SEEK);
  if (file < 0) return -file;
  let answer = checkSeekable(context, file);
  if (answer === 0) {
    const distance = toSigned(delta);
    // Asked for before the lock is taken, since it takes the inode's.
    const size = whence === Whence.END ? vfs.operationsOf(file).size(vfs, file) : 0;
    if (whence >>> 0 > Whence.END) answer = -Errno.EINVAL;
    else if (size < 0) answer = size;
    else answer = moveOffset(context, file, distance, size, whence === Whence.CUR);
  }
  dropFile(vfs, file);
  if (answer < 0) return -answer;
  guest.setSize(result, answer);
  return 0;
}

function checkSeekable(context: SyscallContext, file: number): number {
  if (OpenFile.type.get(context.memory, file) === Filetype.DIRECTORY) return -Errno.EBADF;
  return context.vfs.operationsOf(file).seekable ? 0 : -Errno.ESPIPE;
}

/** The new offset, or a negated errno. */
function moveOffset(
  context: SyscallContext,
  file: number,
  distance: number,
  base: number,
  fromHere: boolean,
): number {
  const { memory } = context;
  OpenFile.lock.acquire(memory, file);
  const target = distance + (fromHere ? OpenFile.offset.get(memory, file) : base);
  let answer = target;
  if (target < 0) answer = -Errno.EINVAL;
  else if (target > LARGEST_EXACT) answer = -Errno.EOVERFLOW;
  else OpenFile.offset.set(memory, file, target);
  OpenFile.lock.release(memory, file);
  return answer;
}

/** Writes the offset. ESPIPE for what has none. */
export function fd_tell(context: SyscallContext, fd: number, result: number): number {
  const { guest, memory, vfs } = context;
  if (!guest.has(result, 8)) return Errno.EMEMVIOLATION;
  // The right to seek implies the right to tell.
  let file = context.lookup(fd, Rights.FD_TELL);
  if (file === -Errno.ENOTCAPABLE) file = context.lookup(fd, Rights.FD_SEEK);
  if (file < 0) return -file;
  const answer = checkSeekable(context, file);
  if (answer === 0) guest.setSize(result, OpenFile.offset.get(memory, file));
  dropFile(vfs, file);
  return errnoOf(answer);
}

/**
 * Closes a descriptor. What it stood for lives on while other descriptors or calls in progress hold it. A preopened directory stays open, as in the reference, and
 * comes back where its number was taken for something else; for a program of plain WASI preview 1 it is closed like any other.
 */
export function fd_close(context: SyscallContext, fd: number): number {
  const { files, isPreview1, vfs } = context;
  return errnoOf(closeDescriptor(vfs, files, fd, !isPreview1));
}

/** Makes sure that a range of a file has its space; the file grows to the range's end. EINVAL for no bytes, EFBIG, ESPIPE, EBADF. */
export function fd_allocate(
  context: SyscallContext,
  fd: number,
  offset: bigint,
  length: bigint,
): number {
  const { vfs } = context;
  const start = toUnsigned(offset);
  const bytes = toUnsigned(length);
  const file = lookupForAccess(context, fd, Rights.FD_ALLOCATE, Access.write);
  if (file === -Errno.ENOTCAPABLE) return isWritable(context, fd) ? -file : Errno.EBADF;
  if (file < 0) return -file;
  let answer = checkSeekable(context, file);
  if (answer === 0) {
    if (bytes === 0 || start >= 2 ** 63 || bytes >= 2 ** 63) answer = -Errno.EINVAL;
    else if (start + bytes > LARGEST_EXACT) answer = -Errno.EFBIG;
    else answer = allocateInSteps(context, file, start + bytes);
  }
  dropFile(vfs, file);
  return errnoOf(answer);
}

/** Bytes for which space is made at once, which means clearing it: some tens of milliseconds. */
const ALLOCATION_STEP = 2 ** 26;

/** Makes space up to `end` step by step, so that the process can end between; takes it back where there is not enough. 0 or a negated errno. */
function allocateInSteps(context: SyscallContext, file: number, end: number): number {
  const { memory, thread, vfs } = context;
  const operations = vfs.operationsOf(file);
  const before = Math.max(0, operations.size(vfs, file));
  for (let reached = before; ;) {
    reached = Math.min(end, reached + ALLOCATION_STEP);
    const answer = operations.allocate(vfs, file, reached);
    if (answer !== 0) {
      if (reached - ALLOCATION_STEP > before) operations.setSize(vfs, file, before);
      return answer;
    }
    if (reached === end || (Thread.pending.load(memory, thread) & Pending.exit) !== 0) return 0;
  }
}

/** Sets a file's size: cuts it, or lets zeros follow. EINVAL where it was not opened for writing (ftruncate(2)), EFBIG. */
export function fd_filestat_set_size(context: SyscallContext, fd: number, size: bigint): number {
  const { memory, vfs } = context;
  const bytes = toUnsigned(size);
  const file = context.lookup(fd, Rights.FD_FILESTAT_SET_SIZE);
  if (file === -Errno.ENOTCAPABLE) return isWritable(context, fd) ? -file : Errno.EINVAL;
  if (file < 0) return -file;
  let answer: number;
  if ((OpenFile.access.get(memory, file) & Access.write) === 0) answer = -Errno.EINVAL;
  else if (bytes >= 2 ** 63) answer = -Errno.EINVAL;
  else if (bytes > LARGEST_EXACT) answer = -Errno.EFBIG;
  else answer = vfs.operationsOf(file).setSize(vfs, file, bytes);
  dropFile(vfs, file);
  return errnoOf(answer);
}
