/**
 * Futexes: sleeping until a word of guest memory changes.
 *
 * The key is process and address. Waiters of a bucket stand in one list in order of arrival. Nothing ties them to the engine's own
 * `memory.atomic.wait32`: the two do not wake each other (`abi/semantics.md` §2).
 *
 * Lock: one per bucket, rank Futex. It is held while the word is read, so that a wake-up between the look and the sleep is not lost.
 */
import { address, layout, mutex, Rank, u32, unpark, type KernelMemory } from "../shm/index.ts";

const BUCKETS = 256;

export const FutexBucket = layout("FutexBucket", {
  lock: mutex(Rank.Futex),
  /** First and last waiter: guarded by lock. */
  first: address,
  last: address,
});

export const FUTEX_TABLE_BYTES = BUCKETS * FutexBucket.bytes;

/** One waiter, part of its thread's record. All fields are guarded by the bucket's lock; `queued` may be read by its owner. */
export const FutexWaiter = layout("FutexWaiter", {
  next: address,
  previous: address,
  parker: address,
  process: address,
  word: u32,
  /** 1 while in the bucket's list: a waker takes it out. */
  queued: u32,
});

function bucketOf(futexes: number, process: number, word: number): number {
  const hash = Math.imul((word >>> 2) ^ Math.imul(process, 0x9e3779b1), 0x85ebca6b) >>> 24;
  return futexes + hash * FutexBucket.bytes;
}

/**
 * Stands in line for a word, if it still is `expected`.
 *
 * @param guest the guest's memory as words, and the word's index in it, checked by the caller
 * @returns whether it stands in line now
 */
export function enqueueFutex(
  memory: KernelMemory,
  futexes: number,
  waiter: number,
  parker: number,
  process: number,
  word: number,
  guest: Int32Array,
  expected: number,
): boolean {
  const bucket = bucketOf(futexes, process, word);
  FutexBucket.lock.acquire(memory, bucket);
  const equal = Atomics.load(guest, word >>> 2) === (expected | 0);
  if (equal) {
    const last = FutexBucket.last.get(memory, bucket);
    FutexWaiter.parker.set(memory, waiter, parker);
    FutexWaiter.process.set(memory, waiter, process);
    FutexWaiter.word.set(memory, waiter, word);
    FutexWaiter.next.set(memory, waiter, 0);
    FutexWaiter.previous.set(memory, waiter, last);
    FutexWaiter.queued.set(memory, waiter, 1);
    if (last === 0) FutexBucket.first.set(memory, bucket, waiter);
    else FutexWaiter.next.set(memory, last, waiter);
    FutexBucket.last.set(memory, bucket, waiter);
  }
  FutexBucket.lock.release(memory, bucket);
  return equal;
}

/** Whether a waiter is still in line: a hint, `leaveFutex` decides. */
export function isQueued(memory: KernelMemory, waiter: number): boolean {
  return FutexWaiter.queued.get(memory, waiter) !== 0;
}

/** Leaves the line, in it or not. Afterwards no waker touches the waiter. Returns whether it had been woken. */
export function leaveFutex(memory: KernelMemory, futexes: number, waiter: number): boolean {
  const bucket = bucketOf(
    futexes,
    FutexWaiter.process.get(memory, waiter),
    FutexWaiter.word.get(memory, waiter),
  );
  FutexBucket.lock.acquire(memory, bucket);
  const queued = FutexWaiter.queued.get(memory, waiter) !== 0;
  if (queued) remove(memory, bucket, waiter);
  FutexBucket.lock.release(memory, bucket);
  return !queued;
}

/** Wakes up to `most` waiters of a word, the oldest first; returns how many. */
export function wakeFutex(
  memory: KernelMemory,
  futexes: number,
  process: number,
  word: number,
  most: number,
): number {
  const bucket = bucketOf(futexes, process, word);
  let woken = 0;
  FutexBucket.lock.acquire(memory, bucket);
  let waiter = FutexBucket.first.get(memory, bucket);
  while (waiter !== 0 && woken < most) {
    const next = FutexWaiter.next.get(memory, waiter);
    if (
      FutexWaiter.word.get(memory, waiter) === word &&
      FutexWaiter.process.get(memory, waiter) === process
    ) {
      remove(memory, bucket, waiter);
      unpark(memory, FutexWaiter.parker.get(memory, waiter));
      woken++;
    }
    waiter = next;
  }
  FutexBucket.lock.release(memory, bucket);
  return woken;
}

function remove(memory: KernelMemory, bucket: number, waiter: number): void {
  const next = FutexWaiter.next.get(memory, waiter);
  const previous = FutexWaiter.previous.get(memory, waiter);
  if (previous === 0) FutexBucket.first.set(memory, bucket, next);
  else FutexWaiter.next.set(memory, previous, next);
  if (next === 0) FutexBucket.last.set(memory, bucket, previous);
  else FutexWaiter.previous.set(memory, next, previous);
  FutexWaiter.queued.set(memory, waiter, 0);
}
