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
 * A suspended thread's parker says so (`Parked.suspended`): waking it puts it on this carrier's ready queue and rings the bell. Of the thread's deadline
 * and its waker only one can take the parker's word back, and so resume the stack.
 *
 * Life: made for one crew on one agent. Everything here is that agent's; what others must know stands in the `Carrier` and `Thread` records.
 */
import { Errno } from "../abi/errno.ts";
import { EventKind, type Kernel, Pending, Thread } from "../kernel/index.ts";
import type { InstanceGroup, InstanceWork } from "../loader/instance.ts";
import { StopInstances } from "../loader/stop-instances.ts";
import { makeSuspendable } from "../loader/suspendable-calls.ts";
import { describeThrown } from "../loader/trap-description.ts";
import { provideTrapDescription } from "../loader/trap.ts";
import { promising } from "../loader/suspension.ts";
import {
  hushBell,
  parkShortly,
  Parked,
  Parker,
  pushReady,
  ReadyQueue,
  takeReady,
  waitForBell,
} from "../shm/index.ts";
import type { Outcome, Waiting } from "../syscalls/block.ts";
import type { ThreadWork } from "../syscalls/context.ts";
import type { StackPort } from "../syscalls/port.ts";
import type { Interruption } from "../syscalls/signal-delivery.ts";
import { isLineTooLong } from "./carrier-orders.ts";
import {
  beginRest,
  clearCarrier,
  clearSharedThread,
  endRest,
  isLineFor,
  leaveCrew,
  nextSharedThread,
  nextThread,
} from "./crew.ts";
import { Crew } from "./crew-records.ts";
import { Contexts } from "./contexts.ts";
import { Deadlines, type Sleeper } from "./deadlines.ts";
import { GUEST_PAGE } from "../loader/program-memory.ts";
import { sleepIdle } from "./idle-carrier.ts";
import { waitRaw } from "./raw-wait.ts";
import { beginThread, endThread, type Entry, rewindEntryOf } from "./run-thread.ts";
import { type SleepingCall, SleepingCalls } from "./sleeping-calls.ts";
import { Slice } from "./slice.ts";

/** Waits of less than this are not looked at before they are done suspended, in milliseconds. */
const SHORT_WAIT = 1;

/** Threads that a shared carrier begins before it resumes its stacks again. */
const MOST_BEGUN = 16;

