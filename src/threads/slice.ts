/**
 * Slice: how long a stack of a carrier runs before its stop points let others go first.
 *
 * Stop points stand in every loop and only count; now and then one looks at the clock. How many are passed between two looks follows from how long the last ones took, since loops
 * differ.
 *
 * Life: one for a carrier, for the stack that runs there.
 */

/** How long a slice is, and how long stop points are passed without a look, about, in milliseconds. */
const SLICE = 1;
const LOOK_AGAIN = 0.05;

/** Stop points that are passed without a look. */
const FEWEST_PASSED = 100;
const MOST_PASSED = 1_000_000;

export class Slice {
  /** When the slice began, and when a stop point last looked, in milliseconds. */
  private begun = 0;
  private lastLook = 0;
  /** Stop points to pass until the next look. */
  passes = FEWEST_PASSED;

  /** A stack begins to run, or goes on. */
  begin(now: number): void {
    this.begun = this.lastLook = now;
  }

  /** A stop point looks at the clock. Returns whether the slice is over; then the next begins. */
  look(now: number): boolean {
    const since = now - this.lastLook;
    this.lastLook = now;
    if (since < LOOK_AGAIN / 2) this.passes = Math.min(this.passes * 2, MOST_PASSED);
    else if (since > LOOK_AGAIN * 2) this.passes = Math.max(this.passes >>> 1, FEWEST_PASSED);
    if (now - this.begun < SLICE) return false;
    this.begun = now;
    return true;
  }
}
