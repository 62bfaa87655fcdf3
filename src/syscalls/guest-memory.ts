/**
 * Guest memory: the only way to a guest's bytes. One per instance group and agent.
 *
 * Any thread of the guest may grow the memory at any moment. Views made before are then too short (shared memory) or empty (unshared), so a
 * check that fails renews the views and looks again; a check that passes is good until the call returns.
 * Pointers arrive as 32-bit numbers of either sign and are checked here, nowhere else.
 */
import { Errno } from "../abi/errno.ts";
import { MOST_BUFFERS, type Transfer } from "../vfs/index.ts";
import { highHalf, lowHalf } from "./wide.ts";

/** Bytes of the longest text that a call takes. */
const LONGEST_TEXT = 65536;

/**
 * Shared memories that this agent has caught up with. V8 tells the isolates that know a memory of each growth; one that is being given the memory meanwhile
 * is not told and keeps the old size, for its views as for its instances: until the next growth, which may never come.
 */
const caughtUp = new WeakSet<WebAssembly.Memory>();

/**
 * What stands for a pointer or a size of 64 bits that is beyond any memory: no memory reaches it. Programs with 64-bit memories get none of more than
 * `MOST_WIDE_PAGES` (loader), so that all that is good is exact in 32 bits.
 */
const BEYOND = 0xffff_ffff;

/** A page that is not isolated has no such class. */
function isShared(buffer: ArrayBufferLike): boolean {
  return typeof SharedArrayBuffer === "function" && buffer instanceof SharedArrayBuffer;
}

/** A pointer or a size that a program with a 64-bit memory passes. */
export function narrowPointer(value: bigint): number {
  return highHalf(value) === 0 ? lowHalf(value) : BEYOND;
}

export class GuestMemory {
  u8!: Uint8Array;
  view!: DataView;
  /** For futex words; shorter than `u8` by up to three bytes. */
  i32!: Int32Array;

  /** Bytes of a pointer and of a size in the guest's structures. */
  readonly pointerBytes: 4 | 8;

  /** @param isWide whether its addresses, so its pointers and sizes, have 64 bits */
  constructor(
    readonly memory: WebAssembly.Memory,
    isWide = false,
  ) {
    this.pointerBytes = isWide ? 8 : 4;
    if (isShared(memory.buffer) && !caughtUp.has(memory)) {
      caughtUp.add(memory);
      this.growByNothing();
    }
    this.refresh();
  }

  private growByNothing(): void {
    // A memory of 64-bit addresses counts in big integers, of which TypeScript does not know yet.
    this.memory.grow((this.pointerBytes === 8 ? 0n : 0) as number);
  }

  /** Renews the views. */
  refresh(): void {
    const { buffer } = this.memory;
    this.u8 = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.i32 = new Int32Array(buffer);
  }

  /** Whether `length` bytes at `pointer` are the guest's, now and for the rest of the call. */
  has(pointer: number, length: number): boolean {
    const end = (pointer >>> 0) + length;
    if (end <= this.u8.length) return true;
    this.refresh();
    if (end <= this.u8.length) return true;
    if (!isShared(this.u8.buffer)) return false;
    this.synchronize();
    return end <= this.u8.length;
  }

  /**
   * Makes this agent see every growth by another that anybody has seen. V8 tells its isolates of a growth one after the other, while the memory can be used already;
   * until then `buffer` is short here and the guest's atomic instructions trap. Growing by nothing makes up for it, at the cost of telling all again.
   */
  synchronize(): void {
    this.growByNothing();
    this.refresh();
  }

  /** Makes the views cover all the memory there is now. After guest code may have run inside a call. */
  refreshIfDetached(): void {
    if (this.u8.length === 0) this.refresh();
  }

  /**
   * Reads a list of `iovec` or `ciovec` into a transfer, each buffer checked.
   *
   * @returns 0, EINVAL for more than 1024 or 2^31 bytes and more in all (readv(2)), EMEMVIOLATION
   */
  readBuffers(into: Transfer, list: number, count: number): number {
    count >>>= 0;
    if (count > MOST_BUFFERS) return Errno.EINVAL;
    const { pointerBytes } = this;
    if (!this.has(list, count * 2 * pointerBytes)) return Errno.EMEMVIOLATION;
    let total = 0;
    let at = list >>> 0;
    for (let index = 0; index < count; index++) {
      const start = this.pointerAt(at);
      const length = this.pointerAt(at + pointerBytes);
      at += 2 * pointerBytes;
      if (!this.has(start, length)) return Errno.EMEMVIOLATION;
      into.starts[index] = start;
      into.lengths[index] = length;
      total += length;
    }
    if (total > 0x7fffffff) return Errno.EINVAL;
    into.bytes = this.u8;
    into.count = count;
    into.total = total;
    into.rewind();
    return 0;
  }

  /** A pointer or a size at an address that was checked, as an unsigned number of 32 bits; one beyond those is beyond the memory. */
  pointerAt(address: number): number {
    const low = this.view.getUint32(address, true);
    if (this.pointerBytes === 4) return low;
    return this.view.getUint32(address + 4, true) === 0 ? low : BEYOND;
  }

  /** Writes a pointer or a size at an address that was checked, with `pointerBytes`. */
  setPointer(pointer: number, value: number): void {
    this.view.setUint32(pointer >>> 0, value, true);
    if (this.pointerBytes === 8) this.view.setUint32((pointer >>> 0) + 4, 0, true);
  }

  /** A 64-bit number as two halves at an address that was checked. */
  setU64(pointer: number, low: number, high: number): void {
    this.view.setUint32(pointer >>> 0, low, true);
    this.view.setUint32((pointer >>> 0) + 4, high, true);
  }

  /** A whole number from 0 to 2^53 as 64 bits, at an address that was checked. */
  setSize(pointer: number, value: number): void {
    this.view.setUint32(pointer >>> 0, value >>> 0, true);
    this.view.setUint32((pointer >>> 0) + 4, Math.floor(value / 2 ** 32), true);
  }

  /** UTF-8 text; undefined when out of the memory, no UTF-8, or longer than any name: the copy is the host's to hold. */
  text(pointer: number, length: number): string | undefined {
    if (length >>> 0 > LONGEST_TEXT || !this.has(pointer, length >>> 0)) return undefined;
    try {
      const start = pointer >>> 0;
      return new TextDecoder("utf-8", { fatal: true }).decode(
        this.u8.slice(start, start + (length >>> 0)),
      );
    } catch {
      return undefined;
    }
  }
}
