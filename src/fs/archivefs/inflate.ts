/**
 * Inflate: the decompression of RFC 1951, at once and into an array whose size is known beforehand. And the CRC-32 of zip archives.
 *
 * In TypeScript, since a thread that reads must not wait and a browser's own decompression does nothing else. Nothing that the input says
 * can make it write beyond the array, read beyond the input, or go on for longer than either lasts.
 */

/** Codes longer than this do not exist. */
const LONGEST_CODE = 15;

/** Base values and extra bits of the length symbols from 257 on, and of the distance symbols. */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
];
const LENGTH_BITS = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** The order in which the lengths of the code for code lengths come. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** What is wrong with the input. */
class InflateError extends Error {
  override name = "InflateError";
}

/**
 * A prefix code as one table: for each value of the next `bits` bits of input, the symbol times 16 plus the length of its code; 0 where no code
 * begins so.
 */
interface CodeTable {
  readonly entries: Uint16Array;
  readonly bits: number;
}

function makeTable(lengths: Uint8Array, count: number): CodeTable {
  const counts = new Uint16Array(LONGEST_CODE + 1);
  let bits = 0;
  for (let symbol = 0; symbol < count; symbol++) {
    counts[lengths[symbol]]++;
    if (lengths[symbol] > bits) bits = lengths[symbol];
  }
  counts[0] = 0;
  const next = new Uint16Array(LONGEST_CODE + 2);
  let code = 0;
  for (let length = 1; length <= LONGEST_CODE; length++) {
    code = (code + counts[length - 1]) << 1;
    next[length] = code;
    if (code + counts[length] > 1 << length) throw new InflateError("a code has too many symbols");
  }
  const entries = new Uint16Array(1 << bits);
  for (let symbol = 0; symbol < count; symbol++) {
    const length = lengths[symbol];
    if (length === 0) continue;
    const reversed = reverse(next[length]++, length);
    for (let index = reversed; index < entries.length; index += 1 << length)
      entries[index] = (symbol << 4) | length;
  }
  return { entries, bits };
}

function reverse(code: number, length: number): number {
  let reversed = 0;
  for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
  return reversed;
}

let fixedTables: { literals: CodeTable; distances: CodeTable } | undefined;

/** The codes that need no description. */
function getFixedTables(): { literals: CodeTable; distances: CodeTable } {
  if (fixedTables === undefined) {
    const lengths = new Uint8Array(288)
      .fill(8, 0, 144)
      .fill(9, 144, 256)
      .fill(7, 256, 280)
      .fill(8, 280);
    fixedTables = {
      literals: makeTable(lengths, 288),
      distances: makeTable(new Uint8Array(30).fill(5), 30),
    };
  }
  return fixedTables;
}

class Inflater {
  private at = 0;
  private done = 0;
  /** Bits that were taken from the input and not used yet, the next one lowest. */
  private held = 0;
  private heldCount = 0;

  constructor(
    private readonly input: Uint8Array,
    private readonly output: Uint8Array,
  ) {}

  run(): void {
    let isLast: boolean;
    do {
      isLast = this.take(1) === 1;
      const type = this.take(2);
      if (type === 0) this.copyStored();
      else if (type === 1) this.expand(getFixedTables());
      else if (type === 2) this.expand(this.readTables());
      else throw new InflateError("a block has a kind that does not exist");
    } while (!isLast);
    if (this.done !== this.output.length) throw new InflateError(`there are ${this.done} bytes`);
  }

  private take(count: number): number {
    while (this.heldCount < count) {
      if (this.at >= this.input.length) throw new InflateError("the input ends too early");
      this.held |= this.input[this.at++] << this.heldCount;
      this.heldCount += 8;
    }
    const value = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.heldCount -= count;
    return value;
  }

  private decode({ entries, bits }: CodeTable): number {
    // Near the end there may be fewer bits than the longest code has: the missing ones are zero and must not be used.
    while (this.heldCount < bits && this.at < this.input.length) {
      this.held |= this.input[this.at++] << this.heldCount;
      this.heldCount += 8;
    }
    const entry = entries[this.held & ((1 << bits) - 1)];
    const length = entry & 15;
    if (length === 0 || length > this.heldCount) throw new InflateError("a code has no symbol");
    this.held >>>= length;
    this.heldCount -= length;
    return entry >> 4;
  }

