/**
 * The blocking loop: the one place where a syscall sleeps.
 *
 *     try; if it would block: register as a waiter; try again; sleep; do what is pending; try again; …; unregister
 *
 * The second try matters: what happened between the first and the registration woke nobody. Every sleep ends by its event, its deadline, a signal
 * or the end of the process.
 *
 * A call that waits is a generator that yields how long it wants to sleep, so that the same code runs both ways there are to sleep: with its agent,
 * in place (`waitInPlace`), or as a suspended stack, while the agent runs others (`StackPort.suspend`). A call that need not wait makes no generator.
 *
 * A signal's handler is guest code: it may wait itself, or never return and be ended with its agent. So it never runs inside a wait, which holds
 * registrations and counts: the wait ends with EINTR, and the handler runs when the call holds nothing any more, before the guest sees its result.
 * Calls that signals do not cut short run it themselves (`RUN_HANDLERS`) and wait again. So do waits for files where nothing is queued but signals
 * that do nothing by default, as SIGCHLD: they end with EINTR only if the program had a handler of its own for one (signal(7)).
 *
 * What a sleeping call holds stands in its thread's record (`Thread.heldFile` and the next), since a suspended stack can be lost with its agent.
 */
import { Errno } from "../abi/errno.ts";
import { EventKind, Thread } from "../kernel/index.ts";
import { park, subscribe, unsubscribe, WaitEntry } from "../shm/index.ts";
import { WOULD_BLOCK } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";
import { handleInterrupt, isInterrupted } from "./pending-work.ts";
import { UNWINDS } from "./port.ts";
import { hasQuietSignals } from "./signal-delivery.ts";

/**
 * A call that waits: yields the longest sleep it wants in milliseconds, `RUN_HANDLERS`, or `GIVE_WAY`; returns its result. When it goes on, its thread is
 * awake again, for whatever reason.
 */
export type Waiting<Result> = Generator<number, Result, boolean>;

/** What a call answers: its result, or that later, where the guest's stack was suspended. */
export type Outcome = number | Promise<number>;

/**
 * Yielded where nothing is held but what stands in the thread's record: signal handlers are to run. The answer tells whether one was the program's own.
 * Where a handler does not return, the generator is thrown what it threw.
 */
export const RUN_HANDLERS = -1;

/** Yielded to let the agent's other stacks run first. */
export const GIVE_WAY = -2;

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
export function* sleepUntil(
  context: SyscallContext,
  deadline: number,
  attempt: () => number,
  nap = Infinity,
): Waiting<number> {
  const { kernel } = context;
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
    yield left;
    if (isInterrupted(context)) return Errno.EINTR;
  }
}

/**
 * Waits on one open file's queue; see `sleepUntil`. The caller's count of the file is noted as held meanwhile.
 */
export function* waitOnFile(
  context: SyscallContext,
  file: number,
  mask: number,
  deadline: number,
  attempt: () => number,
): Waiting<number> {
  const { memory, thread, vfs } = context;
  for (;;) {
    let ended: number;
    Thread.heldFile.set(memory, thread, file);
    try {
      const queue = vfs.operationsOf(file).waitQueueOf(vfs, file);
      ended = yield* waitOn(context, queue, mask, deadline, attempt);
    } finally {
      Thread.heldFile.set(memory, thread, 0);
    }
    if (ended !== Errno.EINTR || !hasQuietSignals(context)) return ended;
    const before = Thread.heldEntries.get(memory, thread);
    if (!holdFile(context, file)) return Errno.EINTR;
    try {
      if (yield RUN_HANDLERS) return Errno.EINTR;
    } finally {
      releaseHeld(context, before);
    }
  }
}

/**
 * Waits on one object's queue; see `sleepUntil`. Queue 0 stands for an object that cannot wake: it is asked again from time to time. What keeps the object
 * must be noted as held by the caller.
 */
export function* waitOn(
  context: SyscallContext,
  queue: number,
  mask: number,
  deadline: number,
  attempt: () => number,
): Waiting<number> {
  if (queue === 0) return yield* sleepUntil(context, deadline, attempt, LONGEST_NAP);
  const { memory, thread } = context;
  const entry = Thread.waitEntry.at(thread);
  subscribe(memory, queue, entry, thread, mask);
  try {
    return yield* sleepUntil(context, deadline, attempt);
  } finally {
    unsubscribe(memory, entry);
  }
}

