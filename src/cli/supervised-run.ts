/**
 * Running a program in workers while this thread's event loop looks after it: feeds its standard input, keeps its time limit, passes Ctrl-C on.
 *
 * No worker ever reads a pipe or a terminal itself: nothing could end such a read. Input is taken from its source only when the program asks for
 * some for the first time, so that a program that reads nothing takes nothing away from what runs after it.
 */
import { fstatSync } from "node:fs";
import { constants } from "node:os";
import type {
  CommandMachine,
  Input,
  LoadedProgram,
  ProcessResult,
  SpawnOptions,
} from "../api/command.ts";
import { complain } from "./output.ts";
import { failureOf } from "./failure.ts";

/** How long a program may take to leave after a signal, in milliseconds. */
const PATIENCE = 100;

/** How long after its end threads that are held up in a call of the host may take, in milliseconds. */
const LONGEST_CALL = 2000;

/** Runs a program to its end. */
export async function runSupervised(
  machine: CommandMachine,
  loaded: LoadedProgram,
  options: SpawnOptions,
  timeout: number | undefined,
): Promise<ProcessResult> {
  const source = await inputSource();
  try {
    const guest = await machine.spawn(loaded, {
      ...options,
      stdin: source,
      stdout: "inherit",
      stderr: "inherit",
      ...(timeout === undefined ? {} : { timeout }),
    });
    if (guest.stdin !== undefined) void feed(guest.stdin);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => {
        const end = () => endBySignal(signal);
        guest.kill(signal);
        setTimeout(end, PATIENCE);
        guest.exited().then(end, end);
      });
    }
    // Not `wait`: workers that are still starting need not come up before this process may end.
    return await Promise.race([guest.exited(), guest.exiting().then(endHeldUp)]);
  } catch (error) {
    throw failureOf(error);
  }
}

/**
 * Ends this process the hard way some time after the program's end: if it comes to that, a thread does not return from a call of the host, such as a write
 * to a terminal that was stopped. Node would wait for it for ever.
 */
async function endHeldUp(result: ProcessResult): Promise<never> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, LONGEST_CALL);
  });
  complain(
    `the program ended with exit code ${result.exitCode}, but a thread of it does not return from a call of the system: ending by SIGKILL.`,
  );
  process.kill(process.pid, "SIGKILL");
  return new Promise<never>(() => {});
}

/** Files and devices that are no terminal answer at once, so a worker may read them; the rest goes through this thread. */
async function inputSource(): Promise<"inherit" | "terminal" | "pipe"> {
  try {
    const stat = fstatSync(0);
    if (stat.isFile()) return "inherit";
    if (!stat.isCharacterDevice()) return "pipe";
    const { isatty } = await import("node:tty");
    return isatty(0) ? "terminal" : "inherit";
  } catch {
    return "inherit";
  }
}

/** Moves standard input to the program, as fast as it reads, from the moment it first asks. */
async function feed(input: Input): Promise<void> {
  if (!(await input.wanted())) return;
  try {
    for await (const chunk of process.stdin) await input.write(chunk as Uint8Array);
  } catch {
    // The program reads no more, or the source failed: either way the input is over.
  }
  await input.end();
}

/** Ends this process by a signal's default action: at once, whatever workers are doing, and so that a shell sees it. */
function endBySignal(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // The signal may be blocked or ignored here, as nohup does with SIGHUP.
  setTimeout(() => process.exit(128 + constants.signals[signal]), PATIENCE);
}
