/** What this floor needs from above: given when a context is made. */
import type { StackLayout } from "../kernel/index.ts";
import type { Outcome, Waiting } from "./block.ts";
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
}

/** An agent's stacks of guest code, where the engine can suspend them (JSPI). */
export interface StackPort {
  /** Whether the running stack can be suspended: no JavaScript frame but that of the call itself is on it. */
  readonly canSuspend: boolean;
  /** Whether the agent has other stacks or threads that could run now. */
  hasOthers(): boolean;
  /** At a stop point in the guest's code: the number of stop points to pass until the next call, or a negative one where others are to run first. */
  pass(): number;
  /**
   * Waits as the engine's `memory.atomic.wait32` and `wait64` do: 0 woken, 1 another value, 2 the time is over. The address is in bytes, checked, and
   * aligned; the timeout in nanoseconds, negative for none.
   */
  waitRaw(address: number, expected: number | bigint, timeout: number): Outcome;
  /** Makes a context of the running thread; its number, or a negated errno. See `contexts.ts`. */
  createContext(entry: number): number;
  /** Suspends the running context in favour of another; an errno, later. */
  switchContext(id: number): Outcome;
  /** Ends a suspended context; an errno. */
  destroyContext(id: number): number;
  /** Does a call that waits, with the stack suspended while it sleeps; ends the call as `SyscallContext.finish` and `leaveByThrow` do. */
  suspend(waiting: Waiting<number>): Promise<number>;
  /** Ends a call during which signals came: runs their handlers, on a stack of their own, then passes its result on. */
  finishLater(result: unknown): unknown;
  /** Runs the handlers of queued signals, on a stack of their own, then does the call. */
  handleFirst(call: () => Outcome): Promise<number>;
}

/** Entering the guest from inside a call: signal handlers. */
export interface GuestPort {
  /** Whether there is such an export. */
  has(name: string): boolean;
  /** Calls an export, which must be there, with one number. */
  call(name: string, argument: number): void;
  /** The same on a stack of its own. Only where stacks can be suspended. */
  callSuspendably(name: string, argument: number): Promise<void>;
  /** The instance's stack pointer, where it exports that. */
  stackPointer: number | undefined;
}
