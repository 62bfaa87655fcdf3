/**
 * Interval timers: signals that a process gets from time to time (`proc_raise_interval`, setitimer(2)), one for each signal.
 *
 * The host's event loop fires them, which no guest blocks: it sleeps until the first is due. What comes while the process does not run is one signal.
 * Life: made and removed by the process's own calls, gone with the process. Lock: `Process.lock`.
 */
import { address, f64, type KernelMemory, layout, u32 } from "../shm/index.ts";

export const IntervalTimer = layout("IntervalTimer", {
  next: address,
  /** Immutable. */
  signal: u32,
  /** Milliseconds between two signals; 0: there is only one. */
  interval: f64,
  /** When the next is due, on the monotonic clock in milliseconds. */
  due: f64,
});

/** Frees a list of timers. */
export function freeTimers(memory: KernelMemory, first: number): void {
  for (let timer = first; timer !== 0;) {
    const next = IntervalTimer.next.get(memory, timer);
    IntervalTimer.free(memory, timer);
    timer = next;
  }
}
