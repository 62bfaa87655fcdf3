/**
 * The guest's side of a read or write: a list of buffers in one byte array, with a cursor.
 *
 * Filled once by the syscall floor, which checks every buffer; files then put bytes in or take bytes out and never see guest pointers.
 * One per agent, reused for every call.
 */
import { copyUnaligned } from "./unaligned-copy.ts";

/** As many buffers as a call may name (IOV_MAX on Linux). */
export const MOST_BUFFERS = 1024;

/** Copies `length` bytes between two byte arrays. Short runs by hand, eight at a step: a view costs more than the copy. */
export function copyBytes(
  target: Uint8Array,
  targetStart: number,
  source: Uint8Array,
  sourceStart: number,
  length: number,
): void {
  if (length <= 64) {
    let index = 0;
    for (; index + 8 <= length; index += 8) {
      const to = targetStart + index;
      const from = sourceStart + index;
      target[to] = source[from];
      target[to + 1] = source[from + 1];
      target[to + 2] = source[from + 2];
      target[to + 3] = source[from + 3];
      target[to + 4] = source[from + 4];
      target[to + 5] = source[from + 5];
      target[to + 6] = source[from + 6];
      target[to + 7] = source[from + 7];
    }
    for (; index < length; index++) target[targetStart + index] = source[sourceStart + index];
  } else if (!copyUnaligned(target, targetStart, source, sourceStart, length)) {
    target.set(source.subarray(sourceStart, sourceStart + length), targetStart);
  }
}

export class Transfer {
  /** What the buffers lie in: the guest's memory, or a host program's array. */
  bytes: Uint8Array = new Uint8Array(0);
  count = 0;
  /** Sum of the lengths. */
  total = 0;
  /** Bytes already put or taken since `rewind`. */
  done = 0;
  readonly starts = new Uint32Array(MOST_BUFFERS);
  readonly lengths = new Uint32Array(MOST_BUFFERS);
  /** Cursor: buffer, and bytes of it already used. */
  private buffer = 0;
  private used = 0;

  /** Makes this the list of one buffer. */
  single(bytes: Uint8Array, start: number, length: number): this {
    this.bytes = bytes;
    this.count = 1;
    this.total = length;
    this.starts[0] = start;
    this.lengths[0] = length;
    return this.rewind();
  }

  /** Sets the cursor to the start. A call that goes on after a partial write keeps it where it is. */
  rewind(): this {
    this.buffer = 0;
    this.used = 0;
    this.done = 0;
    return this;
  }

  /** Makes this the list of its first `bytes` bytes, if it has more. The cursor must be at the start. */
  keepFront(bytes: number): void {
    if (this.total <= bytes) return;
    const { lengths } = this;
    this.total = bytes;
    let last = 0;
    while (bytes > lengths[last]) bytes -= lengths[last++];
    lengths[last] = bytes;
    this.count = last + 1;
  }

  /** Copies bytes to the guest at the cursor. The caller never gives more than fits (`total`). */
  put(source: Uint8Array, start: number, length: number): void {
    if (this.count === 1) {
      copyBytes(this.bytes, this.starts[0] + this.used, source, start, length);
      this.used += length;
      this.done += length;
      return;
    }
    while (length > 0) {
      const piece = Math.min(length, this.lengths[this.buffer] - this.used);
      copyBytes(this.bytes, this.starts[this.buffer] + this.used, source, start, piece);
      this.advance(piece);
      start += piece;
      length -= piece;
    }
  }

  /** Copies bytes from the guest at the cursor. The caller never asks for more than there are (`total`). */
  take(target: Uint8Array, start: number, length: number): void {
    if (this.count === 1) {
      copyBytes(target, start, this.bytes, this.starts[0] + this.used, length);
      this.used += length;
      this.done += length;
      return;
    }
    while (length > 0) {
      const piece = Math.min(length, this.lengths[this.buffer] - this.used);
      copyBytes(target, start, this.bytes, this.starts[this.buffer] + this.used, piece);
      this.advance(piece);
      start += piece;
      length -= piece;
    }
  }

  /** Puts zeros to the guest at the cursor: holes in files. */
  putZeros(length: number): void {
    while (length > 0) {
      const piece = Math.min(length, this.lengths[this.buffer] - this.used);
      const start = this.starts[this.buffer] + this.used;
      this.bytes.fill(0, start, start + piece);
      this.advance(piece);
      length -= piece;
    }
  }

  /** Where the bytes at the cursor lie, up to the end of their buffer: for hosts that move them themselves. Empty buffers are passed over. */
  pieceStart(): number {
    this.advance(0);
    return this.starts[this.buffer] + this.used;
  }

  /** How many bytes there are at `pieceStart`. */
  pieceLength(): number {
    this.advance(0);
    return this.lengths[this.buffer] - this.used;
  }

  /** Moves the cursor past bytes that were moved without `put` or `take`; within one buffer. */
  skip(length: number): void {
    this.advance(length);
  }

  private advance(piece: number): void {
    this.used += piece;
    this.done += piece;
    while (this.buffer < this.count && this.used === this.lengths[this.buffer]) {
      this.buffer++;
      this.used = 0;
    }
  }
}
