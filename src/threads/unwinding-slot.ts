/** Where agents get what takes stacks apart, and what does so: with the calls that few programs make. */
import type { Kernel } from "../kernel/index.ts";
import type { InstanceGroup } from "../loader/instance.ts";
import { panic } from "../shm/index.ts";
import type { DeepSleep, wakeSleeper } from "./deep-sleep.ts";
import type { CrewForkPort } from "./fork.ts";
import type { sleepWatching } from "./idle-carrier.ts";
import type { hasReadySleeper, takeSleeperLocked } from "./sleepers.ts";
import type { Unwinding } from "./unwinding.ts";

/** What takes stacks apart, and what depends on that. */
export interface StackParts {
  readonly Unwinding: typeof Unwinding;
  readonly CrewForkPort: typeof CrewForkPort;
  readonly DeepSleep: typeof DeepSleep;
  readonly wakeSleeper: typeof wakeSleeper;
  readonly hasReadySleeper: typeof hasReadySleeper;
  readonly sleepWatching: typeof sleepWatching;
  readonly takeSleeperLocked: typeof takeSleeperLocked;
}

let parts: StackParts | undefined;

/** Gives it to this agent. */
export function provideUnwinding(given: StackParts): void {
  parts = given;
}

/** What this agent was given: for programs that carry asyncify. */
export function stackParts(): StackParts {
  return parts ?? panic("unwinding: this agent was not given it");
}

/** Gives a group its own, where its program carries asyncify. */
export function attachUnwinding(kernel: Kernel, group: InstanceGroup): void {
  const { asyncify } = group.program;
  if (asyncify === undefined) return;
  const { Unwinding: Kind } = stackParts();
  group.context.unwinding = new Kind(kernel, group, asyncify);
}
