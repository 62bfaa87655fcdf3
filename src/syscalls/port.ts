/** What this floor needs from above: given when a context is made. */
import type { StackLayout } from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";

/** Making threads, and facts of the machine only the floor of carriers knows. */
export interface ThreadPort {
  /**
   * Makes a thread of the caller's process and sees to it that it runs.
   *
   * @returns its id, or a negated errno: EACCES when a limit is reached or the process ends, ENOTCAPABLE when the program has no thread entry
   */
  spawn(context: SyscallContext, startPointer: number, stack: StackLayout): number;
  /** How many threads can really run at once. */
  parallelism(): number;
  /** Lets other work of this agent run for a moment: for `sched_yield`. */
  yield(context: SyscallContext): void;
}

/** Entering the guest from inside a call: signal handlers. */
export interface GuestPort {
  /** Whether there is such an export. */
  has(name: string): boolean;
  /**
   * Calls an export with one number.
   *
   * @returns false when there is no such export
   */
  call(name: string, argument: number): boolean;
}
