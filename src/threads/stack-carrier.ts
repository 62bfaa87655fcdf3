/**
 * A carrier that runs threads on stacks which the engine suspends while they wait (JSPI): many threads where it is shared, one at a time where it only
 * suspends them for their contexts.
 *
 *     run what is ready → wake whose time has come → begin a new thread → sleep on the bell; …; crew closes: leave
 *
 * One stack runs at a time: `active`. While it does, nothing of this file does, except for the calls that it makes. A call that waits returns a promise to the
 * engine, which suspends the stack; the loop goes on in the next microtask. A stack is resumed by resolving that promise, and stays on its carrier for life:
 * engines cannot move one. Nothing here goes through the event loop or its timers.
 *
 * A suspended thread's parker says so (`Parked.suspended`): whoever wakes it puts it on this carrier's ready queue and rings the bell. Of the thread's deadline
 * and its waker only one can take the parker's word back, and so resume the stack.
 *
 * Life: made for one crew on one agent. Everything here is that agent's; what others must know stands in the `Carrier` and `Thread` records.
 */
import { Errno } from "../abi/errno.ts";
import { type Kernel, Thread } from "../kernel/index.ts";
import type { InstanceGroup, InstanceWork } from "../loader/instance.ts";
import { StopInstances } from "../loader/stop-instances.ts";
import { promising } from "../loader/suspension.ts";
import {
  hushBell,
  Parked,
  Parker,
  pushReady,
  ReadyQueue,
  takeReady,
  waitForBell,
} from "../shm/index.ts";
import { GIVE_WAY, type Outcome, RUN_HANDLERS, type Waiting } from "../syscalls/block.ts";
import type { ThreadWork } from "../syscalls/context.ts";
import type { StackPort } from "../syscalls/port.ts";
import { deliverSuspendably } from "../syscalls/signal-delivery.ts";
import {
  beginRest,
  clearCarrier,
  clearSharedThread,
  Crew,
  endRest,
  isLineTooLong,
  leaveCrew,
  nextSharedThread,
  nextThread,
} from "./crew.ts";
import { Contexts } from "./contexts.ts";
import { Deadlines, type Sleeper } from "./deadlines.ts";
import { GUEST_PAGE, sleepIdle } from "./idle-carrier.ts";
import { waitRaw } from "./raw-wait.ts";
import { beginThread, endThread, rewindEntryOf } from "./run-thread.ts";

/** How long a stack runs before its stop points let others go first, and about how often those look at the clock, in milliseconds. */
const SLICE = 1;
const LOOK_AGAIN = 0.05;

/** Threads that a shared carrier begins before it resumes its stacks again. */
const MOST_BEGUN = 16;

/** Stop points that are passed without a look. */
const FEWEST_PASSED = 100;
const MOST_PASSED = 1_000_000;

/** A thread with its stack. */
class Stack implements ThreadWork, InstanceWork, Sleeper {
  signalCallback: string | undefined;
  wasInterrupted = false;
  guestFailure: unknown;
  kernelFailure: unknown;
  instance: WebAssembly.Instance | undefined;
  place = 0;
  sleep = 0;
  /** Lets the suspended stack go on. */
  resume: () => void = () => {};
  /** Stacks within the thread, once it has made one. */
  contexts: Contexts | undefined;
  /** Ends the thread by what was thrown on another of its stacks than the first. */
  endElsewhere: (error: unknown) => void = () => {};

  constructor(readonly thread: number) {}
}

/** Rejects when the thread ends on another of its stacks than the first. */
function endElsewhere(stack: Stack): Promise<never> {
  return new Promise((_, reject) => {
    stack.endElsewhere = reject;
  });
}

