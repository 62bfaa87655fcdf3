/**
 * What the command prints itself. Written at once by this thread, so that nothing is lost when the process ends, and in order with what a program
 * writes to the same place.
 */
import { writeSync } from "node:fs";

/** Prints to standard output. A closed reader ends the command quietly, as it does other tools. */
export function print(text: string): void {
  write(1, text);
}

/** Prints a message of the command's own to standard error. */
export function complain(message: string): void {
  write(2, `weft: ${message}\n`);
}

function write(descriptor: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A pipe that somebody made non-blocking, and that is full.
      if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      else return;
    }
  }
}
