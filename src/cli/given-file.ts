/** Files that the command line names: a program, a snapshot. */
import { readFileSync } from "node:fs";
import { ExitCode } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import { printable } from "./terminal-text.ts";

/** Reads one. @throws Failure */
export function readGivenFile(path: string): Uint8Array {
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
        ? "it is a directory, not a file."
        : code === "EACCES"
          ? "it may not be read (permission denied)."
          : message;
    throw new Failure(ExitCode.cannotRun, `${name}: ${reason}`);
  }
}
