/**
 * Pipe: a bounded queue of bytes between counted readers and writers.
 *
 * Life: made with one end of each kind; each open file owns one end; freed when both counts are zero.
 * Lock: `lock`, rank Pipe. Wake-ups are sent after it was let go.
 */
import { Errno } from "../abi/errno.ts";
import { Filetype } from "../abi/enums.ts";
import {
  address,
  allocate,
  free,
  layout,
  mutex,
  Rank,
  u32,
  waitQueue,
  wakeQueue,
  type KernelMemory,
} from "../shm/index.ts";
import {
  Access,
  makeOpenFile,
  OpenFile,
  OperationsId,
  Readiness,
  type Transfer,
  WOULD_BLOCK,
  dropFile,
  type Vfs,
} from "../vfs/index.ts";

/** Bytes a pipe holds, as on Linux. */
const PIPE_SIZE = 65536;
/**
 * Bytes a pipe holds for writers that would wait, once readers have taken so many from it: then it is a flow, and each time that one side need not wait for the
 * other saves more than the copying costs. What a program can find out without waiting stays as if it held `PIPE_SIZE`.
 */
const FLOW_SIZE = 4 * PIPE_SIZE;
/** Writes of up to this many bytes are never mixed with others' (PIPE_BUF on Linux). */
const PIPE_ATOMIC = 4096;

export const Pipe = layout("Pipe", {
  lock: mutex(Rank.Pipe),
  /** Open ends: guarded by lock. */
  readers: u32,
  writers: u32,
  /** The ring: guarded by lock. */
  buffer: address,
  capacity: u32,
  start: u32,
  length: u32,
  /** Bytes it holds for those who do not wait: immutable. */
  limit: u32,
  /** Bytes that were taken from it, as far as `FLOW_SIZE`: guarded by lock. */
  taken: u32,
  /** Somebody found the pipe empty, by reading or asking: set under lock, for a writer that fills it only on demand. */
  starved: u32,
  waiters: waitQueue(),
});

/** Makes a pipe with no ends; 0 when the kernel heap is full. */
function createPipe(memory: KernelMemory, capacity: number): number {
  const pipe = Pipe.allocate(memory);
  if (pipe === 0) return 0;
  const buffer = allocate(memory, capacity);
  if (buffer === 0) {
    Pipe.free(memory, pipe);
    return 0;
  }
  Pipe.buffer.set(memory, pipe, buffer);
  Pipe.capacity.set(memory, pipe, capacity);
  Pipe.limit.set(memory, pipe, capacity);
  return pipe;
}

/**
 * Makes a pipe and the open files of its two ends.
 *
 * @returns [read end, write end], each with one count, or undefined when the kernel heap is full
 */
export function openPipe(vfs: Vfs, capacity = PIPE_SIZE): [number, number] | undefined {
  const { memory } = vfs;
  const pipe = createPipe(memory, capacity);
  if (pipe === 0) return undefined;
  const reader = makeOpenFile(memory, OperationsId.pipe, Filetype.UNKNOWN, Access.read, 0);
  const writer =
    reader === 0 ? 0 : makeOpenFile(memory, OperationsId.pipe, Filetype.UNKNOWN, Access.write, 0);
  if (reader !== 0) {
    OpenFile.state.set(memory, reader, pipe);
    Pipe.readers.set(memory, pipe, 1);
  }
  if (writer === 0) {
    if (reader !== 0) dropFile(vfs, reader);
    else destroyPipe(memory, pipe);
    return undefined;
  }
  OpenFile.state.set(memory, writer, pipe);
  Pipe.writers.set(memory, pipe, 1);
  return [reader, writer];
}

function destroyPipe(memory: KernelMemory, pipe: number): void {
  free(memory, Pipe.buffer.get(memory, pipe), Pipe.capacity.get(memory, pipe));
  Pipe.free(memory, pipe);
}

/** Gives a pipe a ring of `FLOW_SIZE`; leaves it as it is where the kernel heap is full. */
function growLocked(memory: KernelMemory, pipe: number): void {
  const larger = allocate(memory, FLOW_SIZE);
  if (larger === 0) return;
  const buffer = Pipe.buffer.get(memory, pipe);
  const capacity = Pipe.capacity.get(memory, pipe);
  const start = Pipe.start.get(memory, pipe);
  const length = Pipe.length.get(memory, pipe);
  const first = Math.min(length, capacity - start);
  memory.u8.copyWithin(larger, buffer + start, buffer + start + first);
  memory.u8.copyWithin(larger + first, buffer, buffer + length - first);
  free(memory, buffer, capacity);
  Pipe.buffer.set(memory, pipe, larger);
  Pipe.capacity.set(memory, pipe, FLOW_SIZE);
  Pipe.start.set(memory, pipe, 0);
}

