/**
 * The browser's clocks, without a big integer on the way to the guest.
 *
 * `performance.now()` counts from the start of each agent. `performance.timeOrigin` says when that was, on one steady scale for all agents
 * of the page; their sum is the monotonic clock.
 */
import type { Clock } from "../../kernel/index.ts";
import { splitNanoseconds } from "../nanoseconds.ts";

/** How far the steady clock may drift from the wall clock before it is set anew, in milliseconds. */
const DRIFT = 5;

export class BrowserClock implements Clock {
  low = 0;
  high = 0;
  /** What browsers round `performance.now()` to: 5 µs on an isolated page, 100 µs elsewhere. */
  readonly resolution = globalThis.crossOriginIsolated ? 5_000 : 100_000;

  private monotonicOrigin = performance.timeOrigin;
  /** Wall clock minus `performance.now()`, in milliseconds. */
  private origin = performance.timeOrigin;

  readRealtime(): void {
    const now = performance.now();
    const wall = Date.now();
    if (Math.abs(this.origin + now - wall) > DRIFT) this.origin = wall - now;
    splitNanoseconds(this, this.origin + now);
  }

  readMonotonic(): void {
    splitNanoseconds(this, this.monotonicOrigin + performance.now());
  }

  /** The time since this agent started: browsers do not tell how much of it the processor worked. */
  readProcessTime(): void {
    splitNanoseconds(this, performance.now());
  }

  monotonicMilliseconds(): number {
    return this.monotonicOrigin + performance.now();
  }

  setShift(milliseconds: number): void {
    this.monotonicOrigin = performance.timeOrigin + milliseconds;
  }

  milliseconds(): number {
    return Date.now();
  }
}
