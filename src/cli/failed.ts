/** The end of a command that failed. */
import { ExitCode } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import { complain } from "./output.ts";

/** Tells why the command failed, and gives the exit code. */
export function failed(error: unknown): number {
  if (error instanceof Failure) {
    complain(error.message);
    return error.exitCode;
  }
  complain(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nThis is a bug of Weft.`,
  );
  return ExitCode.failure;
}