export class StackCarrier implements StackPort {
  private readonly stacks = new Map<number, Stack>();
  private readonly deadlines = new Deadlines<Stack>();
  /** The stack that runs. */
  private active: Stack | undefined;
  /** The first thread that was taken from the ready queue and not yet resumed, linked by `Parker.readyNext`, or 0. */
  private taken = 0;
  /** When the active stack began to run, and when its stop points last came here, in milliseconds. */
  private sliceBegin = 0;
  private lastLook = 0;
  /** Stop points to pass between looks. */
  private interval = FEWEST_PASSED;
  /** What ended this agent's work: a broken invariant. */
  private failure: { readonly error: unknown } | undefined;

  /** @param carrier this agent's record, in the crew already */
  constructor(
    private readonly kernel: Kernel,
    private readonly carrier: number,
    private readonly crew: number,
    private readonly group: InstanceGroup,
    private readonly isShared: boolean,
  ) {
    const { context, program } = group;
    context.stacks = this;
    if (program.stops !== undefined) group.stops = new StopInstances(context, this, program.stops);
  }

  get canSuspend(): boolean {
    const { innerEntries, unwinding } = this.group.context;
    return this.active !== undefined && innerEntries === 0 && unwinding?.isBusy !== true;
  }

  hasOthers(): boolean {
    return this.stacks.size > 1 || (this.isShared && isLineTooLong(this.kernel.memory, this.crew));
  }

  pass(): number {
    const { memory, clock } = this.kernel;
    const stack = this.active!;
    if (Thread.pending.load(memory, stack.thread) !== 0) return -1;
    const now = clock.monotonicMilliseconds();
    const since = now - this.lastLook;
    this.lastLook = now;
    if (since < LOOK_AGAIN / 2) this.interval = Math.min(this.interval * 2, MOST_PASSED);
    else if (since > LOOK_AGAIN * 2) this.interval = Math.max(this.interval >>> 1, FEWEST_PASSED);
    if (now - this.sliceBegin < SLICE) return this.interval;
    this.sliceBegin = now;
    return this.hasReady(now) ? -1 : this.interval;
  }

  /** Whether something could run now instead of the active stack. */
  private hasReady(now: number): boolean {
    const { memory } = this.kernel;
    return (
      this.taken !== 0 ||
      ReadyQueue.head.load(memory, this.carrier) !== 0 ||
      this.deadlines.first() <= now ||
      isLineTooLong(memory, this.crew)
    );
  }

  waitRaw(address: number, expected: number | bigint, timeout: number): Outcome {
    const { context } = this.group;
    return context.wait(waitRaw(context, this.crew, address, expected, timeout));
  }

  /**
   * Serves the crew until it closes.
   *
   * @throws KernelPanic
   */
  async serve(): Promise<void> {
    const { kernel, carrier, crew } = this;
    const { memory } = kernel;
    for (;;) {
      await this.resumeReady();
      await this.resumeDue();
      if (!this.isShared && this.stacks.size > 0) {
        this.rest();
        continue;
      }
      const thread = this.isShared
        ? nextSharedThread(memory, crew, carrier)
        : nextThread(kernel, crew, carrier);
      if (thread < 0) return;
      if (thread > 0) await this.beginSome(thread);
      else if (!this.isShared) {
        if (sleepIdle(memory, crew, carrier, this.group)) break;
      } else if (this.stacks.size === 0 && Crew.closing.load(memory, crew) !== 0) break;
      else this.rest();
    }
    leaveCrew(memory, crew, carrier);
  }

  /** Sleeps until a stack is ready, a deadline comes, there is a thread to take, or the crew closes. */
  private rest(): void {
    const { kernel, carrier, crew } = this;
    const { memory } = kernel;
    if (this.stacks.size === 0 && Crew.instances.load(memory, crew) !== 0) this.group.prepare();
    hushBell(memory, carrier);
    if (this.isShared) beginRest(memory, crew, carrier);
    const isCalled =
      ReadyQueue.head.load(memory, carrier) !== 0 ||
      (this.isShared &&
        (isLineTooLong(memory, crew) ||
          (this.stacks.size === 0 && Crew.closing.load(memory, crew) !== 0)));
    if (!isCalled) {
      const deadline = this.deadlines.first();
      const timeout = deadline === Infinity ? Infinity : deadline - this.now();
      if (timeout > 0) waitForBell(memory, carrier, timeout);
    }
    if (this.isShared) endRest(memory, crew, carrier);
    memory.refreshIfGrown();
  }

