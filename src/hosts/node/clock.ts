/** Node's clocks, without a big integer on the way to the guest. */
import type { Clock } from "../../kernel/index.ts";
import { splitNanoseconds } from "../nanoseconds.ts";

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
  /** What the monotonic clock is ahead of the system's, in nanoseconds. */
  private shift = 0n;

  readRealtime(): void {
    const now = performance.now();
    const wall = Date.now();
    if (!(Math.abs(this.origin + now - wall) <= DRIFT)) this.origin = wall - now;
    splitNanoseconds(this, this.origin + now);
  }

  readMonotonic(): void {
    this.big[0] = this.now();
    this.low = this.halves[0];
    this.high = this.halves[1];
  }

  readProcessTime(): void {
    const { user, system } = process.cpuUsage();
    splitNanoseconds(this, (user + system) / 1000);
  }

  monotonicMilliseconds(): number {
    return Number(this.now()) / 1e6;
  }

  setShift(milliseconds: number): void {
    this.shift = BigInt(Math.round(milliseconds * 1e6));
  }

  private now(): bigint {
    const now = process.hrtime.bigint();
    return this.shift === 0n ? now : now + this.shift;
  }

  milliseconds(): number {
    return Date.now();
  }
}
