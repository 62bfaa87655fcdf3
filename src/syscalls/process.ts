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
  queueSignal,
  sendSignal,
  Thread,
  visitSession,
} from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";
import { notePending } from "./pending-work.ts";
import { noteSignalCallback } from "./signal-delivery.ts";
import { PROCESS_EXIT } from "./control.ts";
import { exitAsChild, goOnAsParent } from "./fork-return.ts";

/**
 * Ends the process: every thread leaves. The first code that is recorded wins; one that is not zero taints. Does not return. A child that shares its parent's
 * memory ends: the parent goes on from its `proc_fork`, or, where it called `proc_fork_env`, ends too, with code 129, as with the reference.
 */
export function proc_exit(context: SyscallContext, code: number): never {
  const { kernel, memory, owner, thread } = context;
  const isChild = exitAsChild(context, code | 0);
  if (isChild) goOnAsParent(context);
  const exitCode = isChild ? 129 : code | 0;
  if (exitProcess(kernel, owner, exitCode, EndReason.exited) && exitCode !== 0) {
    const pid = Process.id.get(memory, owner);
    emit(
      kernel,
      EventKind.taint,
      pid,
      Thread.id.get(memory, thread),
      exitCode,
      `exit code ${exitCode | 0}`,
    );
  }
  throw PROCESS_EXIT;
}

/** The same; but where the caller is a child that shares its parent's memory, that child ends, and the call returns to the parent. */
export function proc_exit2(context: SyscallContext, code: number): void {
  if (!exitAsChild(context, code | 0)) proc_exit(context, code);
  goOnAsParent(context);
}

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
export function sendToThread(context: SyscallContext, thread: number, signal: number): void {
  queueSignal(context.memory, thread, signal);
}

/**
 * Sends a signal to a process, or to several (kill(2)): 0 means all of the caller's session, -1 all of it but the caller, another negative number the
 * session of that number. ESRCH where there is none, EINVAL for an unknown signal. What comes to the calling thread is handled before the call returns.
 */
export function proc_signal(context: SyscallContext, pid: number, signal: number): number {
  if (signal >>> 0 > Signal.SYS) return Errno.EINVAL;
  const sent = pid > 0 ? sendToOne(context, pid, signal) : sendToMany(context, pid, signal);
  notePending(context);
  return sent ? 0 : Errno.ESRCH;
}

function sendToOne({ kernel }: SyscallContext, pid: number, signal: number): boolean {
  const process = findProcess(kernel, pid);
  if (process === 0) return false;
  if (signal !== 0) sendSignal(kernel, process, signal);
  dropProcess(kernel, process);
  return true;
}

function sendToMany(
  { kernel, memory, process }: SyscallContext,
  pid: number,
  signal: number,
): boolean {
  const session = pid < -1 ? -pid : Process.session.get(memory, process);
  const count = visitSession(kernel, session, (one) => {
    if (signal !== 0 && (pid !== -1 || one !== process)) sendSignal(kernel, one, signal);
  });
  return count > (pid === -1 ? 1 : 0);
}

/** Sends a signal to the caller's process; handled before the call returns when it goes to the calling thread. */
export function proc_raise(context: SyscallContext, signal: number): number {
  if (signal >>> 0 > Signal.SYS) return Errno.EINVAL;
  raise(context, context.thread, signal);
  notePending(context);
  return 0;
}

/** Sends a signal to a thread of the caller's process. Those that no program handles are for all of it. */
export function raise(context: SyscallContext, thread: number, signal: number): void {
  const { kernel, owner } = context;
  if (signal === Signal.KILL || signal === Signal.STOP || signal === Signal.CONT)
    sendSignal(kernel, owner, signal);
  else if (signal !== 0) sendToThread(context, thread, signal);
}

/** Registers the export that takes signals. A name without such an export blocks them (`abi/semantics.md` §5). */
export function callback_signal(context: SyscallContext, name: number, length: number): void {
  const text = context.guest.text(name, length);
  if (text === undefined || length >>> 0 > 256) return;
  noteSignalCallback(context, text);
  addSignalCallback(context.memory, context.owner, text);
  if (Thread.signals.load(context.memory, context.thread) !== 0) {
    Thread.pending.or(context.memory, context.thread, Pending.signal);
    notePending(context);
  }
}

/**
 * The signals that a program is told of at its start. The C library sets up its default actions with the first it is given, and has none without: so one is
 * always told.
 */
function listDispositions({ memory, process }: SyscallContext): (readonly [number, number])[] {
  const ignored = Process.ignoredSignals.get(memory, process);
  const list: (readonly [number, number])[] = [];
  for (let signal = 1; signal <= Signal.SYS; signal++)
    if ((ignored & (1 << signal)) !== 0) list.push([signal, Disposition.IGNORE]);
  if (list.length === 0) list.push([Signal.CHLD, Disposition.DEFAULT]);
  return list;
}

/** Writes the number of signal dispositions: those that the program was started with. */
export function proc_signals_sizes_get(context: SyscallContext, result: number): number {
  const { guest } = context;
  if (!guest.has(result, guest.pointerBytes)) return Errno.EMEMVIOLATION;
  guest.setPointer(result, listDispositions(context).length);
  return 0;
}

/** Writes the signal dispositions. */
export function proc_signals_get(context: SyscallContext, buffer: number): number {
  const { guest } = context;
  const { $size, sig, disp } = SignalDisposition;
  const list = listDispositions(context);
  if (!guest.has(buffer, list.length * $size)) return Errno.EMEMVIOLATION;
  for (const [index, [signal, disposition]] of list.entries()) {
    const at = (buffer >>> 0) + index * $size;
    guest.u8[at + sig] = signal;
    guest.u8[at + disp] = disposition;
  }
  return 0;
}
