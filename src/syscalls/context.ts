/**
 * Context: what a syscall may reach. One per agent and instance group; `thread` says for whom it works at the moment.
 *
 * Life: made when a process's program is instantiated on an agent. `enter` and `leave` stand around every syscall: they keep the in-kernel mark, by
 * which a killer knows that this agent may hold locks, and have the work done that waits for the thread (`pending-work.ts`).
 */
import { declareBroken, Header, panic, park, sleepForever } from "../shm/index.ts";
import {
  emit,
  EndReason,
  exitProcess,
  type Kernel,
  KernelRoot,
  leaveFutex,
  lookupFile,
  Pending,
  Process,
  Resumption,
  Thread,
} from "../kernel/index.ts";
import { dropFile, PathWalk, type Sleeper, Transfer, type Vfs } from "../vfs/index.ts";
import type { KernelMemory } from "../shm/index.ts";
import { Control } from "./control.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { doPending, doPendingFirst } from "./pending-work.ts";
import { type Outcome, waitInPlace, type Waiting } from "./block.ts";
import type {
  ForkPort,
  GuestPort,
  SleepPort,
  StackPort,
  ThreadPort,
  UnwindingCall,
  UnwindPort,
} from "./port.ts";
import type { Interruption } from "./signal-delivery.ts";

/**
 * What a carrier's agent is doing, in one word of its record: a killer that ends the agent must know that it holds no lock.
 * `doomed` is set by the killer in place of `guest`; an agent that finds it stays where it is until its worker is gone. `unbound` is an agent that serves no
 * process; `recalled` replaces it when the process that it was to serve has ended before it began.
 */
export const Mark = {
  guest: 0,
  kernel: 1,
  asleep: 2,
  doomed: 3,
  unbound: 4,
  recalled: 5,
} as const;

/** What of a context belongs to the thread: put by while another stack of the agent runs. */
export interface ThreadWork {
  thread: number;
  signalCallback: string | undefined;
  wasInterrupted: boolean;
  interruptions: Interruption[];
  guestFailure: unknown;
  kernelFailure: unknown;
}

export class SyscallContext implements Sleeper {
  readonly memory: KernelMemory;
  readonly vfs: Vfs;
  /** The thread it works for; the process that its calls are of (`Thread.caller`), and that one's file table. */
  thread = 0;
  process = 0;
  files = 0;
  /** Whether the host program's event loop goes on while a call waits: not where the guest runs on its agent. */
  canWaitForHost = true;
  /** Whether the program knows no WASIX call: some calls mean something else to it. */
  isPreview1 = false;
  /** Name of the export that takes signals, or undefined: `callback_signal`. Belongs to the instance. */
  signalCallback: string | undefined;
  /** Depth of guest code that was entered from within a call (signal handlers) or an instantiation: from there the stack cannot be suspended. */
  innerEntries = 0;
  /** A wait ended because a signal's handler is to run: it runs when the call holds nothing any more (`finish`). */
  wasInterrupted = false;
  /** The handlers that run within calls, the latest last. */
  interruptions: Interruption[] = [];
  /** What a signal handler threw. */
  guestFailure: unknown;
  /** What the kernel itself threw, other than control outcomes: a bug, or a full JavaScript heap. */
  kernelFailure: unknown;
  /** The agent's stacks, where they can be suspended. */
  stacks: StackPort | undefined;
  /** What takes the running stack apart, where the program carries asyncify. */
  unwinding: UnwindPort | undefined;
  /** What gives the agent back while a call waits for long, where that can be. */
  sleeping: SleepPort | undefined;
  /** The call that is made, where it unwinds. */
  call: UnwindingCall | undefined;
  /** Whether the call that is made goes on with one whose stack was taken apart while it waited. */
  resumes = false;
  /** Whether the stack of the call that is made could not be taken apart for a snapshot: it is not asked for again. */
  refusesCapture = false;
  /** Where that was in a signal's handler, which is over: whether one of the program's own ran. */
  handlerRan: boolean | undefined;
  /** What copies the process, where the host can run the copy. */
  forking: ForkPort | undefined;
  /** Signals came before the call: their handlers run first, on a stack of their own (`StackPort.handleFirst`). */
  handlersFirst = false;
  /** Tells of the end of the call that is made (traces). A suspended stack's call takes it along. */
  onEnd: ((result: number | undefined) => void) | undefined;
  /** Scratch for the current call. */
  readonly transfer = new Transfer();
  readonly walk: PathWalk;
  readonly secondWalk: PathWalk;

  /**
   * @param mark address of the carrier's in-kernel word
   */
  constructor(
    readonly kernel: Kernel,
    public guest: GuestMemory,
    readonly threads: ThreadPort,
    readonly guestPort: GuestPort,
    private mark: number,
  ) {
    this.memory = kernel.memory;
    this.vfs = kernel.vfs;
    this.walk = new PathWalk(this.vfs, kernel.mounts);
    this.secondWalk = new PathWalk(this.vfs, kernel.mounts);
    this.clearThread();
  }