/** A thread with its stack. */
class Stack implements ThreadWork, InstanceWork, Sleeper {
  signalCallback: string | undefined;
  wasInterrupted = false;
  interruptions: Interruption[] = [];
  guestFailure: unknown;
  kernelFailure: unknown;
  instance: WebAssembly.Instance | undefined;
  place = 0;
  sleep = 0;
  /** Whether its call sleeps, and does not only let others run. */
  isAsleep = false;
  /** The call that sleeps. */
  call: SleepingCall | undefined;
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
  private readonly calls: SleepingCalls<Stack>;
  /** The stack that runs. */
  private active: Stack | undefined;
  /** The first thread that was taken from the ready queue and not yet resumed, linked by `Parker.readyNext`, or 0. */
  private taken = 0;
  private readonly slice = new Slice();
  /** The entry of the last thread, and what begins it on a stack of its own: the same for all where they share an instance. */
  private entry: { callee: Entry["callee"]; start: ReturnType<typeof promising> } | undefined;
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
    provideTrapDescription(describeThrown);
    this.calls = new SleepingCalls(group, {
      sleep: (stack, call, milliseconds) => this.sleep(stack, call, milliseconds),
      giveWay: (stack, call) => {
        this.giveWay(stack, call);
      },
    });
    const { context, program } = group;
    context.stacks = this;
    group.suspendable = makeSuspendable;
    if (program.stops !== undefined) group.stops = new StopInstances(context, this, program.stops);
  }

  get canSuspend(): boolean {
    const { innerEntries, unwinding } = this.group.context;
    return this.active !== undefined && innerEntries === 0 && unwinding?.isBusy !== true;
  }

  hasOthers(): boolean {
    return (
      this.stacks.size > 1 ||
      (this.isShared && isLineFor(this.kernel.memory, this.crew, this.carrier))
    );
  }

  pass(): number {
    const { slice } = this;
    const { thread } = this.active!;
    // In a program with asyncify signals wait for a call: a handler below a stop point could not be taken apart.
    const ignored = this.group.context.unwinding === undefined ? 0 : Pending.signal;
    if ((Thread.pending.load(this.kernel.memory, thread) & ~ignored) !== 0) return -1;
    const now = this.now();
    return slice.look(now) && this.hasReady(now) ? -1 : slice.passes;
  }

  /** Whether something could run now instead of the active stack. */
  private hasReady(now: number): boolean {
    const { memory } = this.kernel;
    return (
      this.taken !== 0 ||
      ReadyQueue.head.load(memory, this.carrier) !== 0 ||
      this.deadlines.first() <= now ||
      isLineFor(memory, this.crew, this.carrier)
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
        (isLineFor(memory, crew, carrier) ||
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
      this.begin(thread);
      await this.settle();
      thread = this.isShared && left > 1 ? nextSharedThread(kernel.memory, crew, carrier) : 0;
      if (thread === 0) return;
    }
  }

  /** Runs a new thread until it stops or has ended. */
  private begin(thread: number): void {
    const { kernel, crew, group } = this;
    const stack = new Stack(thread);
    this.stacks.set(thread, stack);
    group.synchronizeMemory(Crew.pages.load(kernel.memory, crew) * GUEST_PAGE);
    this.active = stack;
    this.slice.begin(this.now());
    this.run(stack, () => beginThread(kernel, group, thread, crew));
  }

  /** Runs the active thread from an entry to its end, or from there on again where its stack was taken apart. Never throws. */
  private run(stack: Stack, begin: () => Entry): void {
    const { kernel, group } = this;
    const { thread } = stack;
    const isOver = (thrown?: { readonly error: unknown }): void => {
      if (group.context.unwinding?.afterEntry(thrown) === "rewind")
        this.run(stack, () => rewindEntryOf(kernel, group, thread));
      else this.end(thread, thrown);
    };
    try {
      const { callee, parameters } = begin();
      if (callee !== this.entry?.callee) this.entry = { callee, start: promising(callee) };
      const over = this.entry.start(...parameters);
      void (group.program.importsContexts ? Promise.race([over, endElsewhere(stack)]) : over).then(
        () => isOver(),
        (error: unknown) => isOver({ error }),
      );
    } catch (error) {
      isOver({ error });
    }
  }

  /** Cleans up after the active thread. Never throws. */
  private end(thread: number, thrown?: { readonly error: unknown }): void {
    const { kernel, carrier, crew, group } = this;
    const { memory } = kernel;
    const clear = () => {
      this.stacks.delete(thread);
      if (this.isShared) clearSharedThread(memory, crew, carrier, thread);
      else clearCarrier(memory, crew, carrier);
    };
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
    if (stack.isAsleep) group.context.tell(EventKind.threadWoken);
    stack.isAsleep = false;
    stack.sleep++;
    this.active = stack;
    this.slice.begin(this.now());
    this.calls.goOn(stack, stack.call!);
    await this.settle();
  }

  /** The active stack stops in a call, with which it goes on when the loop resumes it. */
  private stop(stack: Stack, call: SleepingCall): void {
    stack.call = call;
    this.group.context.putBy(stack);
    this.group.putBy(stack);
    this.active = undefined;
  }

  /** The active stack sleeps until its thread is woken or `milliseconds` have passed. Returns false where it was woken already. */
  private sleep(stack: Stack, call: SleepingCall, milliseconds: number): boolean {
    const { memory } = this.kernel;
    const { thread } = stack;
    memory.lockOrder?.mustBeEmpty("suspend");
    Parker.readyQueue.set(memory, thread, this.carrier);
    const before = Parker.word.compareExchange(memory, thread, Parked.idle, Parked.suspended);
    if (before === Parked.woken) {
      Parker.word.store(memory, thread, Parked.idle);
      return false;
    }
    this.group.context.tell(EventKind.threadSlept);
    stack.isAsleep = true;
    if (milliseconds !== Infinity) this.deadlines.add(this.now() + milliseconds, stack);
    this.stop(stack, call);
    return true;
  }

  /** The active stack goes to the end of the ready queue. */
  private giveWay(stack: Stack, call: SleepingCall): void {
    const { memory } = this.kernel;
    const { thread } = stack;
    Parker.word.store(memory, thread, Parked.woken);
    pushReady(memory, this.carrier, thread);
    this.stop(stack, call);
  }

  switchContext(id: number, entry: number): Outcome {
    if (!this.canSuspend) return Errno.ENOTSUP;
    const stack = this.active!;
    const { kernel, group } = this;
    stack.contexts ??= new Contexts(
      kernel,
      group,
      stack.thread,
      () => rewindEntryOf(kernel, group, stack.thread),
      (error) => stack.endElsewhere(error),
    );
    return this.returnLater(stack.contexts.switchTo(id, entry));
  }

  forgetContext(id: number): void {
    this.active!.contexts?.forget(id);
  }

  private async returnLater(back: Promise<void>): Promise<number> {
    const { context } = this.group;
    const { onEnd } = context;
    context.onEnd = undefined;
    await back;
    onEnd?.(0);
    // Signals that came meanwhile wait for the next call.
    context.leave();
    return 0;
  }

  suspend(waiting: Waiting<number>): Outcome {
    const { memory } = this.kernel;
    const { context } = this.group;
    const stack = this.active!;
    let step = waiting.next(false);
    if (context.resumes && step.done !== true) {
      // As in `waitInPlace`.
      context.resumes = false;
      if (context.handlerRan === false) context.handlerRan = undefined;
      step = waiting.next(false);
    }
    // Most waits are short: as long as nothing else could run here, the stack stays where it is.
    while (step.done !== true && step.value >= SHORT_WAIT && this.isAlone()) {
      if (!parkShortly(memory, stack.thread, this.carrier)) break;
      memory.refreshIfGrown();
      step = waiting.next(false);
    }
    if (step.done === true) return step.value;
    return this.calls.begin(stack, waiting, step.value);
  }

  /** Whether nothing could run here now but the active stack. Deadlines can wait for as long as it spins. */
  private isAlone(): boolean {
    const { memory } = this.kernel;
    return (
      this.taken === 0 &&
      ReadyQueue.head.load(memory, this.carrier) === 0 &&
      !(this.isShared && isLineTooLong(memory, this.crew))
    );
  }

  handleFirst(call: () => Outcome): Promise<number> {
    return this.calls.handleFirst(call);
  }

  finishLater(result: number): Promise<number> {
    return this.calls.finishLater(result);
  }
}
