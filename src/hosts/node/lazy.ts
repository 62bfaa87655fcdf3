/**
 * Parts of Node that are loaded when they are first used: each costs milliseconds of the start, and a short program uses none of them.
 */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** `node:worker_threads`: loads streams. */
export function workerThreads(): typeof import("node:worker_threads") {
  return require("node:worker_threads");
}

/** Cores this process may use. */
export function parallelism(): number {
  return (require("node:os") as typeof import("node:os")).availableParallelism();
}
