/**
 * Delivery of queued signals to the guest: at every syscall and after every sleep (`abi/semantics.md` §5).
 *
 * A program that registered a callback (`callback_signal`) gets each signal as a call of that export; its C library keeps masks,
 * dispositions and default actions. While the name it gave has no export ("blocked") signals stay queued. A program without a callback gets POSIX's
 * default actions here.
 */
import { Signal } from "../abi/enums.ts";
import {
  actByDefault,
  firstSignalCallback,
  isIgnoredByDefault,
  Pending,
  Process,
  stopsByDefault,
  Thread,
} from "../kernel/index.ts";
import { HANDLER_END, PROCESS_EXIT } from "./control.ts";
import type { SyscallContext } from "./context.ts";

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
    if (signal === Signal.ABRT && isAbort(handling, unblocked)) {
      Thread.signals.and(memory, thread, ~bit);
      act(context, abortedBy(handling));
      // It was stopped, and goes on; the handler would not.
      throw HANDLER_END;
    }
    if (signal !== Signal.KILL && callback !== undefined) {
      if (!unblocked) return undefined;
      Thread.signals.and(memory, thread, ~bit);
      return { signal, callback, handling: handling | bit };
    }
    Thread.signals.and(memory, thread, ~bit);
    if (signal === Signal.KILL || (Process.ignoredSignals.get(memory, context.owner) & bit) === 0)
      act(context, signal);
  }
}

/** Puts by what a handler changes that does not come back from its end: see `HANDLER_END`. */
function beginHandler(context: SyscallContext, { handling }: Delivery): (error?: unknown) => void {
  const { memory, thread, guestPort, signalCallback } = context;
  const before = Thread.handling.get(memory, thread);
  const stackPointer = guestPort.stackPointer;
  Thread.handling.set(memory, thread, handling);
  context.leave();
  return (error) => {
    context.claim();
    Thread.handling.set(memory, thread, before);
    if (error === HANDLER_END) {
      context.signalCallback = signalCallback;
      guestPort.stackPointer = stackPointer;
    } else if (error !== undefined) {
      context.guestFailure = error;
      throw error;
    }
    if ((Thread.pending.load(memory, thread) & Pending.exit) !== 0) context.doPending();
  };
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
    const end = beginHandler(context, delivery);
    context.innerEntries++;
    let thrown: unknown;
    try {
      guestPort.call(delivery.callback, delivery.signal);
    } catch (error) {
      thrown = error;
    }
    context.innerEntries--;
    end(thrown);
    ran = true;
  }
}

/** The same with each handler on a stack of its own, which can be suspended. */
export async function deliverSuspendably(context: SyscallContext): Promise<void> {
  const { memory, thread, guestPort } = context;
  Thread.pending.and(memory, thread, ~Pending.signal);
  for (;;) {
    const delivery = nextDelivery(context);
    if (delivery === undefined) return;
    const end = beginHandler(context, delivery);
    let thrown: unknown;
    try {
      await guestPort.callSuspendably(delivery.callback, delivery.signal);
    } catch (error) {
      thrown = error;
    }
    end(thrown);
  }
}

/** Does what is a signal's default action. Returns only where the process goes on. */
function act(context: SyscallContext, signal: number): void {
  const { kernel, owner } = context;
  if (isIgnoredByDefault(signal)) return;
  actByDefault(kernel, owner, signal);
  if (!stopsByDefault(signal)) throw PROCESS_EXIT;
  context.stayStopped();
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
