/** Failures of the command itself, for people: why it ends without its work done. */
import type { WeftError } from "../api/command.ts";
import { ExitCode } from "./exit-codes.ts";

/** Ends the command with a code and a message: one line where one is enough. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(
    readonly exitCode: number,
    message: string,
  ) {
    super(message);
  }
}

/** An error of the library as the command's own; anything else stays what it is. */
export function failureOf(error: unknown): unknown {
  if (!isWeftError(error)) return error;
  switch (error.code) {
    case "ERR_OPTION":
      return new Failure(ExitCode.usage, error.message);
    case "ERR_KERNEL_PANIC":
      return new Failure(ExitCode.failure, `${error.message}\nThis is a bug of Weft.`);
    case "ERR_FILE":
      // Of all files of the program's, only its working directory is opened before it runs.
      return new Failure(
        ExitCode.cannotRun,
        `${error.message}: the program finds no such directory to begin in. Give it one with --dir or --volume, or another --cwd.`,
      );
    default:
      return new Failure(ExitCode.cannotRun, error.message);
  }
}

/** By its name: what is loaded from another file than the command's has a class of its own. */
function isWeftError(error: unknown): error is WeftError {
  return error instanceof Error && error.name === "WeftError";
}
