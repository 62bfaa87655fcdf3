/**
 * Journal: what changed in a filesystem and is not in the store yet, in the kernel heap.
 *
 * A change takes the lock, sees that there is room for its note, is made, and is noted: so the notes are in the order of the changes,
 * and each is there whole or not at all. The keeper (`keeper.ts`), an agent of its own, takes all notes at once: a **batch**, which is in the store whole or
 * not at all. So the store always holds what the files once were.
 *
 * Life: made and freed with the mount. Lock: `lock`, rank Journal, for the chunks; taken before any lock of the tree.
 */
import { Errno } from "../../abi/errno.ts";
import {
  address,
  atomic32,
  block,
  type KernelMemory,
  layout,
  mutex,
  Rank,
  ReadyQueue,
  ringBell,
  subscribe,
  unsubscribe,
  u32,
  WaitEntry,
  waitQueue,
  wakeAll,
  wakeQueue,
} from "../../shm/index.ts";
import { Mount, type Vfs } from "../../vfs/index.ts";
import { TmpfsTree, treeOf } from "../tmpfs/tree.ts";
import { HEAD_BYTES, MOST_BYTES, recordBytes, writeHead } from "./record.ts";

export const Journal = layout("Journal", {
  lock: mutex(Rank.Journal),
  /** Chunks of notes, the oldest first: under lock. */
  first: address,
  last: address,
  /** Bytes in all chunks: written under lock, read without it to slow writers down. */
  pending: atomic32,
  /** Number of the batch that notes now go to: under lock. */
  batch: u32,
  /** The last batch that is safe in the store: written by the keeper. */
  safe: atomic32,
  /** The last batch that somebody waits for. */
  wanted: atomic32,
  /** Errno of the store while it takes nothing, or 0: written by the keeper. */
  failure: atomic32,
  /** 1 when the keeper is to put everything in the store and leave. */
  isClosing: atomic32,
  /** Where the keeper sleeps. */
  bell: block(ReadyQueue.bytes),
  /** Who waits for the keeper. */
  waiters: waitQueue(),
});

/** A run of notes. Their bytes follow the record: chunks are as large as those of files in memory, which can take their place later. */
export const JournalChunk = layout("JournalChunk", { next: address, used: u32 });

const CHUNK_BYTES = 65536 - JournalChunk.bytes;
if (recordBytes(MOST_BYTES) > CHUNK_BYTES) throw new RangeError("a record must fit in a chunk");

/** Bytes of notes from which on writers wait for the keeper. */
const MANY_BYTES = 16 * 2 ** 20;

/** The journal of the filesystem that an inode is in. */
export function journalOf(memory: KernelMemory, inode: number): number {
  return TmpfsTree.journal.get(memory, treeOf(memory, inode));
}

/**
 * Begins a change: on 0 the lock is held, there is room for a note of `bytes`, and `endChange` must follow.
 *
 * @param grows whether more is to be stored afterwards: what only removes is done even when the store is full
 * @returns 0; ENOSPC and whatever else the store fails with, EINTR when the process ends
 */
export function beginChange(vfs: Vfs, journal: number, bytes: number, grows: boolean): number {
  const { memory } = vfs;
  if (Journal.pending.load(memory, journal) > MANY_BYTES) {
    const waited = sleepWhile(
      vfs,
      journal,
      () =>
        Journal.pending.load(memory, journal) > MANY_BYTES &&
        Journal.failure.load(memory, journal) === 0,
    );
    // One that cannot wait goes on: its notes take more of the heap.
    if (waited === -Errno.EINTR) return waited;
  }
  const failure = Journal.failure.load(memory, journal);
  if (failure !== 0 && grows) return -failure;
  Journal.lock.acquire(memory, journal);
  if (haveRoom(memory, journal, bytes)) return 0;
  Journal.lock.release(memory, journal);
  return -Errno.ENOSPC;
}

/** Sees that a note of `bytes` fits in the last chunk; false when the kernel heap is full. Preconditions: the lock is held. */
export function haveRoom(memory: KernelMemory, journal: number, bytes: number): boolean {
  const last = Journal.last.get(memory, journal);
  if (last !== 0 && JournalChunk.used.get(memory, last) + recordBytes(bytes) <= CHUNK_BYTES)
    return true;
  const chunk = JournalChunk.allocate(memory, CHUNK_BYTES);
  if (chunk === 0) return false;
  if (last === 0) Journal.first.set(memory, journal, chunk);
  else JournalChunk.next.set(memory, last, chunk);
  Journal.last.set(memory, journal, chunk);
  return true;
}

/**
 * Notes a change that was just made, at the time that the filesystem gave it. Preconditions: the lock is held, and there is room.
 *
 * @returns where in the heap the note's bytes are to be put
 */
