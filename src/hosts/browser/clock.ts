/**
 * The browser's clocks, without a big integer on the way to the guest.
 *
 * `performance.now()` counts from the start of each agent. `performance.timeOrigin` says when that was, on one steady scale for all agents
 * of the page; their sum is the monotonic clock.
 */
import type { Clock } from "../../kernel/index.ts";

/** How far the steady clock may drift from the wall clock before it is set anew, in milliseconds. */
const DRIFT = 5;

export class BrowserClock implements Clock {
  low = 0;
  high = 0;
  /** What browsers round `performance.now()` to: 5 µs on an isolated page, 100 µs elsewhere. */
  readonly resolution = globalThis.crossOriginIsolated ? 5_000 : 100_000;

  private readonly monotonicOrigin = performance.timeOrigin;
  /** Wall clock minus `performance.now()`, in milliseconds. */
  private origin = performance.timeOrigin;

  readRealtime(): void {
    const now = performance.now();
    const wall = Date.now();
    if (Math.abs(this.origin + now - wall) > DRIFT) this.origin = wall - now;
    this.split(this.origin + now);
  }

  readMonotonic(): void {
    this.split(this.monotonicOrigin + performance.now());
  }

  /** The time since this agent started: browsers do not tell how much of it the processor worked. */
  readProcessTime(): void {
    this.split(performance.now());
  }

  monotonicMilliseconds(): number {
    return this.monotonicOrigin + performance.now();
  }

  milliseconds(): number {
    return Date.now();
  }

  /** Nanoseconds of a time in milliseconds, as halves: seconds × 1953125 is exact in a double until the year 2116, and 1953125 × 2^9 = 10^9. */
  private split(milliseconds: number): void {
    const seconds = Math.floor(milliseconds / 1000);
    const nanoseconds = Math.floor((milliseconds - seconds * 1000) * 1e6);
    const product = seconds * 1953125;
    const low = (product % 2 ** 23) * 512 + nanoseconds;
    this.low = low >>> 0;
    this.high = Math.floor(product / 2 ** 23) + Math.floor(low / 2 ** 32);
  }
}
