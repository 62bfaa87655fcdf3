/** Node's clocks, without a big integer on the way to the guest. */
import type { Clock } from "../../kernel/index.ts";

/** How far the steady clock may drift from the wall clock before it is set anew, in milliseconds. */
const DRIFT = 5;

export class NodeClock implements Clock {
  low = 0;
  high = 0;
  readonly resolution = 1;

  private readonly big = new BigUint64Array(1);
  private readonly halves = new Uint32Array(this.big.buffer);
  /** Wall clock minus `performance.now()`, in milliseconds. Not before it is asked for: Node loads `performance` when it is first named. */
  private origin = NaN;

  readRealtime(): void {
    const now = performance.now();
    const wall = Date.now();
    if (!(Math.abs(this.origin + now - wall) <= DRIFT)) this.origin = wall - now;
    this.split(this.origin + now);
  }

  readMonotonic(): void {
    this.big[0] = process.hrtime.bigint();
    this.low = this.halves[0];
    this.high = this.halves[1];
  }

  readProcessTime(): void {
    const { user, system } = process.cpuUsage();
    this.split((user + system) / 1000);
  }

  monotonicMilliseconds(): number {
    return Number(process.hrtime.bigint()) / 1e6;
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
