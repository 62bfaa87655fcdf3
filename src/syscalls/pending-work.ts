/**
 * Pending work: what waits for a thread until its next call, or ends its sleep (`Thread.pending`): the end of its process, a stop, signals.
 *
 * A handler of a signal is guest code, at which the agent may be ended. So none runs while the call holds anything: a wait that it cuts short only notes that
 * (`isInterrupted`), and the handler runs where nothing is held: at the end of the call (`SyscallContext.finish`), or within it (`handleInterrupt`).
 */
import { Pending, Resumption, Thread } from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";
import { CALL_AGAIN, PROCESS_EXIT } from "./control.ts";
import { deliverSignals, hasHandler } from "./signal-delivery.ts";
import { stayStopped } from "./stay-stopped.ts";

/** Before a call. Handlers that can be given a stack of their own are left to the caller, which makes the call. May throw a control outcome. */
export function doPendingFirst(context: SyscallContext): void {
  const { call, memory, resumes, stacks, thread } = context;
  // Signals that end a wait end it as if it had gone on all the time: the call itself looks for them.
  if (resumes && (Thread.pending.load(memory, thread) & Pending.exit) === 0) return;
  if (stacks?.canSuspend !== true) {
    doPending(context);
    const isStopped = (Thread.pending.load(memory, thread) & Pending.stop) !== 0;
    if (isStopped && call !== undefined) throw CALL_AGAIN;
    return;
  }
  context.handlersFirst = isInterrupted(context);
  context.wasInterrupted = false;
}

/**
 * Leaves the guest if the process ends, stays while it is stopped, runs handlers of queued signals. Nothing may be held. May throw a control outcome.
 *
 * @param resumption `Resumption`: where in the call this is, with the answer if it has one
 * @returns whether a handler of the program's own ran
 */
export function doPending(
  context: SyscallContext,
  resumption: number = Resumption.begins,
  answer = 0,
): boolean {
  const pending = Thread.pending.load(context.memory, context.thread);
  if ((pending & Pending.stop) !== 0 && !stayStopped(context)) return false;
  if ((pending & Pending.exit) !== 0) throw PROCESS_EXIT;
  if ((pending & Pending.signal) === 0) return false;
  if (context.stacks?.canSuspend !== true || !hasHandler(context))
    return deliverSignals(context, resumption, answer);
  // The handler gets a stack of its own when the call ends.
  context.wasInterrupted = true;
  return false;
}

/**
 * During a wait, which holds things: does the pending work that runs no guest code, and sees whether there is a handler to run. May throw a control outcome.
 *
 * @returns whether the wait is to end so that a handler can run
 */
export function isInterrupted(context: SyscallContext): boolean {
  if (context.handlerRan === true) return (context.wasInterrupted = true);
  const pending = Thread.pending.load(context.memory, context.thread);
  if (pending === 0) return false;
  if ((pending & Pending.stop) !== 0 && !stayStopped(context)) return false;
  if ((pending & Pending.exit) !== 0 || !hasHandler(context)) {
    doPending(context);
    return false;
  }
  context.wasInterrupted = true;
  return true;
}

/** Near the end of a call by which signals may have come to its own thread: their handlers run when it has its answer (`SyscallContext.finish`). */
export function notePending(context: SyscallContext): void {
  isInterrupted(context);
}

/**
 * Runs the handlers that `isInterrupted` told of before the end of the call, which goes on afterwards. Nothing may be held but what stands in the thread's
 * record. Where stacks can be suspended they get stacks of their own instead (`deliverSuspendably`).
 *
 * @returns whether one was the program's own
 */
export function handleInterrupt(context: SyscallContext): boolean {
  const ran = context.handlerRan === true;
  context.handlerRan = undefined;
  context.wasInterrupted = false;
  return doPending(context, ran ? Resumption.waitsNoMore : Resumption.waits) || ran;
}
