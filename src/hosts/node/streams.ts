/** Descriptors of the Node process for guests: read and written by the calling thread itself. */
import { fstatSync, readSync, writeSync } from "node:fs";
import { Filetype } from "../../abi/enums.ts";
import type { HostStreams } from "../../fs/hoststream/port.ts";
import { WOULD_BLOCK } from "../../vfs/index.ts";
import { tty } from "./builtin.ts";
import { errnoOf } from "./errno.ts";

/** Major number of Linux's memory devices: `/dev/null` and the like. */
const MEMORY_DEVICES = 1;

/** Whether a character device is a terminal. */
function isTerminal(descriptor: number, device: number): boolean {
  // Loading what knows it takes a millisecond, which the most usual device need not cost.
  if (process.platform === "linux" && device >>> 8 === MEMORY_DEVICES) return false;
  return tty().isatty(descriptor);
}

/** The answer to a failed read or write. */
function answerTo(error: unknown): number {
  const { code } = error as { code?: string };
  if (code === "EAGAIN") return WOULD_BLOCK;
  return code === "EOF" ? 0 : errnoOf(error);
}

export const nodeStreams: HostStreams = {
  read(descriptor, bytes, start, length) {
    try {
      return readSync(descriptor, bytes, start, length, null);
    } catch (error) {
      return answerTo(error);
    }
  },
  write(descriptor, bytes, start, length) {
    try {
      return writeSync(descriptor, bytes, start, length, null);
    } catch (error) {
      return answerTo(error);
    }
  },
  typeOf(descriptor) {
    try {
      const stat = fstatSync(descriptor);
      if (stat.isFile()) return Filetype.REGULAR_FILE;
      // Another device, such as /dev/null, is of no type here: C libraries take a character device without an offset for a terminal.
      if (stat.isCharacterDevice()) {
        return isTerminal(descriptor, stat.rdev) ? Filetype.CHARACTER_DEVICE : Filetype.UNKNOWN;
      }
      if (stat.isSocket()) return Filetype.SOCKET_STREAM;
    } catch {
      // A closed standard stream: reads and writes say so.
    }
    return Filetype.UNKNOWN;
  },
};
