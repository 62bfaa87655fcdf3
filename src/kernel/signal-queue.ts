/** Signals that wait for a program's handlers: queued with a thread, one bit each, and taken at its next syscall or in its sleep (`syscalls/signal-delivery.ts`). */
import type { KernelMemory } from "../shm/index.ts";
import { Process, ProcessFlags } from "./process.ts";
import { interruptThread, Pending, Thread } from "./thread.ts";

/** In `Thread.handling`: the innermost handler is the C library's default action. No signal has this bit. */
export const DEFAULT_ACTION = 1;

/** Queues a signal for a thread and ends its wait. */
export function queueSignal(memory: KernelMemory, thread: number, signal: number): void {
  Thread.signals.or(memory, thread, 1 << signal);
  interruptThread(memory, thread, Pending.signal);
}

/** Whether a thread of the process has registered a callback for signals. */
export function handlesSignals(memory: KernelMemory, process: number): boolean {
  return (Process.flags.load(memory, process) & ProcessFlags.handlesSignals) !== 0;
}

/** Queues a signal for a process that handles signals: its main thread takes it, or where that has left, another, or the first that it gets. */
export function queueProcessSignal(memory: KernelMemory, process: number, signal: number): void {
  Process.lock.acquire(memory, process);
  const pid = Process.id.get(memory, process);
  let taker = Process.firstThread.get(memory, process);
  for (let thread = taker; thread !== 0; thread = Thread.next.get(memory, thread))
    if (Thread.id.get(memory, thread) === pid) taker = thread;
  if (taker !== 0) queueSignal(memory, taker, signal);
  else Process.signals.set(memory, process, Process.signals.get(memory, process) | (1 << signal));
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
