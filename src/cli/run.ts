/**
 * `weft run`: one program from its file to its exit code.
 *
 * A program that starts no threads runs on this very thread, which is the quickest start there is; nothing else happens meanwhile, and Ctrl-C ends
 * Node as any program. One that may start threads, has a time limit, or talks with a terminal, runs in workers: see `supervised-run.ts`.
 */
import { openSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { CommandMachine, type LoadedProgram, type ProcessResult } from "../api/command.ts";
import { ExitCode } from "./exit-codes.ts";
import { Failure, failureOf } from "./failure.ts";
import { usageFailure, type GivenOption } from "./options.ts";
import { complain } from "./output.ts";
import { runJournaled } from "./journaled-run.ts";
import { machineOptionsOf, readRunSettings, type RunSettings } from "./run-options.ts";
import { endOf } from "./run-end.ts";
import { mayBeAtTerminal, runSupervised } from "./supervised-run.ts";
import { printable } from "./terminal-text.ts";

/**
 * Runs a program.
 *
 * @param words the program's path and its arguments
 * @returns the exit code of the command
 * @throws Failure when it cannot be run
 */
export function runProgram(
  options: readonly GivenOption[],
  words: readonly string[],
): number | Promise<number> {
  const [path, ...args] = words;
  if (path === undefined)
    throw usageFailure("run", "Which program? Give the path of a .wasm file.");
  const settings = readRunSettings(options, process.env);
  const bytes = readProgramFile(path);
  const name = basename(path);
  const trace = openTrace(settings.trace);
  const spawnOptions = {
    args,
    name: settings.argv0 ?? name,
    env: settings.env,
    ...(settings.cwd === undefined ? {} : { cwd: settings.cwd }),
    ...(trace === undefined ? {} : { trace: { descriptor: trace } }),
  };
  const finish = (result: ProcessResult): number => {
    const { exitCode, message } = endOf(result, printable(name), settings.timeout);
    if (message !== undefined && !settings.quiet) complain(message);
    return exitCode;
  };
  if (settings.journal !== undefined)
    return runJournaled(settings, bytes, printable(name), spawnOptions).then(finish);
  const { machine, loaded } = prepare(settings, bytes, printable(name));
  if (
    settings.timeout !== undefined ||
    !machine.canRunSync(loaded) ||
    (usesTerminal(loaded) && mayBeAtTerminal())
  ) {
    return runSupervised(machine, loaded, spawnOptions, settings.timeout).then(finish);
  }
  return finish(withReasons(() => machine.runSync(loaded, { ...spawnOptions, stdin: "inherit" })));
}

/** Calls that make a program one that may talk with a terminal, beyond reading and writing. */
const TERMINAL_CALLS: ReadonlySet<string> = new Set([
  "callback_signal",
  "epoll_wait",
  "poll_oneoff",
  "tty_get",
  "tty_set",
]);

/** Whether a program may want a terminal's modes, keys without waiting for them, or signals: what only an event loop can serve. */
function usesTerminal({ program }: LoadedProgram): boolean {
  return program.functions.some(({ name }) => TERMINAL_CALLS.has(name));
}

/** Reads a program's file. */
export function readProgramFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const name = printable(path);
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new Failure(ExitCode.notFound, `${name}: there is no such file.`);
    }
    const reason =
      code === "EISDIR"
        ? "it is a directory, not a program."
        : code === "EACCES"
          ? "it may not be read (permission denied)."
          : message;
    throw new Failure(ExitCode.cannotRun, `${name}: ${reason}`);
  }
}

function prepare(
  settings: RunSettings,
  bytes: Uint8Array,
  name: string,
): { machine: CommandMachine; loaded: LoadedProgram } {
  return withReasons(() => {
    const machine = CommandMachine.createSync(machineOptionsOf(settings));
    return { machine, loaded: machine.loadSync(bytes, name) };
  });
}

function openTrace(trace: string | undefined): number | undefined {
  if (trace === undefined) return undefined;
  if (trace === "") return 2;
  try {
    return openSync(trace, "w");
  } catch (error) {
    throw new Failure(ExitCode.usage, `--trace=${printable(trace)}: ${(error as Error).message}`);
  }
}

/** Does something; an error of the library becomes the command's, with its exit code. */
export function withReasons<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw failureOf(error);
  }
}