  private copyStored(): void {
    // The rest of the byte is nothing; whole bytes that are held go back.
    this.at -= this.heldCount >> 3;
    this.held = this.heldCount = 0;
    const { input, output } = this;
    if (this.at + 4 > input.length) throw new InflateError("the input ends too early");
    const length = input[this.at] | (input[this.at + 1] << 8);
    const check = input[this.at + 2] | (input[this.at + 3] << 8);
    if ((length ^ check) !== 0xffff) throw new InflateError("a stored block has no proper length");
    this.at += 4;
    if (this.at + length > input.length) throw new InflateError("the input ends too early");
    if (this.done + length > output.length) throw new InflateError("there are too many bytes");
    output.set(input.subarray(this.at, this.at + length), this.done);
    this.at += length;
    this.done += length;
  }

  private readTables(): { literals: CodeTable; distances: CodeTable } {
    const literalCount = this.take(5) + 257;
    const distanceCount = this.take(5) + 1;
    const orderCount = this.take(4) + 4;
    const orderLengths = new Uint8Array(19);
    for (let index = 0; index < orderCount; index++) orderLengths[ORDER[index]] = this.take(3);
    const order = makeTable(orderLengths, 19);
    const lengths = new Uint8Array(literalCount + distanceCount);
    for (let index = 0; index < lengths.length;) {
      const symbol = this.decode(order);
      if (symbol < 16) {
        lengths[index++] = symbol;
        continue;
      }
      if (symbol === 16 && index === 0) throw new InflateError("there is no length to repeat");
      const value = symbol === 16 ? lengths[index - 1] : 0;
      const times =
        symbol === 16 ? this.take(2) + 3 : symbol === 17 ? this.take(3) + 3 : this.take(7) + 11;
      if (index + times > lengths.length) throw new InflateError("there are too many lengths");
      lengths.fill(value, index, index + times);
      index += times;
    }
    return {
      literals: makeTable(lengths, literalCount),
      distances: makeTable(lengths.subarray(literalCount), distanceCount),
    };
  }

  private expand({ literals, distances }: { literals: CodeTable; distances: CodeTable }): void {
    const { output } = this;
    for (;;) {
      const symbol = this.decode(literals);
      if (symbol === 256) return;
      if (symbol < 256) {
        if (this.done >= output.length) throw new InflateError("there are too many bytes");
        output[this.done++] = symbol;
        continue;
      }
      if (symbol > 285) throw new InflateError("a length has a symbol that does not exist");
      const length = LENGTH_BASE[symbol - 257] + this.take(LENGTH_BITS[symbol - 257]);
      const distanceSymbol = this.decode(distances);
      if (distanceSymbol > 29)
        throw new InflateError("a distance has a symbol that does not exist");
      const distance = DISTANCE_BASE[distanceSymbol] + this.take(DISTANCE_BITS[distanceSymbol]);
      if (distance > this.done) throw new InflateError("a distance leads before the start");
      if (this.done + length > output.length) throw new InflateError("there are too many bytes");
      this.copyBack(distance, length);
    }
  }

  /** Repeats bytes of the output, which may be those that are being written. */
  private copyBack(distance: number, length: number): void {
    const { output, done } = this;
    if (distance >= length) output.copyWithin(done, done - distance, done - distance + length);
    else
      for (let index = 0; index < length; index++)
        output[done + index] = output[done + index - distance];
    this.done += length;
  }
}

/**
 * Decompresses.
 *
 * @param output is filled to its last byte
 * @returns what is wrong with the input, or undefined
 */
export function inflate(input: Uint8Array, output: Uint8Array): string | undefined {
  try {
    new Inflater(input, output).run();
    return undefined;
  } catch (error) {
    if (error instanceof InflateError) return error.message;
    throw error;
  }
}