  private now(): number {
    return this.kernel.clock.monotonicMilliseconds();
  }

  /** Begins a thread and, on a shared carrier, some more of those in line: each may compute for a slice, and so may all stacks before the next are begun. */
  private async beginSome(thread: number): Promise<void> {
    const { kernel, carrier, crew } = this;
    for (let left = MOST_BEGUN; ; left--) {
      await this.begin(thread);
      thread = this.isShared && left > 1 ? nextSharedThread(kernel.memory, crew, carrier) : 0;
      if (thread === 0) return;
    }
  }

  private async begin(thread: number): Promise<void> {
    const { memory } = this.kernel;
    const { crew, group } = this;
    const stack = new Stack(thread);
    this.stacks.set(thread, stack);
    group.synchronizeMemory(Crew.pages.load(memory, crew) * GUEST_PAGE);
    this.active = stack;
    this.sliceBegin = this.lastLook = this.now();
    void this.run(stack);
    await this.settle();
  }

  /** Runs a thread from begin to end. Never rejects. */
  private async run(stack: Stack): Promise<void> {
    const { kernel, carrier, crew, group } = this;
    const { memory } = kernel;
    const { thread } = stack;
    const clear = () => {
      this.stacks.delete(thread);
      if (this.isShared) clearSharedThread(memory, crew, carrier, thread);
      else clearCarrier(memory, crew, carrier);
    };
    let thrown: { error: unknown } | undefined;
    let begin = () => beginThread(kernel, group, thread, crew);
    do {
      thrown = undefined;
      try {
        const { callee, parameters } = begin();
        const over = promising(callee)(...parameters);
        await (group.program.importsContexts ? Promise.race([over, endElsewhere(stack)]) : over);
      } catch (error) {
        thrown = { error };
      }
      begin = () => rewindEntryOf(kernel, group, thread);
    } while (group.context.unwinding?.hasRewind(thrown) === true);
    try {
      endThread(kernel, group, thread, crew, clear, thrown);
    } catch (error) {
      this.failure = { error };
    }
    this.active = undefined;
  }

  /** Resolves when the active stack has been suspended or has ended. */
  private async settle(): Promise<void> {
    while (this.active !== undefined) await undefined;
    if (this.failure !== undefined) throw this.failure.error;
  }

  private async resumeReady(): Promise<void> {
    const { memory } = this.kernel;
    this.taken = takeReady(memory, this.carrier);
    while (this.taken !== 0) {
      const thread = this.taken;
      this.taken = Parker.readyNext.get(memory, thread);
      Parker.word.store(memory, thread, Parked.idle);
      const stack = this.stacks.get(thread);
      if (stack !== undefined) await this.resume(stack);
    }
  }

  private async resumeDue(): Promise<void> {
    if (this.deadlines.first() === Infinity) return;
    const { memory } = this.kernel;
    const now = this.now();
    for (;;) {
      const stack = this.deadlines.takeDue(now);
      if (stack === undefined) return;
      // Else its waker has it already, and it stands in the ready queue.
      const before = Parker.word.compareExchange(
        memory,
        stack.thread,
        Parked.suspended,
        Parked.idle,
      );
      if (before === Parked.suspended) await this.resume(stack);
    }
  }

  private async resume(stack: Stack): Promise<void> {
    const { group } = this;
    group.context.takeUp(stack);
    group.takeUp(stack);
    stack.sleep++;
    this.active = stack;
    this.sliceBegin = this.lastLook = this.now();
    stack.resume();
    await this.settle();
  }

