/**
 * `weft run`: one program from its file to its exit code.
 *
 * A program that starts no threads runs on this very thread, which is the quickest start there is; nothing else happens meanwhile, and Ctrl-C ends
 * Node as any program. One that may start threads, has a time limit, or talks with a terminal, runs in workers: see `supervised-run.ts`.
 */
import { openSync } from "node:fs";
import { basename } from "node:path";
import { CommandMachine, type LoadedProgram, type ProcessResult } from "../api/command.ts";
import { ExitCode } from "./exit-codes.ts";
import { Failure, failureOf } from "./failure.ts";
import { usageFailure, type GivenOption } from "./options.ts";
import { complain } from "./output.ts";
import { readGivenFile } from "./given-file.ts";
import { type ProgramStart, runKept } from "./kept-run.ts";
import { machineOptionsOf, readRunSettings, type RunSettings } from "./run-options.ts";
import { endOf } from "./run-end.ts";
import { mayBeAtTerminal } from "./at-terminal.ts";
import { runSupervised } from "./supervised-run.ts";
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
  const settings = readRunSettings(options, process.env);
  const finish = (result: ProcessResult, name: string): number => {
    const { exitCode, message } = endOf(result, printable(name), settings.timeout);
    if (message !== undefined && !settings.quiet) complain(message);
    return exitCode;
  };
  const finishKept = (program: ProgramStart | undefined) =>
    runKept(settings, program).then((end) =>
      end === undefined ? 0 : finish(end.result, end.name),
    );
  const [path, ...args] = words;
  if (settings.restore !== undefined) {
    if (path === undefined) return finishKept(undefined);
    throw usageFailure(
      "run",
      `--restore: the program is in the snapshot; what is ${printable(path)}?`,
    );
  }
  if (path === undefined || path === "")
    throw usageFailure("run", "Which program? Give the path of a .wasm file.");
  const bytes = readGivenFile(path);
  const name = basename(path);
  const trace = openTrace(settings.trace);
  const spawnOptions = {
    args,
    name: settings.argv0 ?? name,
    env: settings.env,
    ...(settings.cwd === undefined ? {} : { cwd: settings.cwd }),
    ...(trace === undefined ? {} : { trace: { descriptor: trace } }),
  };
  if (settings.journal !== undefined || settings.snapshot !== undefined)
    return finishKept({ bytes, name: printable(name), options: spawnOptions });
  const { machine, loaded } = prepare(settings, bytes, printable(name));
  if (
    settings.timeout !== undefined ||
    !machine.canRunSync(loaded) ||
    (usesTerminal(loaded) && mayBeAtTerminal())
  ) {
    const { timeout } = settings;
    const limit = timeout === undefined ? {} : { timeout };
    return runSupervised({
      name: loaded.name,
      start: (streams) => machine.spawn(loaded, { ...spawnOptions, ...streams, ...limit }),
      onRefused: (listener) => machine.onRefused(listener),
    }).then((result) => finish(result, name));
  }
  const result = withReasons(() => machine.runSync(loaded, { ...spawnOptions, stdin: "inherit" }));
  return finish(result, name);
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
