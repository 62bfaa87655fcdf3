// Runs a single-threaded preview1 module with Node's own `node:wasi`, in a Node of its own.

import { fileURLToPath } from "node:url";
import { runProcess } from "../process.mjs";

export const name = "node:wasi";

const child = fileURLToPath(new URL("node-wasi-child.mjs", import.meta.url));

/** It is part of every Node. */
export const unavailable = () => undefined;

/** Runs a module by its file; `directories` maps guest paths to host folders. */
export function runFile(file, { node, args = [], directories = {}, ...options }) {
  return runProcess(
    node.file,
    ["--no-warnings", child, JSON.stringify(directories), file, ...args],
    options,
  );
}
