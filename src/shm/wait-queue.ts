/**
 * Who to wake when an object changes.
 *
 * A queue belongs to an object (pipe, process, terminal). A waiter puts an entry in, looks at the object once more, and parks; a change of the
 * object wakes the entries that asked for that kind of change. Entries know a parker and a mask of events, not threads. Being woken does
 * not remove an entry: its owner does, on every way out.
 *
 * An object that itself waits for many others, beyond the end of a call, puts in relay entries instead: a wake-up is then noted with the object's
 * relay and passed on to those who wait for the object. No two queues are locked at once for that, so relays may watch objects that have relays.
 *
 * Lock: `lock`, rank WaitQueue. Wake-ups are sent after the lock of the object itself was let go.
 */
import { address, atomic32, block, layout, mutex, u32 } from "./layout.ts";
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

const waitEntryFields = {
  next: address,
  previous: address,
  /** The queue it is in, or 0. */
  queue: address,
  /** Whom to wake; 0 in relay entries. */
  parker: address,
  /** Which changes it asks for. */
  mask: u32,
};

/** One waiter in one queue. The links are guarded by the queue's lock; the rest belongs to the waiter. */
export const WaitEntry = layout("WaitEntry", {
  ...waitEntryFields,
  /** The waiter's own: what it waits for and holds, and its next entry (calls that wait for several objects). */
  file: address,
  nextHeld: address,
});

/** What an object has that waits for many others. The object holds one count; an agent that passes a wake-up on holds another meanwhile. */
export const Relay = layout("Relay", {
  refs: atomic32,
  /** Entries that were woken since the object looked last, linked by `firedNext`: anyone pushes, the object takes all at once. No lock. */
  fired: atomic32,
  /** Who waits for the object. */
  waiters: waitQueue(),
});

/** An entry whose wake-ups are passed on. Records of owners begin with these fields. */
export const relayEntryFields = {
  ...waitEntryFields,
  /** Immutable while the entry is in a queue. */
  relay: address,
  /** 1 from a wake-up until the owner has taken the entry from the relay's list. */
  isFired: atomic32,
  /** Written by the one waker that set `isFired`. */
  firedNext: address,
};

export const RelayEntry = layout("RelayEntry", relayEntryFields);

/** Puts an entry in a queue. */
export function subscribe(
  memory: KernelMemory,
  queue: number,
  entry: number,
  parker: number,
  mask: number,
): void {
  WaitEntry.parker.set(memory, entry, parker);
  insert(memory, queue, entry, mask);
}

/** Puts a relay entry in a queue. */
export function subscribeRelay(
  memory: KernelMemory,
  queue: number,
  entry: number,
  relay: number,
  mask: number,
): void {
  WaitEntry.parker.set(memory, entry, 0);
  RelayEntry.relay.set(memory, entry, relay);
  insert(memory, queue, entry, mask);
}

function insert(memory: KernelMemory, queue: number, entry: number, mask: number): void {
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
  let relays: number[] | undefined;
  WaitQueue.lock.acquire(memory, queue);
  let entry = WaitQueue.first.get(memory, queue);
  while (entry !== 0) {
    if ((WaitEntry.mask.get(memory, entry) & mask) !== 0) {
      const parker = WaitEntry.parker.get(memory, entry);
      if (parker !== 0) unpark(memory, parker);
      else {
        const relay = RelayEntry.relay.get(memory, entry);
        if (fire(memory, relay, entry)) (relays ??= []).push(relay);
      }
    }
    entry = WaitEntry.next.get(memory, entry);
  }
  WaitQueue.lock.release(memory, queue);
  if (relays === undefined) return;
  for (const relay of relays) {
    wakeQueue(memory, Relay.waiters.at(relay), EVERY_CHANGE);
    dropRelay(memory, relay);
  }
}

/** A mask that asks for everything. */
const EVERY_CHANGE = -1;

/**
 * Notes a wake-up with the relay and takes a count of it: the entry keeps it alive only while the queue is locked.
 *
 * @returns false when the last wake-up has not been looked at yet: then nobody need be told of another
 */
function fire(memory: KernelMemory, relay: number, entry: number): boolean {
  if (RelayEntry.isFired.exchange(memory, entry, 1) !== 0) return false;
  for (;;) {
    const head = Relay.fired.load(memory, relay);
    RelayEntry.firedNext.set(memory, entry, head >>> 0);
    if (Relay.fired.compareExchange(memory, relay, head, entry | 0) === head) break;
  }
  Relay.refs.add(memory, relay, 1);
  return true;
}

/** Calls `take` for each entry that was woken since the last time, in no order. The caller is the only one who takes. */
export function takeFired(
  memory: KernelMemory,
  relay: number,
  take: (entry: number) => void,
): void {
  if (Relay.fired.load(memory, relay) === 0) return;
  let entry = Relay.fired.exchange(memory, relay, 0) >>> 0;
  while (entry !== 0) {
    const next = RelayEntry.firedNext.get(memory, entry);
    // From here on the entry may be fired again, and its link be another's.
    RelayEntry.isFired.store(memory, entry, 0);
    take(entry);
    entry = next;
  }
}

/** Makes a relay with a count of one; 0 when the kernel heap is full. */
export function makeRelay(memory: KernelMemory): number {
  const relay = Relay.allocate(memory);
  if (relay !== 0) Relay.refs.store(memory, relay, 1);
  return relay;
}

/** Drops one count of a relay; the last one frees it. */
export function dropRelay(memory: KernelMemory, relay: number): void {
  if (Relay.refs.add(memory, relay, -1) === 1) Relay.free(memory, relay);
}

/** Whether anyone waits in a queue: a hint, except where the caller knows that no waiter can come. */
function hasWaiters(memory: KernelMemory, queue: number): boolean {
  // Atomic, or the processor may look here before the change that the caller made before is seen: the waiter would miss both.
  return memory.code.load((queue + WaitQueue.first.offset) | 0) !== 0;
}

/** Makes every waiter of a queue look again whose wake-up came with a restored snapshot, in the word alone. */
export function notifyQueue(memory: KernelMemory, queue: number): void {
  for (
    let entry = WaitQueue.first.get(memory, queue);
    entry !== 0;
    entry = WaitEntry.next.get(memory, entry)
  ) {
    const parker = WaitEntry.parker.get(memory, entry);
    if (parker !== 0) wakeAll(memory, parker);
  }
}
