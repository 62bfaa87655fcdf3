/**
 * Stopping processes and letting them go on (SIGSTOP, SIGCONT): `Process.stopSignal` says what stopped it, and every thread that comes to a call or wakes up in
 * one stays there as long as it is set (`syscalls/stay-stopped.ts`). The end of the process ends the stop.
 *
 * Lock: `Process.lock` around the change and the threads' notice of it.
 */
import type { Kernel } from "./kernel.ts";
import { tellParent } from "./family.ts";
import { isEnding, Process } from "./process.ts";
import { interruptAllLocked } from "./process-end.ts";
import { Pending } from "./thread.ts";

/** Stops a process, and tells its parent. Nothing where it is stopped already, or ends. */
export function stopProcess(kernel: Kernel, process: number, signal: number): void {
  const { memory } = kernel;
  Process.lock.acquire(memory, process);
  const stops = !isEnding(memory, process) && Process.stopSignal.load(memory, process) === 0;
  if (stops) {
    Process.stopSignal.store(memory, process, signal);
    Process.stopUnread.store(memory, process, 1);
    interruptAllLocked(memory, process, Pending.stop);
  }
  Process.lock.release(memory, process);
  if (stops) tellParent(kernel, process, false);
}

/** Lets a stopped process go on. */
export function continueProcess({ memory }: Kernel, process: number): void {
  Process.lock.acquire(memory, process);
  if (Process.stopSignal.exchange(memory, process, 0) !== 0) {
    Process.stopUnread.store(memory, process, 0);
    interruptAllLocked(memory, process, 0);
  }
  Process.lock.release(memory, process);
}
