// Runs a program with `@wasmer/sdk`, in a Node of its own, which is killed when it does not end.

import { fileURLToPath } from "node:url";
import { buildGuest } from "../programs.mjs";
import { runProcess } from "../process.mjs";

export const name = "rival";

const child = fileURLToPath(new URL("rival-child.mjs", import.meta.url));

/** Why the rival cannot be run; undefined when it can. */
export function unavailable() {
  try {
    import.meta.resolve("@wasmer/sdk/node");
    return undefined;
  } catch {
    return `the devDependency "@wasmer/sdk" is not installed`;
  }
}

/** Builds the program unless it is built already. */
export const prepare = (program) => void buildGuest(program);

/** Runs the program; resolves as `runProcess` does. It has no folders of the host. */
export function run(program, { node, args = [], ...options }) {
  return runProcess(node.file, [child, buildGuest(program), ...args], options);
}
