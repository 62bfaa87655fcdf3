/** The note of a change of times. */
import type { Times, Vfs } from "../../vfs/index.ts";
import { note } from "./journal.ts";
import { Change } from "./record.ts";

/** Bytes of the note. */
export const TIMES_BYTES = 16;

/** Bits that say which times are set. */
export const WhichTimes = { accessed: 1, modified: 2 } as const;

/** Notes that a program set times of the inode with a number. Preconditions: as for `note`. */
export function noteTimes(vfs: Vfs, journal: number, number: number, times: Times): void {
  const which =
    (times.setAccessed ? WhichTimes.accessed : 0) | (times.setModified ? WhichTimes.modified : 0);
  const word = note(vfs, journal, Change.setTimes, TIMES_BYTES, number, which) >>> 2;
  const { u32 } = vfs.memory;
  u32[word] = times.accessedLow;
  u32[word + 1] = times.accessedHigh;
  u32[word + 2] = times.modifiedLow;
  u32[word + 3] = times.modifiedHigh;
}
