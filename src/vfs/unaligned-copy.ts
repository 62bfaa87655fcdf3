/**
 * Copies between two shared memories of bytes that do not lie alike in words of eight. V8 moves such bytes one by one; it is two to four times as quick to copy
 * them as they lie into memory of the agent's own, shift them there, where V8 need not care for other agents, and copy them out as they are to lie.
 */

/** Bytes that are shifted at a time: both places fit the processor's first cache. */
const SHIFTED = 8192;
const WORD = 8;
/** Where bytes lie that were shifted: half a page apart from where they were, as processors take addresses that are alike in their last twelve bits for the same. */
const SECOND = SHIFTED + 2048;
/** Fewer bytes than this are not worth three copies. */
const FEWEST = 512;

let own = new Uint8Array(0);

function isShared(bytes: Uint8Array): boolean {
  return typeof SharedArrayBuffer === "function" && bytes.buffer instanceof SharedArrayBuffer;
}

/**
 * Copies `length` bytes if this is the quick way for them.
 *
 * @returns false, and nothing was done, where `Uint8Array.set` is: few bytes, places that lie alike, memory of one agent alone, and the same memory, where they may overlap
 */
export function copyUnaligned(
  target: Uint8Array,
  targetStart: number,
  source: Uint8Array,
  sourceStart: number,
  length: number,
): boolean {
  if (length < FEWEST) return false;
  const from = (source.byteOffset + sourceStart) % WORD;
  const to = (target.byteOffset + targetStart) % WORD;
  if (from === to || source.buffer === target.buffer) return false;
  if (!isShared(source) || !isShared(target)) return false;
  if (own.length === 0) own = new Uint8Array(SECOND + SHIFTED + WORD);
  for (let done = 0; done < length; done += SHIFTED) {
    const piece = Math.min(SHIFTED, length - done);
    const start = sourceStart + done;
    own.set(source.subarray(start, start + piece), from);
    own.copyWithin(SECOND + to, from, from + piece);
    target.set(own.subarray(SECOND + to, SECOND + to + piece), targetStart + done);
  }
  return true;
}
