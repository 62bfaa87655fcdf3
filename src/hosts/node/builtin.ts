/**
 * Modules of Node that are loaded when they are first needed: each takes milliseconds, which a program that never needs it should not pay at
 * its start.
 */

/** Loads a module of Node itself. Before Node 20.16 only the bundle can, which is CommonJS. */
const builtin: (name: string) => unknown = process.getBuiltinModule ?? require;

/** `node:os` */
export const os = () => builtin("node:os") as typeof import("node:os");

/** `node:worker_threads` */
export const workerThreads = () =>
  builtin("node:worker_threads") as typeof import("node:worker_threads");

/** `node:crypto` */
export const crypto = () => builtin("node:crypto") as typeof import("node:crypto");

/** `node:tty` */
export const tty = () => builtin("node:tty") as typeof import("node:tty");
