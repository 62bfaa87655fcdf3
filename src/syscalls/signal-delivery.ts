/**
 * Delivery of queued signals to the guest: at every syscall and after every sleep (`abi/semantics.md` §5).
 *
 * A program that registered a callback (`callback_signal`) gets each signal as a call of that export; its C library keeps masks,
 * dispositions and default actions. While the name it gave has no export ("blocked") signals stay queued. A program without a callback gets POSIX's
 * default actions here.
 */
import { Signal } from "../abi/enums.ts";
import {
  EndReason,
  exitProcess,
  firstSignalCallback,
  isIgnoredByDefault,
  Pending,
  Thread,
} from "../kernel/index.ts";
import { PROCESS_EXIT } from "./control.ts";
import type { SyscallContext } from "./context.ts";

/** Exit code of a process that a signal ended, as shells show it. */
export function exitCodeOfSignal(signal: number): number {
  return 128 + signal;
}

/** The export that takes the thread's signals: what its instance registered, else what the process's first registration named. */
function callbackOf({ memory, process, signalCallback }: SyscallContext): string | undefined {
  return signalCallback ?? firstSignalCallback(memory, process);
}

/** Whether a signal that is queued now would be handled by guest code. */
export function hasHandler(context: SyscallContext): boolean {
  const { memory, thread, guestPort } = context;
  const signalCallback = callbackOf(context);
  if (signalCallback === undefined || !guestPort.has(signalCallback)) return false;
  const queued = Thread.signals.load(memory, thread);
  return queued !== 0 && (queued & (1 << Signal.KILL)) === 0;
}

/**
 * Hands queued signals to the guest. The caller holds nothing: handlers are guest code, at which the agent may be ended. May throw a control outcome when one ends the process.
 *
 * @returns whether a handler ran
 */
export function deliverSignals(context: SyscallContext): boolean {
  const { memory, thread, guestPort } = context;
  const signalCallback = callbackOf(context);
  Thread.pending.and(memory, thread, ~Pending.signal);
  let ran = false;
  for (;;) {
    const queued = Thread.signals.load(memory, thread) >>> 0;
    if (queued === 0) return ran;
    const signal = 31 - Math.clz32(queued & -queued);
    const bit = 1 << signal;
    if (signal === Signal.KILL || signalCallback === undefined) {
      Thread.signals.and(memory, thread, ~bit);
      if (!isIgnoredByDefault(signal)) {
        exitProcess(
          context.kernel,
          context.process,
          exitCodeOfSignal(signal),
          EndReason.signalled,
          signal,
        );
        throw PROCESS_EXIT;
      }
      continue;
    }
    Thread.signals.and(memory, thread, ~bit);
    context.leave();
    context.handlerDepth++;
    let called: boolean;
    try {
      called = guestPort.call(signalCallback, signal);
    } catch (error) {
      context.guestFailure = error;
      throw error;
    } finally {
      context.handlerDepth--;
      context.claim();
    }
    if (!called) {
      Thread.signals.or(memory, thread, bit);
      return ran;
    }
    ran = true;
    if ((Thread.pending.load(memory, thread) & Pending.exit) !== 0) context.doPending();
  }
}
