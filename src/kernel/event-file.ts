/**
 * Event object: a 64-bit counter behind a descriptor, as eventfd(2).
 *
 * A read gives the counter and zeroes it, or takes one off in semaphore mode; it would block at zero. A write adds; it would block where the sum
 * would pass 2^64 - 2. Reads and writes take eight bytes.
 * Life: one `EventCounter` per open file, which owns it and has the queue of waiters.
 * Lock: `lock`, rank Pipe. Wake-ups are sent after it was let go.
 */
import { Errno } from "../abi/errno.ts";
import { Filetype } from "../abi/enums.ts";
import { block, layout, mutex, Rank, u32, wakeQueue } from "../shm/index.ts";
import {
  Access,
  FileOperations,
  makeOpenFile,
  OpenFile,
  OperationsId,
  Readiness,
  type Transfer,
  type Vfs,
  WOULD_BLOCK,
} from "../vfs/index.ts";

/** Bytes of a counter as the guest sees it, little endian. */
const COUNTER_BYTES = 8;
const LARGEST_WORD = 0xffffffff;

export const EventCounter = layout("EventCounter", {
  lock: mutex(Rank.Pipe),
  /** 1 in semaphore mode: immutable. */
  semaphore: u32,
  /** The counter in halves: guarded by lock. */
  low: u32,
  high: u32,
  /** What goes to or comes from the guest: guarded by lock. */
  message: block(COUNTER_BYTES),
});

/** Makes an event object and an open file (`Fdflags`) with one count; 0 when the kernel heap is full. */
export function openEvent(
  vfs: Vfs,
  low: number,
  high: number,
  semaphore: boolean,
  flags: number,
): number {
  const { memory } = vfs;
  const counter = EventCounter.allocate(memory);
  if (counter === 0) return 0;
  const access = Access.read | Access.write;
  const file = makeOpenFile(memory, OperationsId.event, Filetype.UNKNOWN, access, flags);
  if (file === 0) {
    EventCounter.free(memory, counter);
    return 0;
  }
  EventCounter.semaphore.set(memory, counter, semaphore ? 1 : 0);
  EventCounter.low.set(memory, counter, low);
  EventCounter.high.set(memory, counter, high);
  OpenFile.state.set(memory, file, counter);
  return file;
}

export class EventOperations extends FileOperations {
  override read(vfs: Vfs, file: number, into: Transfer): number {
    if (into.total < COUNTER_BYTES) return -Errno.EINVAL;
    const { memory } = vfs;
    const counter = OpenFile.state.get(memory, file);
    EventCounter.lock.acquire(memory, counter);
    const low = EventCounter.low.get(memory, counter);
    const high = EventCounter.high.get(memory, counter);
    if (low === 0 && high === 0) {
      EventCounter.lock.release(memory, counter);
      return WOULD_BLOCK;
    }
    const one = EventCounter.semaphore.get(memory, counter) !== 0;
    const message = EventCounter.message.at(counter);
    memory.u32[message >>> 2] = one ? 1 : low;
    memory.u32[(message >>> 2) + 1] = one ? 0 : high;
    EventCounter.low.set(memory, counter, one ? low - 1 : 0);
    EventCounter.high.set(memory, counter, one && low === 0 ? high - 1 : one ? high : 0);
    into.put(memory.u8, message, COUNTER_BYTES);
    EventCounter.lock.release(memory, counter);
    wakeQueue(memory, OpenFile.waiters.at(file), Readiness.write);
    return COUNTER_BYTES;
  }

  override write(vfs: Vfs, file: number, from: Transfer): number {
    if (from.total < COUNTER_BYTES) return -Errno.EINVAL;
    const { memory } = vfs;
    const counter = OpenFile.state.get(memory, file);
    EventCounter.lock.acquire(memory, counter);
    const message = EventCounter.message.at(counter);
    from.take(memory.u8, message, COUNTER_BYTES);
    const added = memory.u32[message >>> 2];
    const addedHigh = memory.u32[(message >>> 2) + 1];
    const low = EventCounter.low.get(memory, counter) + added;
    const carry = low > LARGEST_WORD ? 1 : 0;
    const high = EventCounter.high.get(memory, counter) + addedHigh + carry;
    const full = high > LARGEST_WORD || (high === LARGEST_WORD && low >>> 0 === LARGEST_WORD);
    if (!full) {
      EventCounter.low.set(memory, counter, low);
      EventCounter.high.set(memory, counter, high);
    }
    EventCounter.lock.release(memory, counter);
    if (full) {
      return added === LARGEST_WORD && addedHigh === LARGEST_WORD ? -Errno.EINVAL : WOULD_BLOCK;
    }
    wakeQueue(memory, OpenFile.waiters.at(file), Readiness.read);
    return COUNTER_BYTES;
  }

  override readiness(vfs: Vfs, file: number): number {
    const { memory } = vfs;
    const counter = OpenFile.state.get(memory, file);
    EventCounter.lock.acquire(memory, counter);
    const low = EventCounter.low.get(memory, counter);
    const high = EventCounter.high.get(memory, counter);
    EventCounter.lock.release(memory, counter);
    const room = high < LARGEST_WORD || low < LARGEST_WORD - 1;
    return (low !== 0 || high !== 0 ? Readiness.read : 0) | (room ? Readiness.write : 0);
  }

  override available(vfs: Vfs, file: number): number {
    return (this.readiness(vfs, file) & Readiness.read) !== 0 ? COUNTER_BYTES : 0;
  }

  override waitQueueOf(_vfs: Vfs, file: number): number {
    return OpenFile.waiters.at(file);
  }

  override release(vfs: Vfs, file: number): void {
    EventCounter.free(vfs.memory, OpenFile.state.get(vfs.memory, file));
  }
}
