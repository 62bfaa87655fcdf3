/**
 * The blocking loop: the one place where a syscall sleeps.
 *
 *     try; if it would block: register as a waiter; try again; sleep; do what is pending; try again; …; unregister
 *
 * The second try matters: what happened between the first and the registration woke nobody. Every sleep ends by its event, its deadline, a signal
 * or the end of the process.
 *
 * A signal's handler is guest code: it may wait itself, or never return and be ended with its agent. So it never runs inside a wait, which holds
 * registrations and counts: the wait ends with EINTR, and the handler runs when the call holds nothing any more, before the guest sees its result.
 * Calls that signals do not cut short run it themselves (`handleInterrupt`) and wait again.
 */
import { Errno } from "../abi/errno.ts";
import { Thread } from "../kernel/index.ts";
import { park, subscribe, unsubscribe, WaitEntry } from "../shm/index.ts";
import { WOULD_BLOCK } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";

/** No deadline. */
export const FOREVER = Infinity;

/** Longest nap in milliseconds while waiting for something that cannot wake anybody: a host descriptor. */
const LONGEST_NAP = 10;

/**
 * Sleeps until `attempt` answers something else than WOULD_BLOCK. Nothing is registered: the caller has made sure that the thread's parker
 * is woken (futexes), or that a nap is enough.
 *
 * @param deadline on the monotonic clock, in milliseconds; @param nap longest single sleep in milliseconds
 * @returns the attempt's answer, ETIMEDOUT at the deadline, EINTR when a signal handler is to run
 */
export function sleepUntil(
  context: SyscallContext,
  deadline: number,
  attempt: () => number,
  nap = Infinity,
): number {
  const { kernel, memory, thread } = context;
  let pause = Math.min(nap, 1);
  for (;;) {
    const answer = attempt();
    if (answer !== WOULD_BLOCK) return answer;
    let left = Infinity;
    if (deadline !== FOREVER) {
      left = deadline - kernel.clock.monotonicMilliseconds();
      if (left <= 0) return Errno.ETIMEDOUT;
    }
    if (nap !== Infinity) {
      left = Math.min(left, pause);
      pause = Math.min(pause * 2, nap);
    }
    context.markSleeping();
    park(memory, thread, left);
    context.markAwake();
    if (context.isInterrupted()) return Errno.EINTR;
  }
}

/**
 * Waits on one object's queue; see `sleepUntil`. Queue 0 stands for an object that cannot wake: it is asked again from time to time.
 */
export function waitOn(
  context: SyscallContext,
  queue: number,
  mask: number,
  deadline: number,
  attempt: () => number,
): number {
  if (queue === 0) return sleepUntil(context, deadline, attempt, LONGEST_NAP);
  const { memory } = context;
  const entry = Thread.waitEntry.at(context.thread);
  subscribe(memory, queue, entry, context.thread, mask);
  try {
    return sleepUntil(context, deadline, attempt);
  } finally {
    unsubscribe(memory, entry);
  }
}

/**
 * Waits on many objects at once; queues of 0 are asked again from time to time.
 *
 * @returns as `sleepUntil`; ENOMEM when the kernel heap has no room for the registrations
 */
export function waitOnAll(
  context: SyscallContext,
  queues: readonly number[],
  mask: number,
  deadline: number,
  attempt: () => number,
): number {
  const { memory, thread } = context;
  const entries: number[] = [];
  let nap = Infinity;
  try {
    for (const queue of queues) {
      if (queue === 0) {
        nap = LONGEST_NAP;
        continue;
      }
      const entry = WaitEntry.allocate(memory);
      if (entry === 0) return Errno.ENOMEM;
      entries.push(entry);
      subscribe(memory, queue, entry, thread, mask);
    }
    return sleepUntil(context, deadline, attempt, nap);
  } finally {
    for (const entry of entries) {
      unsubscribe(memory, entry);
      WaitEntry.free(memory, entry);
    }
  }
}
