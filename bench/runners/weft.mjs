// Runs a program with `weft run`, in a Node of its own.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildGuest } from "../programs.mjs";
import { runProcess } from "../process.mjs";

export const name = "weft";

/** The command under measurement; another build's can be put in its place. */
export const command = {
  file: fileURLToPath(new URL("../../dist/cli.cjs", import.meta.url)),
};

/** Why Weft cannot be run; undefined when it can. */
export function unavailable() {
  return existsSync(command.file) ? undefined : "Weft is not built: dist/cli.cjs is missing";
}

/** Builds the program unless it is built already. */
export const prepare = (program) => void buildGuest(program);

/** Runs a module by its file; `directories` maps guest paths to host folders. */
export function runFile(file, { node, args = [], directories = {}, ...options }) {
  const mounts = Object.entries(directories).flatMap(([guest, host]) => [
    "--dir",
    `${host}:${guest}`,
  ]);
  return runProcess(node.file, [command.file, "run", ...mounts, file, ...args], options);
}

/** Runs the program; resolves as `runProcess` does. */
export const run = (program, options) => runFile(buildGuest(program), options);