/** Takes up to the room in `into`. WOULD_BLOCK when empty with writers, 0 at the end. */
export function readPipe(memory: KernelMemory, pipe: number, into: Transfer): number {
  const room = into.total - into.done;
  if (room === 0) return 0;
  Pipe.lock.acquire(memory, pipe);
  const length = Pipe.length.get(memory, pipe);
  const count = Math.min(room, length);
  let isForWriters = false;
  if (count > 0) {
    const buffer = Pipe.buffer.get(memory, pipe);
    const capacity = Pipe.capacity.get(memory, pipe);
    const start = Pipe.start.get(memory, pipe);
    const first = Math.min(count, capacity - start);
    into.put(memory.u8, buffer + start, first);
    if (count > first) into.put(memory.u8, buffer, count - first);
    Pipe.length.set(memory, pipe, length - count);
    // An empty ring starts over, so that short messages stay in the same lines of the cache.
    Pipe.start.set(memory, pipe, length === count ? 0 : (start + count) % capacity);
    const taken = Pipe.taken.get(memory, pipe);
    if (taken < FLOW_SIZE) Pipe.taken.set(memory, pipe, taken + count);
    // Of a flow half must be free, which is still more than others hold.
    isForWriters = capacity <= Pipe.limit.get(memory, pipe) || length - count <= capacity / 2;
  }
  if (length === 0) Pipe.starved.set(memory, pipe, 1);
  const writers = Pipe.writers.get(memory, pipe);
  Pipe.lock.release(memory, pipe);
  if (isForWriters) wakeQueue(memory, Pipe.waiters.at(pipe), Readiness.write);
  if (count > 0) return count;
  return writers === 0 ? 0 : WOULD_BLOCK;
}

/**
 * Adds what there is room for; all or nothing up to `PIPE_ATOMIC` bytes. WOULD_BLOCK without room, EPIPE without readers; no bytes always go through, as on Linux.
 *
 * @param waits whether the writer waits where there is no room: then a flow has more
 */
export function writePipe(
  memory: KernelMemory,
  pipe: number,
  from: Transfer,
  waits = false,
): number {
  const wanted = from.total - from.done;
  if (wanted === 0) return 0;
  Pipe.lock.acquire(memory, pipe);
  if (Pipe.readers.get(memory, pipe) === 0) {
    Pipe.lock.release(memory, pipe);
    return -Errno.EPIPE;
  }
  const length = Pipe.length.get(memory, pipe);
  const limit = Pipe.limit.get(memory, pipe);
  if (
    waits &&
    length + wanted > PIPE_SIZE &&
    Pipe.capacity.get(memory, pipe) === PIPE_SIZE &&
    Pipe.taken.get(memory, pipe) >= FLOW_SIZE
  )
    growLocked(memory, pipe);
  const capacity = Pipe.capacity.get(memory, pipe);
  const room = Math.max(0, (waits ? capacity : limit) - length);
  const count = wanted <= PIPE_ATOMIC && wanted > room ? 0 : Math.min(wanted, room);
  if (count > 0) {
    const buffer = Pipe.buffer.get(memory, pipe);
    const end = (Pipe.start.get(memory, pipe) + length) % capacity;
    const first = Math.min(count, capacity - end);
    from.take(memory.u8, buffer + end, first);
    if (count > first) from.take(memory.u8, buffer, count - first);
    Pipe.length.set(memory, pipe, length + count);
  }
  Pipe.lock.release(memory, pipe);
  if (count > 0) wakeQueue(memory, Pipe.waiters.at(pipe), Readiness.read);
  return count === 0 ? WOULD_BLOCK : count;
}

/** One end less. Frees the pipe with the last. */
export function closePipeEnd(memory: KernelMemory, pipe: number, access: number): void {
  Pipe.lock.acquire(memory, pipe);
  const readers = Pipe.readers.get(memory, pipe) - (access === Access.read ? 1 : 0);
  const writers = Pipe.writers.get(memory, pipe) - (access === Access.write ? 1 : 0);
  Pipe.readers.set(memory, pipe, readers);
  Pipe.writers.set(memory, pipe, writers);
  Pipe.lock.release(memory, pipe);
  if (readers === 0 && writers === 0) destroyPipe(memory, pipe);
  else
    wakeQueue(memory, Pipe.waiters.at(pipe), Readiness.read | Readiness.write | Readiness.hangup);
}

/** What an end of the pipe could do now. */
export function pipeReadiness(memory: KernelMemory, pipe: number, access: number): number {
  Pipe.lock.acquire(memory, pipe);
  const length = Pipe.length.get(memory, pipe);
  const room = Pipe.limit.get(memory, pipe) - length;
  if (length === 0 && access === Access.read) Pipe.starved.set(memory, pipe, 1);
  const readers = Pipe.readers.get(memory, pipe);
  const writers = Pipe.writers.get(memory, pipe);
  Pipe.lock.release(memory, pipe);
  // As pipe_poll of Linux: an empty pipe without writers is a hang-up and nothing to read.
  if (access === Access.read) {
    return (length > 0 ? Readiness.read : 0) | (writers === 0 ? Readiness.hangup : 0);
  }
  return (
    (room >= PIPE_ATOMIC || readers === 0 ? Readiness.write : 0) |
    (readers === 0 ? Readiness.error : 0)
  );
}
