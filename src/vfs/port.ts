/** What this floor needs from above: given at boot. */
export interface WallClock {
  /** Milliseconds since 1970, of whatever precision is cheap: times of files. */
  milliseconds(): number;
}
