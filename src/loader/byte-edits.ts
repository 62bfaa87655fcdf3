/**
 * ByteEdits: replacements in a file's bytes, gathered in file order and then made all at once, with a map from places in the new file back to
 * places in the given one.
 *
 * Life: filled by `replace`, read once by `apply`.
 */

/**
 * Where parts of a file came from: pairs of an offset in the new file and one in the given file, for the start of each part. Parts that were kept and
 * parts that were put in take turns, beginning with one that was kept; either may be empty. Plain data: it can be posted to a worker.
 */
export type OffsetMap = Uint32Array<ArrayBuffer>;

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: readonly number[];
}

export class ByteEdits {
  private readonly edits: Edit[] = [];
  private grown = 0;

  /** Edits so far. */
  get count(): number {
    return this.edits.length;
  }

  /** By how many bytes the file grows so far. */
  get growth(): number {
    return this.grown;
  }

  /** Puts `bytes`, which are shared and must stay as they are, in place of `[start, end)`. Edits may touch each other but not overlap. */
  replace(start: number, end: number, bytes: readonly number[]): void {
    this.edits.push({ start, end, bytes });
    this.grown += bytes.length - (end - start);
  }

  /** Adds edits that were gathered by themselves, for places behind all so far. */
  append(later: ByteEdits): void {
    for (const edit of later.edits) this.edits.push(edit);
    this.grown += later.grown;
  }

  /** The new file, and where its bytes came from. */
  apply(given: Uint8Array): { bytes: Uint8Array<ArrayBuffer>; map: OffsetMap } {
    const bytes = new Uint8Array(given.length + this.grown);
    const map = new Uint32Array(2 + 4 * this.edits.length);
    let from = 0;
    let to = 0;
    let entry = 2;
    for (const edit of this.edits) {
      copyBytes(given, from, edit.start, bytes, to);
      to += edit.start - from;
      map[entry++] = to;
      map[entry++] = edit.start;
      for (const byte of edit.bytes) bytes[to++] = byte;
      from = edit.end;
      map[entry++] = to;
      map[entry++] = from;
    }
    copyBytes(given, from, given.length, bytes, to);
    return { bytes, map };
  }
}

/** Few bytes are copied sooner one by one than by the engine. */
function copyBytes(
  given: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
): void {
  if (end - start > 64) into.set(given.subarray(start, end), at);
  else while (start < end) into[at++] = given[start++];
}

/** Finds where a byte of the new file was in the given one; for a byte that was put in, where the edit began. */
export function originalOffset(map: ArrayLike<number>, offset: number): number {
  let low = 0;
  let high = map.length / 2;
  // The last part that begins at or before the offset: an empty part is followed by one with the same start.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (map[2 * middle] <= offset) low = middle;
    else high = middle;
  }
  const isKept = low % 2 === 0;
  return map[2 * low + 1] + (isKept ? offset - map[2 * low] : 0);
}
