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
  DEFAULT_ACTION,
  firstSignalCallback,
  isIgnoredByDefault,
  Pending,
  Process,
  IGNORED_BY_DEFAULT,
  Resumption,
  stopsByDefault,
  Thread,
} from "../kernel/index.ts";
import { HANDLER_END, PROCESS_EXIT } from "./control.ts";
import type { SyscallContext } from "./context.ts";
import type { UnwindingCall } from "./port.ts";
import { stayStopped } from "./stay-stopped.ts";

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

/** Whether all queued signals are ones that do nothing by default. */
export function hasQuietSignals({ memory, thread }: SyscallContext): boolean {
  return (Thread.signals.load(memory, thread) & ~IGNORED_BY_DEFAULT) === 0;
}

/**
 * A program names an export for its signals, or one that does not exist, to have them wait. The C library does the latter at the start of each default
 * action, which is the only way to tell one that does nothing from a handler of the program's own.
 */
export function noteSignalCallback(context: SyscallContext, name: string): void {
  const { memory, thread, guestPort } = context;
  context.signalCallback = name;
  const handling = Thread.handling.get(memory, thread);
  if (handling !== 0 && !guestPort.has(name))
    Thread.handling.set(memory, thread, handling | DEFAULT_ACTION);
}

/** What a handler changes that does not come back from its end (`HANDLER_END`), and what it interrupts. */
export interface Interruption {
  readonly signal: number;
  /** The export that handles it. */
  readonly callback: string;
  /** The call in which it came, where that unwinds: else the handler's stack cannot be taken apart. */
  readonly call: UnwindingCall | undefined;
  /** Where the stack of that call is suspended: how many bytes its frames write when they are taken apart. */
  readonly frames: number | undefined;
  /** `Resumption`, and the answer of a call that had ended. */
  readonly resumption: number;
  readonly answer: number;
  /** Of the thread's record. */
  readonly handling: number;
  readonly callBegan: number;
  readonly callMoved: number;
  readonly signalCallback: string | undefined;
  readonly stackPointer: number | undefined;
}

/** Where signals are handled. */
export type Interrupted = Pick<Interruption, "call" | "frames" | "resumption" | "answer">;

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
      return { signal, callback, handling: (handling & ~DEFAULT_ACTION) | bit };
    }
    Thread.signals.and(memory, thread, ~bit);
    if (signal === Signal.KILL || (Process.ignoredSignals.get(memory, context.owner) & bit) === 0)
      act(context, signal);
  }
}

/** Begins to handle a signal; the agent is in the guest then. */
function beginHandler(
  context: SyscallContext,
  { signal, callback, handling }: Delivery,
  interrupted: Interrupted,
): Interruption {
  const { memory, thread, guestPort, signalCallback } = context;
  const interruption = {
    signal,
    callback,
    ...interrupted,
    handling: Thread.handling.get(memory, thread),
    callBegan: Thread.callBegan.get(memory, thread),
    callMoved: Thread.callMoved.get(memory, thread),
    signalCallback,
    stackPointer: guestPort.stackPointer,
  };
  Thread.handling.set(memory, thread, handling);
  context.interruptions.push(interruption);
  context.call = undefined;
  context.leave();
  return interruption;
}

/**
 * After a handler has returned or thrown: puts back what is to be as before.
 *
 * @returns whether it was the program's own
 */
function endHandler(context: SyscallContext, interruption: Interruption, thrown: unknown): boolean {
  const { memory, thread, guestPort } = context;
  const { handling, callBegan, callMoved, signalCallback, stackPointer } = interruption;
  context.interruptions.pop();
  context.call = interruption.call;
  context.claim();
  const wasOwn = (Thread.handling.get(memory, thread) & DEFAULT_ACTION) === 0;
  Thread.handling.set(memory, thread, handling);
  Thread.callBegan.set(memory, thread, callBegan);
  Thread.callMoved.set(memory, thread, callMoved);
  if (thrown === HANDLER_END) {
    context.signalCallback = signalCallback;
    guestPort.stackPointer = stackPointer;
  } else if (thrown !== undefined) {
    context.guestFailure = thrown;
    throw thrown;
  }
  if ((Thread.pending.load(memory, thread) & Pending.exit) !== 0) throw PROCESS_EXIT;
  return wasOwn;
}

