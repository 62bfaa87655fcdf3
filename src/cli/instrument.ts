/** `weft instrument`: a program with asyncify, from file to file. */
import { renameSync, unlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { ExitCode } from "./exit-codes.ts";
import { Failure, failureOf } from "./failure.ts";
import { readGivenFile } from "./given-file.ts";
import { formatBytes, printable } from "./terminal-text.ts";

/** Instruments a program and writes the result; resolves to the text to print. Throws Failure where it cannot be done. */
export async function instrumentFile(path: string, target: string): Promise<string> {
  const bytes = readGivenFile(path);
  const { instrumentProgram } = await import("../api/instrument.ts");
  let instrumented: Uint8Array;
  try {
    instrumented = await instrumentProgram(bytes, printable(basename(path)));
  } catch (error) {
    throw failureOf(error);
  }
  writeWhole(target, instrumented);
  return `${printable(target)}: ${formatBytes(instrumented.length)}, with asyncify (${formatBytes(bytes.length)} without)\n`;
}

/** Writes a file that is there whole or not at all. */
function writeWhole(path: string, bytes: Uint8Array): void {
  const unfinished = `${path}.${process.pid}`;
  try {
    writeFileSync(unfinished, bytes);
    renameSync(unfinished, path);
  } catch (error) {
    try {
      unlinkSync(unfinished);
    } catch {
      // It was never made.
    }
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such folder." : message;
    throw new Failure(ExitCode.cannotRun, `${printable(path)} cannot be written: ${reason}`);
  }
}
