/**
 * A log in the store: batches of records, one after the other.
 *
 * A batch is a head of `BATCH_HEAD` bytes and its records. Its checksum covers both, so that one which was cut off, by the end of a tab or of the machine, is
 * seen to be no batch: it and whatever follows never were. The batches of one log have its generation, and numbers from 1 on.
 *
 * A store has two logs. A log begins with an **image** of the files, the last batch of which says that it is complete. When a log has become long
 * against what is in the files, an image is written to the other log, with the next generation, while changes go to both; when it is complete, the old log is
 * cut to nothing. So at any time one of the two is complete; where both are, the one with the higher generation is meant.
 */
import { crc32 } from "../crc32.ts";

/** A file of the store, for one user at a time. Errors are thrown. */
export interface LogFile {
  getSize(): number;
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  /** Comes back when all that was written is safe. */
  flush(): void;
  close(): void;
}

/** "WLOG". */
const MAGIC = 0x474f4c57;
export const BATCH_HEAD = 40;
/** Where in a head the checksum is; what it covers comes after it. */
const CHECKSUM = 4;
const COVERED = 8;

/** What a batch is in its log. */
export const BatchKind = {
  /** Part of the image. */
  image: 0,
  /** The last of the image: the log is complete. */
  complete: 1,
  /** Changes after the image. */
  changes: 2,
} as const;

/** Makes the head of a batch whose records are the bytes of some pieces. */
export function makeBatchHead(
  kind: number,
  generation: number,
  number: number,
  pieces: readonly Uint8Array[],
): Uint8Array {
  const head = new Uint8Array(BATCH_HEAD);
  const view = new DataView(head.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(8, kind, true);
  view.setFloat64(16, generation, true);
  view.setFloat64(24, number, true);
  view.setFloat64(
    32,
    pieces.reduce((sum, { length }) => sum + length, 0),
    true,
  );
  let checksum = crc32(head.subarray(COVERED));
  for (const piece of pieces) checksum = crc32(piece, checksum);
  view.setUint32(CHECKSUM, checksum, true);
  return head;
}

/** What the bytes of a log hold. */
export interface ParsedLog {
  readonly generation: number;
  /** Whether its image is there. */
  readonly isComplete: boolean;
  /** The records of the sound batches. */
  readonly batches: readonly Uint8Array[];
  /** Where the next batch goes. */
  readonly end: number;
  /** How long the log was when its image was complete. */
  readonly imageEnd: number;
}

/** Finds the sound batches at the start of a log. */
export function parseLog(bytes: Uint8Array): ParsedLog {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const batches: Uint8Array[] = [];
  let generation = 0;
  let end = 0;
  let imageEnd = 0;
  for (; end + BATCH_HEAD <= bytes.length;) {
    const length = view.getFloat64(end + 32, true);
    const next = end + BATCH_HEAD + length;
    if (view.getUint32(end, true) !== MAGIC || !(length >= 0 && next <= bytes.length)) break;
    if (view.getUint32(end + CHECKSUM, true) !== crc32(bytes.subarray(end + COVERED, next))) break;
    const own = view.getFloat64(end + 16, true);
    if (batches.length === 0) generation = own;
    if (own !== generation || view.getFloat64(end + 24, true) !== batches.length + 1) break;
    batches.push(bytes.subarray(end + BATCH_HEAD, next));
    if (view.getUint32(end + 8, true) === BatchKind.complete) imageEnd = next;
    end = next;
  }
  return { generation, isComplete: imageEnd > 0, batches, end, imageEnd };
}