export function note(
  vfs: Vfs,
  journal: number,
  change: number,
  bytes: number,
  a: number,
  b = 0,
  c = 0,
): number {
  const { memory } = vfs;
  const chunk = Journal.last.get(memory, journal);
  const used = JournalChunk.used.get(memory, chunk);
  const at = chunk + JournalChunk.bytes + used;
  writeHead(memory.u32, memory.f64, at, change, bytes, vfs.nowLow, vfs.nowHigh, a, b, c);
  JournalChunk.used.set(memory, chunk, used + recordBytes(bytes));
  Journal.pending.add(memory, journal, recordBytes(bytes));
  return at + HEAD_BYTES;
}

/** Ends what `beginChange` began, and calls the keeper. */
export function endChange(memory: KernelMemory, journal: number): void {
  const hasNotes = Journal.first.get(memory, journal) !== 0;
  Journal.lock.release(memory, journal);
  if (hasNotes) ringBell(memory, Journal.bell.at(journal));
}

/**
 * Waits until all that was changed before is safe in the store.
 *
 * @returns 0; what the store fails with; EINTR when the process ends, ENOTSUP where nobody can wait
 */
export function waitUntilSafe(vfs: Vfs, journal: number): number {
  const { memory } = vfs;
  Journal.lock.acquire(memory, journal);
  const isEmpty = Journal.first.get(memory, journal) === 0;
  const batch = Journal.batch.get(memory, journal) - (isEmpty ? 1 : 0);
  Journal.lock.release(memory, journal);
  const isUnsafe = () => Journal.safe.load(memory, journal) < batch;
  if (!isUnsafe()) return 0;
  raise(memory, journal, batch);
  // The keeper may be waiting for more changes.
  wakeAll(memory, journal + Journal.wanted.offset);
  ringBell(memory, Journal.bell.at(journal));
  const waited = sleepWhile(
    vfs,
    journal,
    () => isUnsafe() && Journal.failure.load(memory, journal) === 0,
  );
  if (waited < 0) return waited;
  return isUnsafe() ? -Journal.failure.load(memory, journal) : 0;
}

/** Raises what is waited for to a batch. */
function raise(memory: KernelMemory, journal: number, batch: number): void {
  for (let wanted = Journal.wanted.load(memory, journal); wanted < batch;) {
    const before = Journal.wanted.compareExchange(memory, journal, wanted, batch);
    if (before === wanted) return;
    wanted = before;
  }
}

/** Sleeps in the journal's queue. 0; EINTR, ENOMEM; ENOTSUP, at once, where nobody may sleep: on a page, or with locks held. */
function sleepWhile(vfs: Vfs, journal: number, waits: () => boolean): number {
  const { memory, sleeper } = vfs;
  if (sleeper === undefined || memory.locksHeld > 0) return -Errno.ENOTSUP;
  const entry = WaitEntry.allocate(memory);
  if (entry === 0) return -Errno.ENOMEM;
  subscribe(memory, Journal.waiters.at(journal), entry, sleeper.parker, -1);
  const ended = sleeper.sleepWhile(waits);
  unsubscribe(memory, entry);
  WaitEntry.free(memory, entry);
  return ended ? 0 : -Errno.EINTR;
}

/** For the host: the keeper is to put everything in the store and leave. */
export function closeJournal(memory: KernelMemory, mount: number): void {
  const journal = TmpfsTree.journal.get(memory, Mount.state.get(memory, mount));
  Journal.isClosing.store(memory, journal, 1);
  ringBell(memory, Journal.bell.at(journal));
}

/** For the host: the keeper is gone, and nothing is kept any more. */
export function failJournal(memory: KernelMemory, mount: number): void {
  const journal = TmpfsTree.journal.get(memory, Mount.state.get(memory, mount));
  Journal.failure.store(memory, journal, Errno.EIO);
  wakeQueue(memory, Journal.waiters.at(journal), -1);
}

/** Notes that were taken out of a journal. */
export interface Batch {
  readonly number: number;
  /** The chunks, oldest first. */
  readonly chunks: readonly number[];
}

/** For the keeper: takes all notes. Preconditions: the lock is held. */
export function takeBatchLocked(memory: KernelMemory, journal: number): Batch {
  const chunks: number[] = [];
  let chunk = Journal.first.get(memory, journal);
  for (; chunk !== 0; chunk = JournalChunk.next.get(memory, chunk)) chunks.push(chunk);
  const number = Journal.batch.get(memory, journal);
  if (chunks.length > 0) {
    Journal.first.set(memory, journal, 0);
    Journal.last.set(memory, journal, 0);
    Journal.batch.set(memory, journal, number + 1);
  }
  return { number, chunks };
}

/** The bytes of a chunk: a view, good until the heap grows. */
export function chunkBytes(memory: KernelMemory, chunk: number): Uint8Array {
  const start = chunk + JournalChunk.bytes;
  return memory.u8.subarray(start, start + JournalChunk.used.get(memory, chunk));
}

/** Frees chunks that are in the store, or never will be. */
export function freeChunks(memory: KernelMemory, journal: number, chunks: readonly number[]): void {
  for (const chunk of chunks) {
    Journal.pending.add(memory, journal, -JournalChunk.used.get(memory, chunk));
    JournalChunk.free(memory, chunk, CHUNK_BYTES);
  }
}
