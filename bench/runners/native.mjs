// Runs a program natively.

import { buildNative, findNativeCompiler } from "../programs.mjs";
import { runProcess } from "../process.mjs";

export const name = "native";

/** Why natively nothing can be run here; undefined when it can. */
export function unavailable() {
  return findNativeCompiler() ? undefined : "no gcc on this machine";
}

/** Builds the program unless it is built already. */
export const prepare = (program) => void buildNative(program);

/** Runs the program; resolves as `runProcess` does. */
export function run(program, { args = [], ...options }) {
  return runProcess(buildNative(program), args, options);
}
