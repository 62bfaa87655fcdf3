/**
 * What instances of a rewritten program get besides: what their stop points call, and, where threads share one instance, places for their states. A part that
 * carriers bring whose stacks can be suspended; others never load what it needs.
 *
 * Life: one for each group of instances, of its agent alone.
 */
import { waitOnWord } from "../shm/index.ts";
import { giveWay } from "../syscalls/block.ts";
import type { SyscallContext } from "../syscalls/context.ts";
import type { StackPort } from "../syscalls/port.ts";
import type { SyscallHandler } from "../syscalls/service.ts";
import { wrapCall, wrapStop } from "./imports.ts";
import { armStopPoints, type StopHost, stopModule } from "./stop-module.ts";
import type { StopPoints } from "./stop-points.ts";
import { makeSuspendable } from "./suspendable-calls.ts";
import { ThreadStates } from "./thread-state.ts";

export class StopInstances {
  private readonly stops: WebAssembly.Instance;

  /** @param rewritten what the rewriting gave the program */
  constructor(
    context: SyscallContext,
    stacks: StackPort,
    private readonly rewritten: Omit<StopPoints, "bytes">,
  ) {
    this.stops = makeStops(context, stacks);
  }

  /** Gives a fresh instance what to do at its stop points. Returns the states of the threads that share it, where threads can. */
  arm(instance: WebAssembly.Instance): ThreadStates | undefined {
    const { state, tableName } = this.rewritten;
    armStopPoints(instance, tableName, this.stops);
    return state && new ThreadStates(instance, state);
  }
}

/** Stop points to pass where nobody could run instead. */
const MANY = 1_000_000;

/** Makes what a program's stop points call, for one context whose stacks can be suspended. */
function makeStops(context: SyscallContext, stacks: StackPort): WebAssembly.Instance {
  // On a stack that cannot be suspended now, an engine refuses even to call what may suspend.
  const wait = (address: number, expected: number | bigint, timeout: number): number =>
    stacks.canSuspend
      ? -1
      : waitOnWord(context.guest.memory, address, expected, timeout < 0 ? Infinity : timeout / 1e6);
  const waitSuspended = (_: SyscallContext, ...parameters: [number, number | bigint, number]) =>
    stacks.waitRaw(...parameters);
  const waiting = wrapCall(context, waitSuspended as SyscallHandler, 3);
  const passing = wrapStop(context, () => context.wait(giveWay()));
  const [wait32, wait64, pass] = makeSuspendable([
    { type: { parameters: ["f64", "i32", "f64"], results: ["i32"] }, call: waiting },
    { type: { parameters: ["f64", "i64", "f64"], results: ["i32"] }, call: waiting },
    { type: { parameters: [], results: ["i32"] }, call: passing },
  ]);
  const host: StopHost = {
    wait32: wait,
    wait64: wait,
    pass: () => (stacks.canSuspend ? stacks.pass() : MANY),
  };
  return new WebAssembly.Instance(stopModule(), {
    stops: { ...host },
    suspend: { wait32, wait64, pass } as Record<string, WebAssembly.AnyFunction>,
  });
}
