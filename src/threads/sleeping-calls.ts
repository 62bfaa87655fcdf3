/**
 * Sleeping calls: the calls of guests that wait with their stacks suspended, and those in which handlers of signals run on stacks of their own.
 *
 * A call answers the engine a promise, goes on as a generator (`syscalls/block.ts`) whenever its stack is the active one, and settles the promise when it is over.
 * Which stack is active, and how one stops, is the carrier's matter (`stack-carrier.ts`).
 *
 * Life: one for a carrier, on its agent alone.
 */
import { Resumption } from "../kernel/index.ts";
import type { InstanceGroup } from "../loader/instance.ts";
import { onStack } from "../loader/suspendable-calls.ts";
import { GIVE_WAY, type Outcome, RUN_HANDLERS, type Waiting } from "../syscalls/block.ts";
import { HANDLER_UNWINDS } from "../syscalls/control.ts";
import type { UnwindingCall } from "../syscalls/port.ts";
import { deliverSuspendably } from "../syscalls/signal-delivery.ts";

/** A call that waits with its stack suspended. */
export interface SleepingCall {
  readonly waiting: Waiting<number>;
  /** What it is, where it unwinds. */
  readonly unwinds: UnwindingCall | undefined;
  /** Whether one of the program's own handlers ran in it before its stack was taken apart, of which it has not been told. */
  readonly handlerRan: boolean;
  readonly onEnd: ((result: number | undefined) => void) | undefined;
  readonly resolve: (result: number | Promise<number>) => void;
  readonly reject: (error: unknown) => void;
}

/** How the active stack stops in a call, with which it goes on when the carrier resumes it. */
export interface Stops<Stack> {
  /** Until its thread is woken or `milliseconds` have passed. Returns false where it was woken already: then it has not stopped. */
  sleep(stack: Stack, call: SleepingCall, milliseconds: number): boolean;
  /** Behind all that is ready. */
  giveWay(stack: Stack, call: SleepingCall): void;
}

export class SleepingCalls<Stack> {
  constructor(
    private readonly group: InstanceGroup,
    private readonly stops: Stops<Stack>,
  ) {}

  /** Leaves the call that is made to go on by itself. @param first what it has yielded already */
  begin(stack: Stack, waiting: Waiting<number>, first: number): Promise<number> {
    const { context } = this.group;
    const { onEnd, call: unwinds } = context;
    const handlerRan = context.handlerRan === true;
    context.onEnd = undefined;
    return new Promise((resolve, reject) => {
      this.goOn(stack, { waiting, unwinds, handlerRan, onEnd, resolve, reject }, first);
    });
  }

  /**
   * Goes on with the active stack's call until it sleeps again or is over. Then the guest goes on in a later turn.
   *
   * @param first what the call has yielded already; @param ran what it is told of handlers that it had run (`RUN_HANDLERS`)
   */
  goOn(stack: Stack, call: SleepingCall, first?: number, ran = false): void {
    try {
      for (let wish = first; ; wish = undefined) {
        if (wish === undefined) {
          const step = call.waiting.next(ran);
          if (step.done === true) return this.endCall(call, step.value);
          wish = step.value;
        }
        if (wish === RUN_HANDLERS) return this.handleWithin(stack, call);
        if (wish === GIVE_WAY) return this.stops.giveWay(stack, call);
        if (this.stops.sleep(stack, call, wish)) return;
      }
    } catch (error) {
      this.failCall(call, error);
    }
  }

  /** Runs handlers within a call. Its own stack begins that: only there its frames can be counted. */
  private handleWithin(stack: Stack, { resolve, ...call }: SleepingCall): void {
    const begin = () =>
      new Promise<number>((resolve, reject) => {
        void this.runHandlers(stack, { ...call, resolve, reject });
      });
    resolve(this.goOnWith(call.unwinds, begin));
  }

  private async runHandlers(stack: Stack, sleeping: SleepingCall): Promise<void> {
    const { handlerRan } = sleeping;
    const call = { ...sleeping, handlerRan: false };
    let ran = handlerRan;
    try {
      try {
        const resumption = handlerRan ? Resumption.waitsNoMore : Resumption.waits;
        if (await this.deliver(resumption, 0)) ran = true;
      } catch (error) {
        call.waiting.throw(error);
      }
    } catch (error) {
      return this.failCall(call, error);
    }
    this.goOn(stack, call, undefined, ran);
  }

  /** Runs the handlers of queued signals on stacks of their own. To be called on the stack of the call in which they came. */
  private async deliver(resumption: number, answer: number): Promise<boolean> {
    const { context } = this.group;
    const { call, unwinding } = context;
    context.wasInterrupted = false;
    const frames = call === undefined ? 0 : (unwinding?.measure() ?? 0);
    try {
      return await deliverSuspendably(context, { call, frames, resumption, answer });
    } finally {
      context.call = undefined;
    }
  }

  /** What a call is answered whose stack goes on with `work` in its place, when it is resumed. */
  private goOnWith(call: UnwindingCall | undefined, work: () => Outcome): number {
    const { context } = this.group;
    return onStack(() => {
      context.call = call;
      try {
        return work();
      } finally {
        context.call = undefined;
      }
    });
  }

  private endCall({ onEnd, resolve, unwinds }: SleepingCall, result: number): void {
    onEnd?.(result);
    const { context } = this.group;
    if (context.wasInterrupted) {
      resolve(this.goOnWith(unwinds, () => this.finishLater(result)));
    } else {
      context.leave();
      resolve(result);
    }
  }

  private failCall({ onEnd, resolve, reject }: SleepingCall, error: unknown): void {
    onEnd?.(undefined);
    try {
      resolve(this.leaveByThrow(error));
    } catch (thrown) {
      reject(thrown);
    }
  }

  /** A call that has suspended its stack ends by a throw: what it answers where only its stack is taken apart, else throws. */
  private leaveByThrow(error: unknown): number {
    const { context } = this.group;
    const thrown = context.leaveByThrow(error);
    if (error !== HANDLER_UNWINDS || context.unwinding === undefined) throw thrown;
    return context.unwinding.goOnUnwinding();
  }

  /** See `StackPort`. */
  async handleFirst(call: () => Outcome): Promise<number> {
    const { context } = this.group;
    const { call: unwinds } = context;
    try {
      await this.deliver(Resumption.begins, 0);
    } catch (error) {
      return this.leaveByThrow(error);
    }
    return this.goOnWith(unwinds, () => {
      try {
        return context.finish(call());
      } catch (error) {
        throw context.leaveByThrow(error);
      }
    });
  }

  /** See `StackPort`. */
  async finishLater(result: number): Promise<number> {
    try {
      await this.deliver(Resumption.answers, result);
    } catch (error) {
      return this.leaveByThrow(error);
    }
    this.group.context.leave();
    return result;
  }
}
