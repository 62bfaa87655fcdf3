/** Where agents get what takes stacks apart (`unwinding.ts`): with the calls that few programs make. */
import type { Kernel } from "../kernel/index.ts";
import type { InstanceGroup } from "../loader/instance.ts";
import { panic } from "../shm/index.ts";
import type { Unwinding } from "./unwinding.ts";

let Kind: typeof Unwinding | undefined;

/** Gives it to this agent. */
export function provideUnwinding(given: typeof Unwinding): void {
  Kind = given;
}

/** Gives a group its own, where its program carries asyncify. */
export function attachUnwinding(kernel: Kernel, group: InstanceGroup): void {
  const { asyncify } = group.program;
  if (asyncify === undefined) return;
  if (Kind === undefined) panic("unwinding: this agent was not given it");
  group.context.unwinding = new Kind(kernel, group, asyncify);
}
