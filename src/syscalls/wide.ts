/**
 * Arguments of 64 bits as numbers.
 *
 * They arrive as big integers. Arithmetic on those makes objects; storing one in an array and reading its halves does not.
 */
const words = new Uint32Array(2);
const wide = new BigInt64Array(words.buffer);

/** The largest number that all smaller whole numbers are exact below: the largest position in a file here. */
export const LARGEST_EXACT = Number.MAX_SAFE_INTEGER;

/** The lower 32 bits, unsigned. */
export function lowHalf(value: bigint): number {
  wide[0] = value;
  return words[0];
}

/** The upper 32 bits, unsigned. */
export function highHalf(value: bigint): number {
  wide[0] = value;
  return words[1];
}

/** An unsigned argument; above 2^53 the nearest number. */
export function toUnsigned(value: bigint): number {
  wide[0] = value;
  return words[1] * 2 ** 32 + words[0];
}

/** A signed argument; beyond 2^53 the nearest number. */
export function toSigned(value: bigint): number {
  wide[0] = value;
  return (words[1] | 0) * 2 ** 32 + words[0];
}
