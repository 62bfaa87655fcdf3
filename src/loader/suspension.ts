/**
 * Suspending stacks of guest code, where the engine can: JavaScript Promise Integration (JSPI).
 */
import { panic } from "../shm/index.ts";

/** Whether this engine can suspend stacks: Node 25, Chromium 137 and later. */
export const canSuspendStacks =
  WebAssembly.Suspending !== undefined && WebAssembly.promising !== undefined;

/** An import that suspends its caller's stack where it answers a promise. */
export function suspending(callee: WebAssembly.AnyFunction): object {
  if (WebAssembly.Suspending === undefined) panic("suspension: this engine has no JSPI");
  return new WebAssembly.Suspending(callee);
}

/** An export as a function that runs on a stack of its own; its promise settles when the export returns or throws. */
export function promising(
  callee: WebAssembly.AnyFunction,
): (...parameters: (number | bigint)[]) => Promise<unknown> {
  if (WebAssembly.promising === undefined) panic("suspension: this engine has no JSPI");
  return WebAssembly.promising(callee);
}
