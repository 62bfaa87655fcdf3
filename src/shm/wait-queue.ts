/**
 * Who to wake when an object changes.
 *
 * A queue belongs to an object (pipe, process, socket). A waiter puts an entry in, looks at the object once more, and parks; whoever changes the
 * object wakes the entries that asked for that kind of change. Entries know a parker and a mask of events, not threads. Being woken does
 * not remove an entry: its owner does, on every way out.
 *
 * Lock: `lock`, rank WaitQueue. Wake-ups are sent after the lock of the object itself was let go.
 */
import { address, block, layout, mutex, u32 } from "./layout.ts";
import type { KernelMemory } from "./memory.ts";
import { unpark, wakeAll } from "./park.ts";
import { Rank } from "./ranks.ts";

export const WaitQueue = layout("WaitQueue", {
  lock: mutex(Rank.WaitQueue),
  /** First entry or 0: guarded by lock, but read without it to see that nobody waits. */
  first: address,
});

/** Room for a queue inside another layout. */
export const waitQueue = () => block(WaitQueue.bytes);

/** One waiter in one queue. The links are guarded by the queue's lock; the rest belongs to the waiter. */
export const WaitEntry = layout("WaitEntry", {
  next: address,
  previous: address,
  /** The queue it is in, or 0. */
  queue: address,
  parker: address,
  /** Which changes it asks for. */
  mask: u32,
  /** The waiter's own: what it waits for and holds, and its next entry (calls that wait for several objects). */
  file: address,
  nextHeld: address,
});

/** Puts an entry in a queue. */
export function subscribe(
  memory: KernelMemory,
  queue: number,
  entry: number,
  parker: number,
  mask: number,
): void {
  WaitEntry.parker.set(memory, entry, parker);
  WaitEntry.mask.set(memory, entry, mask);
  WaitQueue.lock.acquire(memory, queue);
  const first = WaitQueue.first.get(memory, queue);
  WaitEntry.next.set(memory, entry, first);
  WaitEntry.previous.set(memory, entry, 0);
  WaitEntry.queue.set(memory, entry, queue);
  if (first !== 0) WaitEntry.previous.set(memory, first, entry);
  WaitQueue.first.set(memory, queue, entry);
  WaitQueue.lock.release(memory, queue);
}

/** Takes an entry out of the queue it is in, if any. After it no wake-up of that queue reaches the parker. */
export function unsubscribe(memory: KernelMemory, entry: number): void {
  const queue = WaitEntry.queue.get(memory, entry);
  if (queue === 0) return;
  WaitQueue.lock.acquire(memory, queue);
  const next = WaitEntry.next.get(memory, entry);
  const previous = WaitEntry.previous.get(memory, entry);
  if (previous === 0) WaitQueue.first.set(memory, queue, next);
  else WaitEntry.next.set(memory, previous, next);
  if (next !== 0) WaitEntry.previous.set(memory, next, previous);
  WaitEntry.queue.set(memory, entry, 0);
  WaitQueue.lock.release(memory, queue);
}

/** Wakes every waiter that asked for one of the changes in `mask`. Costs one load when nobody waits. */
export function wakeQueue(memory: KernelMemory, queue: number, mask: number): void {
  if (!hasWaiters(memory, queue)) return;
  WaitQueue.lock.acquire(memory, queue);
  let entry = WaitQueue.first.get(memory, queue);
  while (entry !== 0) {
    if ((WaitEntry.mask.get(memory, entry) & mask) !== 0)
      unpark(memory, WaitEntry.parker.get(memory, entry));
    entry = WaitEntry.next.get(memory, entry);
  }
  WaitQueue.lock.release(memory, queue);
}

/** Whether anyone waits in a queue: a hint, except where the caller knows that no waiter can come. */
export function hasWaiters(memory: KernelMemory, queue: number): boolean {
  // Atomic, or the processor may look here before the change that the caller made before is seen: the waiter would miss both.
  return Atomics.load(memory.u32, (queue + WaitQueue.first.offset) >>> 2) !== 0;
}

/** Makes every waiter of a queue look again whose wake-up came with a restored snapshot, in the word alone. */
export function notifyQueue(memory: KernelMemory, queue: number): void {
  for (
    let entry = WaitQueue.first.get(memory, queue);
    entry !== 0;
    entry = WaitEntry.next.get(memory, entry)
  )
    wakeAll(memory, WaitEntry.parker.get(memory, entry));
}
