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
  Process,
  Thread,
} from "../kernel/index.ts";
import { PROCESS_EXIT } from "./control.ts";
import type { SyscallContext } from "./context.ts";

/** Exit code of a process that a signal ended, as shells show it. */
export function exitCodeOfSignal(signal: number): number {
  return 128 + signal;
}

/** The export that takes the thread's signals: what its instance registered, else what the process's first registration named. */
function callbackOf({ memory, owner, signalCallback }: SyscallContext): string | undefined {
  return signalCallback ?? firstSignalCallback(memory, owner);
}

/** Whether a signal that is queued now would be handled by guest code. */
export function hasHandler(context: SyscallContext): boolean {
  const { memory, thread, guestPort } = context;
  const signalCallback = callbackOf(context);
  if (signalCallback === undefined || !guestPort.has(signalCallback)) return false;
  const queued = Thread.signals.load(memory, thread);
  return queued !== 0 && (queued & (1 << Signal.KILL)) === 0;
}

/** A signal for the guest, the export that takes it, and the bits of the signals that are being handled then (`Thread.handling`). */
interface Delivery {
  readonly signal: number;
  readonly callback: string;
  readonly handling: number;
}

/**
 * Takes the next queued signal that the guest handles; does itself what the others ask for. May throw a control outcome when one ends the process.
 *
 * @returns undefined when none is left for the guest
 */
function nextDelivery(context: SyscallContext): Delivery | undefined {
  const { memory, thread, guestPort } = context;
  const callback = callbackOf(context);
  for (;;) {
    const queued = Thread.signals.load(memory, thread) >>> 0;
    if (queued === 0) return undefined;
    const signal = 31 - Math.clz32(queued & -queued);
    const bit = 1 << signal;
    const handling = Thread.handling.get(memory, thread);
    const unblocked = callback !== undefined && guestPort.has(callback);
    if (signal === Signal.ABRT && isAbort(handling, unblocked))
      endBySignal(context, abortedBy(handling));
    if (signal !== Signal.KILL && callback !== undefined) {
      if (!unblocked) return undefined;
      Thread.signals.and(memory, thread, ~bit);
      return { signal, callback, handling: handling | bit };
    }
    Thread.signals.and(memory, thread, ~bit);
    const isIgnored = (Process.ignoredSignals.get(memory, context.owner) & bit) !== 0;
    if (signal === Signal.KILL || !(isIgnored || isIgnoredByDefault(signal)))
      endBySignal(context, signal);
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
    const before = Thread.handling.get(memory, thread);
    Thread.handling.set(memory, thread, delivery.handling);
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
      Thread.handling.set(memory, thread, before);
    }
    ran = true;
    if ((Thread.pending.load(memory, thread) & Pending.exit) !== 0) context.doPending();
  }
}

/** The same with each handler on a stack of its own, which can be suspended. */
export async function deliverSuspendably(context: SyscallContext): Promise<void> {
  const { memory, thread, guestPort } = context;
  Thread.pending.and(memory, thread, ~Pending.signal);
  for (;;) {
    const delivery = nextDelivery(context);
    if (delivery === undefined) return;
    const before = Thread.handling.get(memory, thread);
    Thread.handling.set(memory, thread, delivery.handling);
    context.leave();
    try {
      await guestPort.callSuspendably(delivery.callback, delivery.signal);
    } catch (error) {
      context.guestFailure = error;
      throw error;
    } finally {
      context.claim();
      Thread.handling.set(memory, thread, before);
    }
    if ((Thread.pending.load(memory, thread) & Pending.exit) !== 0) context.doPending();
  }
}

/** Ends the process as a signal's default action does. */
function endBySignal(context: SyscallContext, signal: number): never {
  const { kernel, owner } = context;
  exitProcess(kernel, owner, exitCodeOfSignal(signal), EndReason.signalled, signal);
  throw PROCESS_EXIT;
}

/**
 * Whether a SIGABRT comes from the default action of another signal, or its own: in the C library these call `abort`, which raises it, with signals blocked
 * or not. A handler of the program's own runs unblocked, and may raise it once.
 */
function isAbort(handling: number, unblocked: boolean): boolean {
  return (handling & (1 << Signal.ABRT)) !== 0 || (handling !== 0 && !unblocked);
}

/** The signal whose default action it then is: the one that is being handled beside SIGABRT, if there is one. */
function abortedBy(handling: number): number {
  const others = handling & ~(1 << Signal.ABRT);
  return others === 0 ? Signal.ABRT : 31 - Math.clz32(others & -others);
}