  /** Makes this context work for nobody: a call made now, by a start section that runs ahead of its thread, is refused. */
  clearThread(): void {
    this.thread = KernelRoot.nobody.get(this.memory, this.kernel.root);
    this.vfs.caller = 0;
  }

  /** Its agent's record goes, though the guest may still make calls: these are refused. The agent is in the guest or its own code. */
  retire(): void {
    this.clearThread();
    this.mark = KernelRoot.retiredMark.at(this.kernel.root);
  }

  /** Takes the agent back into the kernel after guest code returned or threw, whatever it was doing. */
  claim(): void {
    const before = Atomics.compareExchange(
      this.memory.i32,
      this.mark >>> 2,
      Mark.guest,
      Mark.kernel,
    );
    if (before === Mark.doomed) sleepForever(this.memory);
    this.markAwake();
  }

  /** Makes this context work for a thread. */
  setThread(thread: number): void {
    const { memory } = this;
    memory.refreshIfGrown();
    this.thread = thread;
    this.innerEntries = 0;
    this.interruptions = [];
    this.resumes = false;
    this.handlerRan = undefined;
    this.call = undefined;
    this.handlersFirst = false;
    this.wasInterrupted = false;
    this.guestFailure = undefined;
    this.kernelFailure = undefined;
    this.become(Thread.caller.get(memory, thread));
    this.vfs.sleeper = this;
  }

  /** Does something as if another process called, whose threads do not run: a child that is being made. */
  actAs<Result>(process: number, action: () => Result): Result {
    const before = this.process;
    this.become(process);
    try {
      return action();
    } finally {
      this.become(before);
    }
  }

  /** From here on the thread's calls are those of another process: a child that shares its memory (`proc_fork_env`), or again its own. */
  become(process: number): void {
    this.process = process;
    this.files = Process.files.get(this.memory, process);
    this.vfs.caller = process;
  }

  /** The process whose memory and threads these are: also where the thread calls as a child of it. */
  get owner(): number {
    return Thread.process.get(this.memory, this.thread);
  }

  /** Puts by what belongs to the thread. */
  putBy(work: ThreadWork): void {
    work.signalCallback = this.signalCallback;
    work.wasInterrupted = this.wasInterrupted;
    work.interruptions = this.interruptions;
    work.guestFailure = this.guestFailure;
    work.kernelFailure = this.kernelFailure;
  }

  /** Takes up the work for a thread whose stack was suspended. The agent is in the kernel. */
  takeUp(work: ThreadWork): void {
    this.memory.refreshIfGrown();
    this.thread = work.thread;
    this.become(Thread.caller.get(this.memory, work.thread));
    this.signalCallback = work.signalCallback;
    this.wasInterrupted = work.wasInterrupted;
    this.interruptions = work.interruptions;
    this.guestFailure = work.guestFailure;
    this.kernelFailure = work.kernelFailure;
  }

  /** At the start of a syscall: marks the agent as in the kernel, and does waiting work. May throw a control outcome. */
  enter(): void {
    const { memory } = this;
    // Before anything is changed: a guest that has used its stack up fails here, not between a lock and its release.
    memory.code.requireHeadroom(0);
    // A killer that ends this agent with its worker takes the word first, and only while it is `guest` (`Mark`).
    const mark = memory.code.compareExchange(this.mark | 0, Mark.guest, Mark.kernel);
    if (mark !== Mark.guest) this.stayOut(mark);
    if (memory.i32[Header.pages >> 2] > memory.pages) memory.refresh();
    if (Thread.pending.load(memory, this.thread) !== 0) doPendingFirst(this);
  }

  /** The same before a call or a thread's beginning, where the thread of a process that is stopped does not stay: it does in the call. */
  enterUnstopped(): void {
    const { memory, thread } = this;
    const stop = Thread.pending.and(memory, thread, ~Pending.stop) & Pending.stop;
    try {
      this.enter();
    } finally {
      Thread.pending.or(memory, thread, stop);
    }
  }

  private stayOut(mark: number): never {
    if (mark === Mark.doomed) sleepForever(this.memory);
    panic(`a call began while its agent's mark was ${mark}`);
  }

  /** When the call that is made began to wait, in milliseconds of the monotonic clock: what its timeout counts from. */
  beginWait(): number {
    const { memory, thread } = this;
    if (this.resumes) return Thread.callBegan.get(memory, thread);
    const now = this.kernel.clock.monotonicMilliseconds();
    Thread.callBegan.set(memory, thread, now);
    return now;
  }

  /** A call that went on has ended before it wanted all that the one before had left to it. The agent is in the guest. */
  endResumption(): void {
    const { memory, thread } = this;
    this.resumes = false;
    this.claim();
    const file = Thread.heldFile.get(memory, thread);
    Thread.heldFile.set(memory, thread, 0);
    if (file !== 0) dropFile(this.vfs, file);
    leaveFutex(memory, KernelRoot.futexes.at(this.kernel.root), Thread.futexWaiter.at(thread));
    this.leave();
  }