  /** The active stack stops here; resolves when the loop resumes it. */
  private stop(): Promise<void> {
    const stack = this.active!;
    this.group.context.putBy(stack);
    this.group.putBy(stack);
    this.active = undefined;
    return new Promise((resolve) => {
      stack.resume = resolve;
    });
  }

  /** The active stack sleeps until its thread is woken or `milliseconds` have passed. */
  private sleep(milliseconds: number): Promise<void> | undefined {
    const { memory } = this.kernel;
    const stack = this.active!;
    const { thread } = stack;
    memory.lockOrder?.mustBeEmpty("suspend");
    Parker.readyQueue.set(memory, thread, this.carrier);
    const before = Parker.word.compareExchange(memory, thread, Parked.idle, Parked.suspended);
    if (before === Parked.woken) {
      Parker.word.store(memory, thread, Parked.idle);
      return undefined;
    }
    if (milliseconds !== Infinity) this.deadlines.add(this.now() + milliseconds, stack);
    return this.stop();
  }

  /** The active stack goes to the end of the ready queue. */
  private giveWay(): Promise<void> {
    const { memory } = this.kernel;
    const { thread } = this.active!;
    Parker.word.store(memory, thread, Parked.woken);
    pushReady(memory, this.carrier, thread);
    return this.stop();
  }

  createContext(entry: number): number {
    const stack = this.active!;
    const { context, current } = this.group;
    stack.contexts ??= new Contexts(
      current!,
      () => context.leave(),
      (error) => stack.endElsewhere(error),
    );
    return stack.contexts.create(entry);
  }

  switchContext(id: number): Outcome {
    const { contexts } = this.active!;
    if (contexts?.isCurrent(id) ?? id === 0) return 0;
    if (!this.canSuspend) return Errno.ENOTSUP;
    const back = contexts?.switchTo(id);
    return back === undefined ? Errno.EINVAL : this.returnLater(back);
  }

  private async returnLater(back: Promise<void>): Promise<number> {
    const { context } = this.group;
    const { onEnd } = context;
    context.onEnd = undefined;
    await back;
    onEnd?.(0);
    return this.finish(0);
  }

  destroyContext(id: number): number {
    const { contexts } = this.active!;
    return contexts?.destroy(id) ?? (id === 0 ? Errno.EINVAL : 0);
  }

  async suspend(waiting: Waiting<number>): Promise<number> {
    const { context } = this.group;
    const { onEnd } = context;
    context.onEnd = undefined;
    let result: number | undefined;
    try {
      for (;;) {
        const step = waiting.next();
        if (step.done === true) {
          result = step.value;
          break;
        }
        if (step.value === RUN_HANDLERS) {
          context.wasInterrupted = false;
          await deliverSuspendably(context);
        } else if (step.value === GIVE_WAY) await this.giveWay();
        else await this.sleep(step.value);
      }
      onEnd?.(result);
      return await this.finish(result);
    } catch (error) {
      if (result === undefined) onEnd?.(undefined);
      throw context.leaveByThrow(error);
    }
  }

  async handleFirst(call: () => Outcome): Promise<number> {
    const { context } = this.group;
    try {
      await deliverSuspendably(context);
      const outcome = call();
      // A call without a result has ended as well.
      return typeof outcome === "object" ? await outcome : await this.finish(outcome);
    } catch (error) {
      throw context.leaveByThrow(error);
    }
  }

  async finishLater(result: unknown): Promise<unknown> {
    const { context } = this.group;
    try {
      context.wasInterrupted = false;
      await deliverSuspendably(context);
      context.leave();
      return result;
    } catch (error) {
      throw context.leaveByThrow(error);
    }
  }

  /** As `SyscallContext.finish`, with handlers that can be suspended. */
  private async finish(result: number): Promise<number> {
    const { context } = this.group;
    if (context.wasInterrupted) {
      context.wasInterrupted = false;
      await deliverSuspendably(context);
    }
    context.leave();
    return result;
  }
}
