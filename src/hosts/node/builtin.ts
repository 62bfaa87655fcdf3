/**
 * Modules of Node that are loaded when they are first needed: each takes milliseconds, which a program that never needs it should not pay at
 * its start.
 */
import { createRequire } from "node:module";

let load: NodeJS.Require | undefined;

/** Loads a module of Node itself. */
function builtin(name: string): unknown {
  load ??= createRequire(import.meta.url);
  return load(name);
}

/** `node:worker_threads` */
export const workerThreads = () =>
  builtin("node:worker_threads") as typeof import("node:worker_threads");

/** `node:crypto` */
export const crypto = () => builtin("node:crypto") as typeof import("node:crypto");

/** `node:tty` */
export const tty = () => builtin("node:tty") as typeof import("node:tty");
