/** Interval timers of processes: setting and firing them. See `interval-timer.ts`. */
import { Errno } from "../abi/errno.ts";
import { IntervalTimer } from "./interval-timer.ts";
import { HostCall, type Kernel } from "./kernel.ts";
import { isEnding, Process } from "./process.ts";
import { sendSignal } from "./signal.ts";

/**
 * Sets or removes the timer of a signal.
 *
 * @param interval in milliseconds, 0 to remove it; @param repeats whether it goes on after the first signal
 * @returns an errno: ENOMEM
 */
export function setIntervalTimer(
  kernel: Kernel,
  process: number,
  signal: number,
  interval: number,
  repeats: boolean,
): number {
  const { memory } = kernel;
  const made = interval === 0 ? 0 : IntervalTimer.allocate(memory);
  if (made === 0 && interval !== 0) return Errno.ENOMEM;
  Process.lock.acquire(memory, process);
  const before = takeOutLocked(kernel, process, signal);
  if (made !== 0) {
    IntervalTimer.signal.set(memory, made, signal);
    IntervalTimer.interval.set(memory, made, repeats ? interval : 0);
    IntervalTimer.due.set(memory, made, kernel.clock.monotonicMilliseconds() + interval);
    IntervalTimer.next.set(memory, made, Process.firstTimer.get(memory, process));
    Process.firstTimer.set(memory, process, made);
  }
  Process.lock.release(memory, process);
  if (before !== 0) IntervalTimer.free(memory, before);
  if (made !== 0) kernel.callHost(HostCall.timers);
  return 0;
}

function takeOutLocked({ memory }: Kernel, process: number, signal: number): number {
  let previous = 0;
  let timer = Process.firstTimer.get(memory, process);
  while (timer !== 0 && IntervalTimer.signal.get(memory, timer) !== signal) {
    previous = timer;
    timer = IntervalTimer.next.get(memory, timer);
  }
  if (timer === 0) return 0;
  const next = IntervalTimer.next.get(memory, timer);
  if (previous === 0) Process.firstTimer.set(memory, process, next);
  else IntervalTimer.next.set(memory, previous, next);
  return timer;
}

/** Sends the signals of a process's timers that are due; when the next is, on the monotonic clock in milliseconds, or Infinity. */
export function fireTimers(kernel: Kernel, process: number): number {
  const { memory } = kernel;
  const now = kernel.clock.monotonicMilliseconds();
  const due: number[] = [];
  const over: number[] = [];
  let first = Infinity;
  Process.lock.acquire(memory, process);
  if (isEnding(memory, process)) {
    Process.lock.release(memory, process);
    return first;
  }
  for (let timer = Process.firstTimer.get(memory, process); timer !== 0;) {
    const next = IntervalTimer.next.get(memory, timer);
    const interval = IntervalTimer.interval.get(memory, timer);
    let time = IntervalTimer.due.get(memory, timer);
    if (time <= now) {
      due.push(IntervalTimer.signal.get(memory, timer));
      if (interval === 0) {
        over.push(takeOutLocked(kernel, process, IntervalTimer.signal.get(memory, timer)));
        time = Infinity;
      } else {
        time += Math.ceil((now - time) / interval) * interval || interval;
        IntervalTimer.due.set(memory, timer, time);
      }
    }
    first = Math.min(first, time);
    timer = next;
  }
  Process.lock.release(memory, process);
  for (const timer of over) IntervalTimer.free(memory, timer);
  for (const signal of due) sendSignal(kernel, process, signal);
  return first;
}
