/** Ending, ids and signals of processes: `proc_*`. */
import { Errno } from "../abi/errno.ts";
import { Disposition, Signal } from "../abi/enums.ts";
import { SignalDisposition } from "../abi/layouts.ts";
import {
  addSignalCallback,
  dropProcess,
  emit,
  EndReason,
  EventKind,
  exitProcess,
  findProcess,
  Pending,
  Process,
  queueProcessSignal,
  queueSignal,
  Thread,
} from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";
import { PROCESS_EXIT } from "./control.ts";

/** Ends the process: every thread leaves. The first code that is recorded wins; one that is not zero taints. Does not return. */
export function proc_exit(context: SyscallContext, code: number): never {
  const { kernel, memory, process, thread } = context;
  if (exitProcess(kernel, process, code | 0, EndReason.exited) && code !== 0) {
    const pid = Process.id.get(memory, process);
    emit(kernel, EventKind.taint, pid, Thread.id.get(memory, thread), code | 0);
  }
  throw PROCESS_EXIT;
}

/** The same: no process here is the half-made child for which this call would return. */
export const proc_exit2 = proc_exit;

/** Writes the caller's pid. */
export function proc_id(context: SyscallContext, result: number): number {
  const { guest } = context;
  if (!guest.has(result, 4)) return Errno.EMEMVIOLATION;
  guest.view.setUint32(result >>> 0, Process.id.get(context.memory, context.process), true);
  return 0;
}

/** Writes the parent's pid, 0 when there is none; EBADF for an unknown pid, as the reference answers. */
export function proc_parent(context: SyscallContext, pid: number, result: number): number {
  const { guest, memory, kernel } = context;
  if (!guest.has(result, 4)) return Errno.EMEMVIOLATION;
  const process = findProcess(kernel, pid);
  if (process === 0) return Errno.EBADF;
  guest.view.setUint32(result >>> 0, Process.parent.get(memory, process), true);
  dropProcess(kernel, process);
  return 0;
}

/** Queues a signal for a thread and ends its wait. */
export function sendSignal(context: SyscallContext, thread: number, signal: number): void {
  queueSignal(context.memory, thread, signal);
}

/** Sends a signal to a process; ESRCH for an unknown pid, EINVAL for an unknown signal (kill(2)). */
export function proc_signal(context: SyscallContext, pid: number, signal: number): number {
  if (signal >>> 0 > Signal.SYS) return Errno.EINVAL;
  const process = findProcess(context.kernel, pid);
  if (process === 0) return Errno.ESRCH;
  if (signal !== 0) queueProcessSignal(context.memory, process, signal);
  dropProcess(context.kernel, process);
  context.doPending();
  return 0;
}

/** Sends a signal to the caller's process; handled before the call returns when it goes to the calling thread. */
export function proc_raise(context: SyscallContext, signal: number): number {
  if (signal >>> 0 > Signal.SYS) return Errno.EINVAL;
  if (signal !== 0) sendSignal(context, context.thread, signal);
  context.doPending();
  return 0;
}

/** Registers the export that takes signals. A name without such an export blocks them (`abi/semantics.md` §5). */
export function callback_signal(context: SyscallContext, name: number, length: number): void {
  const text = context.guest.text(name, length);
  if (text === undefined || length >>> 0 > 256) return;
  context.signalCallback = text;
  addSignalCallback(context.memory, context.process, text);
  if (Thread.signals.load(context.memory, context.thread) !== 0) {
    Thread.pending.or(context.memory, context.thread, Pending.signal);
    context.doPending();
  }
}

/** The dispositions that a process begins with. The C library sets up its default actions with the first it is given, and has none without. */
const DISPOSITIONS = [[Signal.CHLD, Disposition.DEFAULT]] as const;

/** Writes the number of signal dispositions: of a parent's none are passed on yet. */
export function proc_signals_sizes_get(context: SyscallContext, result: number): number {
  if (!context.guest.has(result, 4)) return Errno.EMEMVIOLATION;
  context.guest.view.setUint32(result >>> 0, DISPOSITIONS.length, true);
  return 0;
}

/** Writes the signal dispositions. */
export function proc_signals_get({ guest }: SyscallContext, buffer: number): number {
  const { $size, sig, disp } = SignalDisposition;
  if (!guest.has(buffer, DISPOSITIONS.length * $size)) return Errno.EMEMVIOLATION;
  for (const [index, [signal, disposition]] of DISPOSITIONS.entries()) {
    const at = (buffer >>> 0) + index * $size;
    guest.u8[at + sig] = signal;
    guest.u8[at + disp] = disposition;
  }
  return 0;
}