  /** Whether work waits for the thread, that has to be done at its next call. */
  get hasPending(): boolean {
    return Thread.pending.load(this.memory, this.thread) !== 0;
  }

  /** Before a thread has an instance: does the waiting work that needs none. The agent is in the guest before and after. */
  look(): void {
    if (!this.hasPending) return;
    try {
      this.enterUnstopped();
      this.handlersFirst = false;
      this.leave();
    } catch (error) {
      throw this.leaveByThrow(error);
    }
  }

  /** The agent goes (back) to guest code. It must be in the kernel and hold nothing. */
  leave(): void {
    this.memory.i32[this.mark >>> 2] = Mark.guest;
  }

  /**
   * At the end of a syscall: runs the handlers of signals that cut it short, now that it holds nothing. Passes its result on. A call whose stack is
   * suspended has not ended.
   */
  finish<Result>(result: Result): Result {
    if (typeof result === "object") return result;
    if (this.wasInterrupted) {
      const answer = typeof result === "number" ? result : 0;
      if (this.stacks?.canSuspend === true) return this.stacks.finishLater(answer) as Result;
      this.wasInterrupted = false;
      doPending(this, Resumption.answers, answer);
    }
    this.memory.i32[this.mark >>> 2] = Mark.guest;
    return result;
  }

  /** Ends a call that has its answer, and whose stack was taken apart meanwhile: what else is pending is done first. The agent is in the guest. */
  finishAgain(answer: number): unknown {
    if (!this.hasPending) return answer;
    this.claim();
    try {
      this.wasInterrupted = true;
      return this.finish(answer);
    } catch (error) {
      throw this.leaveByThrow(error);
    }
  }

  /** A syscall ends by a throw: control outcomes, a handler's trap, a failure of the kernel. To be thrown on. */
  leaveByThrow(error: unknown): unknown {
    const word = this.mark >>> 2;
    // Where there was no stack for the call, the agent is still in the guest: then the mark is not its to write.
    if (this.memory.i32[word] !== Mark.kernel) return error;
    if (!(error instanceof Control) && error !== this.guestFailure) this.recordFailure(error);
    this.memory.i32[word] = Mark.guest;
    return error;
  }

  /** The kernel itself failed. The process ends by it, also where the guest catches what is thrown; the run loop then stops the machine. */
  private recordFailure(error: unknown): void {
    this.kernelFailure ??= error;
    if (this.memory.locksHeld > 0) {
      declareBroken(this.memory);
      Thread.pending.or(this.memory, this.thread, Pending.exit);
      return;
    }
    const code = 129;
    exitProcess(this.kernel, this.owner, code, EndReason.failed, 0, describeFailure(error));
  }

  /** As a `Sleeper`: the thread's own. */
  get parker(): number {
    return this.thread;
  }

  /** As a `Sleeper`. Signals do not cut it short: their handlers run at the end of the call. */
  sleepWhile(waits: () => boolean): boolean {
    const { memory, thread } = this;
    while (waits()) {
      if ((Thread.pending.load(memory, thread) & Pending.exit) !== 0) return false;
      this.markSleeping();
      park(memory, thread, Infinity);
      this.markAwake();
    }
    return true;
  }

  /** Does a call that waits: with the guest's stack suspended where that can be, else in place. */
  wait(waiting: Waiting<number>): Outcome {
    return this.stacks?.canSuspend === true
      ? this.stacks.suspend(waiting)
      : waitInPlace(this, waiting);
  }

  /** Tells the trace something of the thread, and the host if it asked for such events. */
  tell(kind: number, text?: string): void {
    const { kernel, memory } = this;
    const pid = Process.id.get(memory, this.owner);
    emit(kernel, kind, pid, Thread.id.get(memory, this.thread), 0, text);
  }

  /** Around sleep: a sleeping thread holds no lock, but must be woken rather than ended with its worker. */
  markSleeping(): void {
    this.memory.i32[this.mark >>> 2] = Mark.asleep;
  }

  /** After sleep. */
  markAwake(): void {
    Atomics.store(this.memory.i32, this.mark >>> 2, Mark.kernel);
    this.memory.refreshIfGrown();
  }

  /**
   * Finds the open file of a descriptor and takes a count, which the caller drops with `dropFile`.
   *
   * @param unseen as `lookupFile` has it
   * @returns the open file or a negated errno
   */
  lookup(fd: number, rights: number, unseen = false): number {
    if (this.resumes) {
      // What the call had found already: another thread may have closed the descriptor.
      const file = Thread.heldFile.get(this.memory, this.thread);
      Thread.heldFile.set(this.memory, this.thread, 0);
      if (file !== 0) return file;
    }
    return lookupFile(this.vfs, this.files, fd, rights, unseen);
  }
}

/** What is said of a call that failed by an exception of the kernel's own. */
export function describeFailure(error: unknown): string {
  const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `a system call failed by a bug of Weft: ${words}`;
}
