/** Descriptors of the Node process for guests: read and written by the calling thread itself. */
import { fstatSync, readSync, statSync, writeSync } from "node:fs";
import { devNull } from "node:os";
import { Filetype } from "../../abi/enums.ts";
import type { HostStreams } from "../../fs/hoststream/port.ts";
import { WOULD_BLOCK } from "../../vfs/index.ts";
import { tty } from "./builtin.ts";
import { errnoOf } from "./errno.ts";

/** The answer to a failed read or write. */
function answerTo(error: unknown): number {
  const { code } = error as { code?: string };
  if (code === "EAGAIN") return WOULD_BLOCK;
  return code === "EOF" ? 0 : errnoOf(error);
}

/** Whether a device's number is that of the null device: then nobody has to load what knows terminals. Where devices have no numbers, none is. */
function isNullDevice(device: number): boolean {
  return device !== 0 && statSync(devNull, { throwIfNoEntry: false })?.rdev === device;
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
        if (isNullDevice(stat.rdev)) return Filetype.UNKNOWN;
        return tty().isatty(descriptor) ? Filetype.CHARACTER_DEVICE : Filetype.UNKNOWN;
      }
      if (stat.isSocket()) return Filetype.SOCKET_STREAM;
    } catch {
      // A closed standard stream: reads and writes say so.
    }
    return Filetype.UNKNOWN;
  },
};
