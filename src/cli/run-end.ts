/** How a program's end becomes the end of the command. */
import type { ProcessResult } from "../api/command.ts";
import { os } from "../api/plain-run.ts";
import { ExitCode } from "./exit-codes.ts";

/** The command's exit code, and what to tell where the program did not simply exit. */
export interface RunEnd {
  readonly exitCode: number;
  readonly message: string | undefined;
}

/** Tells how a program ended. The time limit is in milliseconds. */
export function endOf(result: ProcessResult, name: string, timeout: number | undefined): RunEnd {
  if (result.timedOut) {
    const seconds = (timeout ?? 0) / 1000;
    return {
      exitCode: ExitCode.timeout,
      message: `${name} was ended after ${seconds} s (--timeout).`,
    };
  }
  if (result.signal !== undefined) {
    // Nobody reads the output any more, so nothing is told: shells are silent about it, too.
    const isExpected = result.signal === os().constants.signals.SIGPIPE;
    const told = isExpected ? undefined : `${name} was ended by ${signalName(result.signal)}.`;
    return { exitCode: ExitCode.signal + result.signal, message: result.message ?? told };
  }
  return { exitCode: result.exitCode & 0xff, message: result.message };
}

function signalName(number: number): string {
  const found = Object.entries(os().constants.signals).find(([, value]) => value === number);
  return found === undefined ? `signal ${number}` : `signal ${number} (${found[0]})`;
}
