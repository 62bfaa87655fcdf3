/**
 * `weft run program.wasm …` without options: what the command does first, because most of the command is not needed for that. Where more is needed, nothing has happened yet.
 */
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { preparePlainRun, type ProcessResult } from "../api/plain-run.ts";
import { mayBeAtTerminal } from "./at-terminal.ts";
import { failed } from "./failed.ts";
import { complain } from "./output.ts";
import { endOf } from "./run-end.ts";
import { printable } from "./terminal-text.ts";

/** The bytes of a file; undefined where it cannot be read, or is no regular file, such as a pipe, which can be read only once. */
function readPlainFile(path: string): Uint8Array | undefined {
  try {
    return statSync(path).isFile() ? readFileSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Runs a program if it can be run so; the exit code of the command, or undefined where the whole command has to do it. */
export function runPlain(words: readonly string[]): number | Promise<number> | undefined {
  const [path, ...args] = words[0] === "run" ? words.slice(1) : words;
  if (path === undefined || path.startsWith("-") || !path.endsWith(".wasm")) return undefined;
  const bytes = readPlainFile(path);
  if (bytes === undefined) return undefined;
  const name = basename(path);
  const title = printable(name);
  const run = preparePlainRun(bytes, title, { name, args }, mayBeAtTerminal);
  if (run === undefined) return undefined;
  const finish = (result: ProcessResult): number => {
    const { exitCode, message } = endOf(result, title, undefined);
    if (message !== undefined) complain(message);
    return exitCode;
  };
  try {
    const result = run();
    return result instanceof Promise ? result.then(finish).catch(failed) : finish(result);
  } catch (error) {
    return failed(error);
  }
}
