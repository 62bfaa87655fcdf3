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

/** A signal for the guest, and the export that takes it. */
export interface Delivery {
  readonly signal: number;
  readonly callback: string;
}

/**
 * Takes the next queued signal that the guest handles; does itself what the others ask for. May throw a control outcome when one ends the process.
 *
 * @returns undefined when none is left for the guest
 */
export function nextDelivery(context: SyscallContext): Delivery | undefined {
  const { memory, thread, guestPort } = context;
  const callback = callbackOf(context);
  for (;;) {
    const queued = Thread.signals.load(memory, thread) >>> 0;
    if (queued === 0) return undefined;
    const signal = 31 - Math.clz32(queued & -queued);
    if (signal !== Signal.KILL && callback !== undefined) {
      if (!guestPort.has(callback)) return undefined;
      Thread.signals.and(memory, thread, ~(1 << signal));
      return { signal, callback };
    }
    Thread.signals.and(memory, thread, ~(1 << signal));
    if (isIgnoredByDefault(signal)) continue;
    exitProcess(
      context.kernel,
      context.process,
      exitCodeOfSignal(signal),
      EndReason.signalled,
      signal,
    );
    throw PROCESS_EXIT;
  }
}

/**
 * Hands queued signals to the guest, within the call that is made. The caller holds nothing: handlers are guest code, at which the agent may be ended. May
 * throw a control outcome when one ends the process.
 *
 * @returns whether a handler ran
 */
export function deliverSignals(context: SyscallContext): boolean {
  const { memory, thread, guestPort } = context;
  Thread.pending.and(memory, thread, ~Pending.signal);
  let ran = false;
  for (;;) {
    const delivery = nextDelivery(context);
    if (delivery === undefined) return ran;
    context.leave();
    context.innerEntries++;
    try {
      guestPort.call(delivery.callback, delivery.signal);
    } catch (error) {
      context.guestFailure = error;
      throw error;
    } finally {
      context.innerEntries--;
      context.claim();
    }
    ran = true;
    if ((Thread.pending.load(memory, thread) & Pending.exit) !== 0) context.doPending();
  }
}

/** The same with each handler on a stack of its own, which can be suspended. */
export async function deliverSuspendably(context: SyscallContext): Promise<void> {
  const { memory, guestPort } = context;
  Thread.pending.and(memory, context.thread, ~Pending.signal);
  for (;;) {
    const delivery = nextDelivery(context);
    if (delivery === undefined) return;
    context.leave();
    try {
      await guestPort.callSuspendably(delivery.callback, delivery.signal);
    } catch (error) {
      context.guestFailure = error;
      throw error;
    } finally {
      context.claim();
    }
    if ((Thread.pending.load(memory, context.thread) & Pending.exit) !== 0) context.doPending();
  }
}
