/** What this floor needs from above: given at boot, one per agent. */

/**
 * The host's clocks. `read…` functions leave nanoseconds as two 32-bit halves in `low` and `high`, so that no big integer is made on
 * the way to the guest.
 */
export interface Clock {
  low: number;
  high: number;
  /** Time since 1970. */
  readRealtime(): void;
  /** Time since some fixed point, the same for every agent of the machine; never goes back. */
  readMonotonic(): void;
  /** Processor time of the host process. */
  readProcessTime(): void;
  /** The monotonic clock in milliseconds, with fractions: for deadlines. */
  monotonicMilliseconds(): number;
  /** Milliseconds since 1970, of whatever precision is cheap: times of files. */
  milliseconds(): number;
  /** Lets the monotonic clock be ahead of the host's by milliseconds, or behind it: for a machine that goes on from a snapshot. */
  setShift(milliseconds: number): void;
  /** Resolution of the clocks in nanoseconds. */
  readonly resolution: number;
}

/** Cryptographic randomness. */
export interface Randomness {
  /** Fills up to 65,536 bytes of unshared memory. */
  fill(bytes: Uint8Array): void;
}
