/**
 * Sending signals to processes. A program that has registered a callback gets them there (`signal-queue.ts`); to any other happens at once what is the
 * signal's default (signal(7)). SIGKILL and SIGSTOP are for no program to handle.
 */
import { Signal } from "../abi/enums.ts";
import type { Kernel } from "./kernel.ts";
import { EndReason, Process, ProcessState } from "./process.ts";
import { exitProcess } from "./process-end.ts";
import { continueProcess, stopProcess } from "./process-stop.ts";
import { handlesSignals, queueProcessSignal } from "./signal-queue.ts";

/** Signals whose default action is to do nothing, one bit each. */
export const IGNORED_BY_DEFAULT =
  (1 << Signal.CHLD) | (1 << Signal.URG) | (1 << Signal.WINCH) | (1 << Signal.CONT);

/** Signals whose default action is to stop the process, one bit each. */
const STOPPING = (1 << Signal.STOP) | (1 << Signal.TSTP) | (1 << Signal.TTIN) | (1 << Signal.TTOU);

/** Whether a signal does nothing to a program without a handler for it. */
export function isIgnoredByDefault(signal: number): boolean {
  return (IGNORED_BY_DEFAULT & (1 << signal)) !== 0;
}

/** Whether a signal stops a program without a handler for it. */
export function stopsByDefault(signal: number): boolean {
  return (STOPPING & (1 << signal)) !== 0;
}

/** Exit code of a process that a signal ended, as shells show it. */
function exitCodeOfSignal(signal: number): number {
  return 128 + signal;
}

/** Sends a signal to a process (kill(2)). */
export function sendSignal(kernel: Kernel, process: number, signal: number): void {
  const { memory } = kernel;
  if (signal === Signal.CONT) continueProcess(kernel, process);
  const isForced = signal === Signal.KILL || signal === Signal.STOP;
  const state = Process.state.load(memory, process);
  // The handlers of a program that is on its way out for another are no more (execve(2)).
  const isReplaced = state === ProcessState.replacing || state === ProcessState.replaced;
  if (!isForced && !isReplaced && handlesSignals(memory, process))
    queueProcessSignal(memory, process, signal);
  else if (isForced || (Process.ignoredSignals.get(memory, process) & (1 << signal)) === 0)
    actByDefault(kernel, process, signal);
}

/** Does to a process what is a signal's default. */
export function actByDefault(kernel: Kernel, process: number, signal: number): void {
  if (stopsByDefault(signal)) stopProcess(kernel, process, signal);
  else if (!isIgnoredByDefault(signal))
    exitProcess(kernel, process, exitCodeOfSignal(signal), EndReason.signalled, signal);
}