/**
 * Hands queued signals to the guest, within the call that is made. The caller holds nothing: handlers are guest code, at which the agent may be ended. May
 * throw a control outcome when one ends the process, or when the stack is taken apart in a handler.
 *
 * @param resumption `Resumption`: where in the call this is, with the answer if it has one
 * @returns whether a handler of the program's own ran
 */
export function deliverSignals(
  context: SyscallContext,
  resumption: number,
  answer: number,
): boolean {
  const { memory, thread, guestPort } = context;
  Thread.pending.and(memory, thread, ~Pending.signal);
  let ran = false;
  for (;;) {
    const delivery = nextDelivery(context);
    if (delivery === undefined) return ran;
    const { call } = context;
    const after = ran ? afterHandler(resumption) : resumption;
    const interruption = beginHandler(context, delivery, {
      call,
      frames: undefined,
      resumption: after,
      answer,
    });
    context.innerEntries++;
    let thrown: unknown;
    try {
      guestPort.call(delivery.callback, delivery.signal);
    } catch (error) {
      thrown = error;
    }
    context.innerEntries--;
    if (thrown === undefined && context.unwinding?.isUnwinding === true)
      context.unwinding.leaveHandler();
    if (endHandler(context, interruption, thrown)) ran = true;
  }
}

/** How a call goes on in which one of the program's own handlers has run, and another is to. */
const afterHandler = (resumption: number): number =>
  resumption === Resumption.waits ? Resumption.waitsNoMore : resumption;

/** The same with each handler on a stack of its own, which can be suspended; that of the call is suspended meanwhile. */
export async function deliverSuspendably(
  context: SyscallContext,
  interrupted: Interrupted,
): Promise<boolean> {
  const { memory, thread, guestPort } = context;
  Thread.pending.and(memory, thread, ~Pending.signal);
  let ran = false;
  for (;;) {
    const delivery = nextDelivery(context);
    if (delivery === undefined) return ran;
    const resumption = ran ? afterHandler(interrupted.resumption) : interrupted.resumption;
    const interruption = beginHandler(context, delivery, { ...interrupted, resumption });
    let thrown: unknown;
    try {
      await guestPort.callSuspendably(delivery.callback, delivery.signal);
    } catch (error) {
      thrown = error;
    }
    if (thrown === undefined && context.unwinding?.isUnwinding === true)
      context.unwinding.leaveHandler();
    if (endHandler(context, interruption, thrown)) ran = true;
  }
}

/** Whether the innermost handler that runs is a default action of the C library's. */
export function isInDefaultAction({ memory, thread }: SyscallContext): boolean {
  return (Thread.handling.get(memory, thread) & DEFAULT_ACTION) !== 0;
}

/** How the C library begins to tell of a default action on standard error, before it calls `abort`. */
const TELLING = "Program recieved ";

/** Before it writes that: ends the process where the default action of its signal does so, of which its parent tells, if anybody. */
export function actUntold(context: SyscallContext, fd: number, list: number, count: number): void {
  const { guest, guestPort, memory, thread } = context;
  const callback = callbackOf(context);
  if (fd !== 2 || count === 0 || (callback !== undefined && guestPort.has(callback))) return;
  if (guest.text(guest.pointerAt(list >>> 0), TELLING.length) !== TELLING) return;
  const signal = abortedBy(Thread.handling.get(memory, thread));
  if (!stopsByDefault(signal)) act(context, signal);
}

/** Does what is a signal's default action. Returns only where the process goes on. */
function act(context: SyscallContext, signal: number): void {
  const { kernel, owner } = context;
  if (isIgnoredByDefault(signal)) return;
  actByDefault(kernel, owner, signal);
  if (!stopsByDefault(signal)) throw PROCESS_EXIT;
  stayStopped(context);
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
  const others = handling & ~((1 << Signal.ABRT) | DEFAULT_ACTION);
  return others === 0 ? Signal.ABRT : 31 - Math.clz32(others & -others);
}
