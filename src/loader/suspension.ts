/**
 * Suspending stacks of guest code, where the engine can: JavaScript Promise Integration (JSPI). The two functions stand for the engine's, which
 * TypeScript does not know yet.
 */
import { panic } from "../shm/index.ts";

type AnyFunction = (...parameters: never[]) => unknown;

interface PromiseIntegration {
  readonly Suspending?: new (callee: AnyFunction) => object;
  readonly promising?: (
    callee: AnyFunction,
  ) => (...parameters: (number | bigint)[]) => Promise<unknown>;
}

const engine = WebAssembly as PromiseIntegration;

/** Whether this engine can suspend stacks: Node 25, Chromium 137 and later. */
export const canSuspendStacks = engine.Suspending !== undefined && engine.promising !== undefined;

/** An import that suspends its caller's stack where it answers a promise. */
export function suspending(callee: AnyFunction): object {
  if (engine.Suspending === undefined) panic("suspension: this engine has no JSPI");
  return new engine.Suspending(callee);
}

/** An export as a function that runs on a stack of its own; its promise settles when the export returns or throws. */
export function promising(
  callee: AnyFunction,
): (...parameters: (number | bigint)[]) => Promise<unknown> {
  if (engine.promising === undefined) panic("suspension: this engine has no JSPI");
  return engine.promising(callee);
}
