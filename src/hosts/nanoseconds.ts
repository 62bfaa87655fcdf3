/** Times in milliseconds as nanoseconds in two halves, without a big integer: what clocks give (`kernel/port.ts`). */

/** Splits a time; seconds × 1953125 is exact in a double until the year 2116, and 1953125 × 2^9 = 10^9. */
export function splitNanoseconds(into: { low: number; high: number }, milliseconds: number): void {
  const seconds = Math.floor(milliseconds / 1000);
  const nanoseconds = Math.floor((milliseconds - seconds * 1000) * 1e6);
  const product = seconds * 1953125;
  const low = (product % 2 ** 23) * 512 + nanoseconds;
  into.low = low >>> 0;
  into.high = Math.floor(product / 2 ** 23) + Math.floor(low / 2 ** 32);
}
