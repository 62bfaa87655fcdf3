/**
 * Records of a log: what changed in a filesystem, one change each, in the order in which they were made.
 *
 * A record is a head of `HEAD_BYTES` and its bytes, padded to 8. The same form stands in the kernel heap (`journal.ts`) and in the store. Inodes are named by the
 * numbers that `stat` shows.
 */

/** What happened; a, b, c are the numbers in the head. The numbers are those of stored logs: none is ever used for anything else. */
export const Change = {
  /** A name for a new file or directory: a the directory, b its number, c its `Filetype`. Bytes: the name. */
  create: 1,
  /** A name for a new symbolic link: a the directory, b its number, c bytes of the name. Bytes: name and target. */
  symlink: 2,
  /** Another name for a file: a the directory, b its number. Bytes: the name. */
  link: 3,
  /** A name goes: a the directory. Bytes: the name. */
  unlink: 4,
  /** A directory goes: a the directory it is in. Bytes: the name. */
  removeDirectory: 5,
  /** A name becomes another: a and b the directories, c bytes of the old name. Bytes: old and new name. */
  rename: 6,
  /** Bytes are written: a the file, b where. */
  write: 7,
  /** A size is set: a the file, b the size. */
  resize: 8,
  /** Times are set as a program asked: a what it is, b 1 (accessed) and 2 (modified) or both. Bytes: accessed and modified, 64 bits each. */
  setTimes: 9,
  /** In the image that a log begins with. Bytes as they were at some time after its begin; times stay as they are: a the file, b where. */
  content: 10,
  /** In the image: all times of something: a what it is. Bytes: accessed, modified, changed, 64 bits each. */
  stamp: 11,
} as const;

/** Bytes of a head: change and number of bytes, the time as two halves, three numbers. */
export const HEAD_BYTES = 40;

/** As many bytes as a record has at most: so that it fits in a chunk of the heap (`journal.ts`). */
export const MOST_BYTES = 65_000;

/** Bytes that a record takes. */
export function recordBytes(bytes: number): number {
  return (HEAD_BYTES + bytes + 7) & ~7;
}

/** Writes a head into views that begin together. @param at a multiple of 8 */
export function writeHead(
  u32: Uint32Array,
  f64: Float64Array,
  at: number,
  change: number,
  bytes: number,
  timeLow: number,
  timeHigh: number,
  a: number,
  b: number,
  c: number,
): void {
  const word = at >>> 2;
  u32[word] = change;
  u32[word + 1] = bytes;
  u32[word + 2] = timeLow;
  u32[word + 3] = timeHigh;
  const double = at >>> 3;
  f64[double + 2] = a;
  f64[double + 3] = b;
  f64[double + 4] = c;
}

/** One record as it was read. */
export interface LogRecord {
  readonly change: number;
  readonly timeLow: number;
  readonly timeHigh: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly bytes: Uint8Array;
}

/** Reads the records that some bytes are full of. @throws RangeError where they are not */
export function* readRecords(bytes: Uint8Array): Generator<LogRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at + 4, true);
    const end = at + recordBytes(length);
    if (length > MOST_BYTES || end > bytes.length) throw new RangeError("a record is cut off");
    yield {
      change: view.getUint32(at, true),
      timeLow: view.getUint32(at + 8, true),
      timeHigh: view.getUint32(at + 12, true),
      a: view.getFloat64(at + 16, true),
      b: view.getFloat64(at + 24, true),
      c: view.getFloat64(at + 32, true),
      bytes: bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length),
    };
    at = end;
  }
}
