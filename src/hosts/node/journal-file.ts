/** A file of the host in which a machine keeps its journal. */
import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import type { JournalFile } from "../port.ts";
import { claimFile } from "./file-claim.ts";

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(descriptor, bytes, done, bytes.length - done);
}

/** Opens one, or makes it. @throws FileClaimed where another machine has it; an error with `code` where it cannot be had */
export function openJournalFile(path: string): JournalFile {
  let descriptor = openSync(path, "a");
  let giveBack: () => void;
  try {
    giveBack = claimFile(path);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  const content = new Uint8Array(readFileSync(path));
  return {
    content,
    get descriptor() {
      return descriptor;
    },
    append: (bytes) => writeAll(descriptor, bytes),
    cut: (length) => ftruncateSync(descriptor, length),
    replace(pieces) {
      // In the file's place only when all of it is on the disk: a crash leaves one or the other.
      const next = `${path}.next`;
      const written = openSync(next, "w");
      try {
        for (const piece of pieces) writeAll(written, piece);
        fdatasyncSync(written);
      } finally {
        closeSync(written);
      }
      renameSync(next, path);
      closeSync(descriptor);
      descriptor = openSync(path, "a");
    },
    close() {
      closeSync(descriptor);
      giveBack();
    },
  };
}
