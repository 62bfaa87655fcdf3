/**
 * Modules of Node that are loaded when they are first needed: each takes milliseconds, which a program that never needs it should not pay at
 * its start.
 */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** `node:worker_threads` */
export const workerThreads = () =>
  require("node:worker_threads") as typeof import("node:worker_threads");

/** `node:crypto` */
export const crypto = () => require("node:crypto") as typeof import("node:crypto");
