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
  /** Suspends the running context in favour of another of the thread's, which is there: its number, and what it begins with. An errno, later. */
  switchContext(id: number, entry: number): Outcome;
  /** A context that does not run is destroyed. */
  forgetContext(id: number): void;
  /**
   * Does a call that waits: in place where that is soon over; else with the stack suspended, and then it ends the call as `SyscallContext.finish` and
   * `leaveByThrow` do.
   */
  suspend(waiting: Waiting<number>): Outcome;
  /** Ends a call during which signals came: runs their handlers, on a stack of their own, then passes its result on. */
  finishLater(result: number): Promise<number>;
  /** Runs the handlers of queued signals, on a stack of their own, then does the call, on its own. */
  handleFirst(call: () => Outcome): Promise<number>;
}

/** A call by which a stack can be taken apart. */
export interface UnwindingCall {
  /** "module.name". */
  readonly name: string;
  /** Whether it can be made again after that happened while it waited (`SyscallContext.resumes`). */
  readonly restarts: boolean;
}

/** How a thread goes on whose stack was taken apart. */
export interface Rewind {
  /** The stack to put back; 0 where it is one that begins. */
  readonly image: number;
  /** What the call that took it apart answers; undefined where the call is made again, now that its stack is back. */
  readonly result: number | undefined;
  /** Whether somebody keeps the image; else it is freed. */
  readonly isKept?: boolean;
  /** Whether the instance's globals, but for the stack pointer, stay as they are: it is another stack of the thread's. */
  readonly keepsGlobals?: boolean;
  /** Is called when linear memory is as it was, too. */
  readonly finish?: () => void;
}

/** Taking the running stack apart and putting stacks back, where the program carries asyncify. */
export interface UnwindPort {
  /** Whether the running stack is being taken apart or put back: nothing else may run meanwhile. */
  readonly isBusy: boolean;
  /** Whether a stack is being put back: the call that is reached ends that. */
  readonly isRewinding: boolean;
  /** Whether the stack is being taken apart. */
  readonly isUnwinding: boolean;
  /** Whether a call can take the stack apart that makes it: "module.name". */
  unwindsAt(call: string): boolean;
  /** An upper bound of the bytes that the frames of the running stack write when they are taken apart. */
  measure(): number;
  /** A stack is back. Returns what the call answers, or undefined where it is to be made again. */
  endRewind(): number | undefined;
  /**
   * Begins to take the stack apart that makes the call. Where that is possible the call must return `UNWINDS` at once, and hold nothing.
   *
   * @param call "module.name"; @param then is called, in the kernel, when the stack is apart: the image is its to keep or free. It tells how the thread goes on, or nothing where it does so elsewhere
   * @returns UNWINDS; or an errno: ENOTSUP where the call or what lies on the stack does not unwind, EOVERFLOW where the stack has no room for it, ENOMEM
   */
  unwind(call: string, then: (image: number) => Rewind | undefined): number;
  /** A signal's handler within a call has been taken apart, the latest of the context's: it is kept, and what it interrupted comes next (`HANDLER_UNWINDS`). */
  leaveHandler(): never;
  /** Begins to take apart what a handler interrupted: the call in which it came returns what this does. The agent is in the guest. */
  goOnUnwinding(): number;
  /**
   * The thread's entry has returned, or thrown. The agent is in the guest before and after; in the kernel after "asleep".
   *
   * @returns "rewind" where the entry is to be called again, to put back a stack; "asleep" where the thread has left the agent; else it has ended
   */
  afterEntry(thrown: { readonly error: unknown } | undefined): "rewind" | "asleep" | "ended";
  /** Begins to put a stack back: the entry is to be called next. The agent is in the kernel. */
  begin(rewind: Rewind): void;
  /** Copies the stack's linear memory into its image, too. False where it is not known, or the kernel heap is full. */
  keepMemory(image: number): boolean;
  /**
   * Begins to take the stack of the call apart that is about to be made, or waits, if the host wants a snapshot: it goes on with the call when there is one. The
   * call must return `UNWINDS` at once and give nothing back.
   *
   * @param call "module.name"; @param isWaiting whether the call waits, and can be made again; else it is about to be made
   * @returns false where no snapshot is wanted, or the stack cannot be taken apart
   */
  capture(call: string, isWaiting: boolean): boolean;
  /** Discards the running stack and puts another in its place: does not return. */
  restore(rewind: Rewind): never;
}

/** Giving the agent back while a thread waits for long, where its stack can be taken apart. */
export interface SleepPort {
  /** How long a wait stays in place, in milliseconds. */
  readonly patience: number;
  /**
   * Begins to take the stack of the call apart that waits, for so many milliseconds at most. The call must return `UNWINDS` at once and give nothing back.
   *
   * @returns false where that cannot be: then it waits in place
   */
  sleep(milliseconds: number): boolean;
  /** Lets a thread whose stack is apart, and in its record, leave its carrier until it is woken. False where it was woken meanwhile. */
  leave(): boolean;
}

/** Copying the caller's process, as far as that is this floor's and the host's. */
export interface ForkPort {
  /**
   * Gives a child a copy of the caller's memory and a main thread that goes on from a stack, and has it run.
   *
   * @param child a process without threads; @param image stays the caller's
   * @returns 0: the caller's count of the child was taken over; or an errno: ENOTSUP for memory that cannot be copied, ENOMEM, EAGAIN
   */
  copy(context: SyscallContext, child: number, image: number): number;
}

/** What a call returns that has begun to take its stack apart: nobody sees it. */
export const UNWINDS = -0x57;

/** Entering the guest from inside a call: signal handlers. */
export interface GuestPort {
  /** Whether there is such an export. */
  has(name: string): boolean;
  /** Calls an export, which must be there, with one number. */
  call(name: string, argument: number): void;
  /** The same on a stack of its own. Only where stacks can be suspended. */
  callSuspendably(name: string, argument: number): Promise<void>;
  /** Whether a context can begin with what stands at an index of the program's table: a function without parameters. */
  isContextEntry(index: number): boolean;
  /** The instance's stack pointer, where it exports that. */
  stackPointer: number | undefined;
}
