/** What this floor needs from above: given at boot, or with a call. */
export interface WallClock {
  /** Milliseconds since 1970, of whatever precision is cheap: times of files. */
  milliseconds(): number;
}

/** How a filesystem waits for another agent, in a call of a thread that may sleep. No lock may be held. */
export interface Sleeper {
  /** The parker to be woken. */
  readonly parker: number;
  /** Sleeps as long as `waits` answers true, which is asked again after each wake-up. False, at once, when the thread's process ends. */
  sleepWhile(waits: () => boolean): boolean;
}
