/**
 * Sending signals: queued with a thread, one bit each, and taken at its next syscall or in its sleep. What a program makes of them, and what is the default,
 * is done by the thread itself (`syscalls/signal-delivery.ts`).
 */
import { Signal } from "../abi/enums.ts";
import type { KernelMemory } from "../shm/index.ts";
import { Process, ProcessFlags } from "./process.ts";
import { interruptThread, Pending, Thread } from "./thread.ts";

/** Signals whose default action is to do nothing: SIGCHLD, SIGURG, SIGWINCH, SIGCONT, and those that stop (there is no job control yet). */
const IGNORED_BY_DEFAULT: ReadonlySet<number> = new Set<number>([
  Signal.CHLD,
  Signal.URG,
  Signal.WINCH,
  Signal.CONT,
  Signal.STOP,
  Signal.TSTP,
  Signal.TTIN,
  Signal.TTOU,
]);

/** Whether a signal does nothing to a program without a handler for it. */
export function isIgnoredByDefault(signal: number): boolean {
  return IGNORED_BY_DEFAULT.has(signal);
}

/** Queues a signal for a thread and ends its wait. */
export function queueSignal(memory: KernelMemory, thread: number, signal: number): void {
  Thread.signals.or(memory, thread, 1 << signal);
  interruptThread(memory, thread, Pending.signal);
}

/** Whether a thread of the process has registered a callback for signals. */
export function handlesSignals(memory: KernelMemory, process: number): boolean {
  return (Process.flags.load(memory, process) & ProcessFlags.handlesSignals) !== 0;
}

/** Queues a signal for a process: its main thread takes it, or where that has left, another. */
export function queueProcessSignal(memory: KernelMemory, process: number, signal: number): void {
  Process.lock.acquire(memory, process);
  const handles = handlesSignals(memory, process);
  // The main thread is the last in the list: a program with handlers takes a process's signal once, there.
  let main = 0;
  for (
    let thread = Process.firstThread.get(memory, process);
    thread !== 0;
    thread = Thread.next.get(memory, thread)
  ) {
    if (Thread.id.get(memory, thread) === Process.id.get(memory, process)) main = thread;
    else if (!handles && main === 0) main = thread;
  }
  if (main === 0) main = Process.firstThread.get(memory, process);
  if (main !== 0) queueSignal(memory, main, signal);
  else
    Process.earlySignals.set(
      memory,
      process,
      Process.earlySignals.get(memory, process) | (1 << signal),
    );
  Process.lock.release(memory, process);
}

/** Whether a signal waits for a thread of the process to take it. */
export function isSignalQueued(memory: KernelMemory, process: number, signal: number): boolean {
  Process.lock.acquire(memory, process);
  let isQueued = false;
  for (
    let thread = Process.firstThread.get(memory, process);
    thread !== 0;
    thread = Thread.next.get(memory, thread)
  )
    isQueued ||= (Thread.signals.load(memory, thread) & (1 << signal)) !== 0;
  Process.lock.release(memory, process);
  return isQueued;
}

/** A child of a process has ended: sends it SIGCHLD. A program that handles no signals ignores that one. */
export function childEnded(memory: KernelMemory, parent: number): void {
  if (handlesSignals(memory, parent)) queueProcessSignal(memory, parent, Signal.CHLD);
}