/**
 * Waits on many open files at once; those without a queue are asked again from time to time. The caller's counts are noted as held meanwhile.
 *
 * @returns as `sleepUntil`; ENOMEM when the kernel heap has no room for the registrations
 */
export function* waitOnFiles(
  context: SyscallContext,
  files: readonly number[],
  mask: number,
  deadline: number,
  attempt: () => number,
): Waiting<number> {
  const { memory, thread } = context;
  const before = Thread.heldEntries.get(memory, thread);
  try {
    for (const file of files) if (!holdFile(context, file)) return Errno.ENOMEM;
    for (;;) {
      const nap = subscribeHeld(context, before, mask);
      const ended = yield* sleepUntil(context, deadline, attempt, nap);
      if (ended !== Errno.EINTR || !hasQuietSignals(context)) return ended;
      unsubscribeHeld(context, before);
      if (yield RUN_HANDLERS) return Errno.EINTR;
    }
  } finally {
    releaseHeld(context, before);
  }
}

/** Notes a file as held. False when the kernel heap has no room. */
function holdFile({ memory, thread }: SyscallContext, file: number): boolean {
  const entry = WaitEntry.allocate(memory);
  if (entry === 0) return false;
  WaitEntry.file.set(memory, entry, file);
  WaitEntry.nextHeld.set(memory, entry, Thread.heldEntries.get(memory, thread));
  Thread.heldEntries.set(memory, thread, entry);
  return true;
}

/**
 * Registers with every file noted since `before`.
 *
 * @returns the longest nap in milliseconds: not Infinity where a file cannot wake
 */
function subscribeHeld(context: SyscallContext, before: number, mask: number): number {
  const { memory, thread, vfs } = context;
  let nap = Infinity;
  for (
    let entry = Thread.heldEntries.get(memory, thread);
    entry !== before;
    entry = WaitEntry.nextHeld.get(memory, entry)
  ) {
    const file = WaitEntry.file.get(memory, entry);
    const queue = vfs.operationsOf(file).waitQueueOf(vfs, file);
    if (queue === 0) nap = LONGEST_NAP;
    else subscribe(memory, queue, entry, thread, mask);
  }
  return nap;
}

function unsubscribeHeld({ memory, thread }: SyscallContext, before: number): void {
  for (
    let entry = Thread.heldEntries.get(memory, thread);
    entry !== before;
    entry = WaitEntry.nextHeld.get(memory, entry)
  )
    unsubscribe(memory, entry);
}

/** Takes back what was noted since `before`; the counts stay the caller's. */
function releaseHeld({ memory, thread }: SyscallContext, before: number): void {
  for (;;) {
    const entry = Thread.heldEntries.get(memory, thread);
    if (entry === before) return;
    Thread.heldEntries.set(memory, thread, WaitEntry.nextHeld.get(memory, entry));
    unsubscribe(memory, entry);
    WaitEntry.free(memory, entry);
  }
}

/** Lets the agent's other stacks run before this one goes on: `sched_yield`. */
export function* giveWay(): Waiting<number> {
  yield GIVE_WAY;
  return 0;
}

/** Does a call that waits by putting the whole agent to sleep. */
export function waitInPlace(context: SyscallContext, waiting: Waiting<number>): number {
  const { memory, thread, sleeping } = context;
  let patience = sleeping === undefined ? Infinity : sleeping.patience;
  for (let ran = false; ;) {
    const step = waiting.next(ran);
    if (step.done === true) return step.value;
    if (context.resumes) {
      // It has been woken: it looks for what is pending first. From here on the call is as any other.
      context.resumes = false;
      if (context.handlerRan === false) context.handlerRan = undefined;
    } else if (step.value === RUN_HANDLERS) {
      try {
        ran = handleInterrupt(context);
      } catch (error) {
        waiting.throw(error);
      }
    } else if (step.value !== GIVE_WAY) {
      const { call, unwinding } = context;
      if (call?.restarts === true && unwinding?.capture(call.name, true) === true) return UNWINDS;
      context.tell(EventKind.threadSlept);
      context.markSleeping();
      const wasWoken = park(memory, thread, Math.min(step.value, patience));
      context.markAwake();
      if (!wasWoken && step.value > patience && sleeping !== undefined) {
        // What the call has registered stays: it goes on with that.
        if (sleeping.sleep(step.value - patience)) return UNWINDS;
        patience = Infinity;
      }
      context.tell(EventKind.threadWoken);
    }
  }
}
