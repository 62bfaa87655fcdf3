/**
 * The WebAssembly binary format, down to sections: a bounded reader of bytes, and the walk over section headers.
 *
 * The bytes come from the guest. Every read is checked against the end of what holds it, a count is checked against
 * the bytes left (each entry takes at least one), and nothing is allocated by a claimed number. The walk touches only
 * headers, so a module of 75 MB costs no more than a small one.
 *
 * Source: WebAssembly Core Specification, "Binary Format"; limits as in the JavaScript API's "Implementation-defined
 * Limits", which all browsers share.
 */
import { ModuleError, type ModuleErrorCode } from "./module-error.ts";

/** Section numbers, as the format assigns them. */
export const SectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** The order sections must appear in; a data count section is accepted anywhere, as V8 does. */
export const SECTION_ORDER: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 10, 11];

const SECTION_NAMES = Object.keys(SectionId);

/** What every engine refuses to exceed. */
export const Limit = {
  nameBytes: 100_000,
  entries: 1_000_000,
  parameters: 1_000,
  customSections: 100_000,
} as const;

/** One section: `[start, end)` is its content, `header` the offset of its number. All in bytes from the file's start. */
export interface Section {
  readonly id: number;
  readonly header: number;
  readonly start: number;
  readonly end: number;
}

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossyDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A cursor over `[offset, end)` of a module's bytes; every failure is a ModuleError that tells the place. */
export class WasmReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  offset: number;
  private readonly code: ModuleErrorCode;

  constructor(
    bytes: Uint8Array,
    offset = 0,
    end = bytes.length,
    code: ModuleErrorCode = "ERR_MALFORMED",
  ) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
    this.code = code;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.end - this.offset;
  }

  /** Refuses the module. @throws ModuleError */
  fail(message: string, offset = this.offset): never {
    throw new ModuleError(this.code, message, offset);
  }

  /** Reads one byte. */
  byte(): number {
    if (this.offset >= this.end) {
      this.fail("the module ends, or a section ends, in the middle of an entry");
    }
    return this.bytes[this.offset++];
  }

  /** Steps over `count` bytes. */
  skip(count: number): void {
    if (count > this.left) this.fail(`${count} bytes were announced, ${this.left} are left`);
    this.offset += count;
  }

  /** An unsigned LEB128 number of at most 32 or 64 bits. Above 2^53 the value is the nearest double. */
  unsigned(bits: 32 | 64 = 32): number {
    const start = this.offset;
    const final = bits === 32 ? 4 : 9;
    const finalLimit = bits === 32 ? 0x0f : 0x01;
    let value = 0;
    let scale = 1;
    for (let position = 0; ; position++) {
      const byte = this.byte();
      if (position === final && byte > finalLimit) {
        this.fail(`an unsigned number does not fit in ${bits} bits`, start);
      }
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  /** A signed LEB128 number of at most `bits` bits. */
  signed(bits: 32 | 33 | 64): bigint {
    const start = this.offset;
    const final = Math.ceil(bits / 7) - 1;
    const bound = 1 << (bits - 7 * final - 1);
    let value = 0n;
    for (let position = 0; ; position++) {
      const byte = this.byte();
      if (position === final) {
        const top = byte & 0x40 ? (byte & 0x7f) - 0x80 : byte & 0x7f;
        if (byte > 0x7f || top < -bound || top >= bound) {
          this.fail(`a signed number does not fit in ${bits} bits`, start);
        }
      }
      value |= BigInt(byte & 0x7f) << BigInt(7 * position);
      if (byte < 0x80) return BigInt.asIntN(7 * (position + 1), value);
    }
  }

  /**
   * The count that opens a vector of `what`; never more than the bytes left, so a loop over it ends.
   * More than `limit` is ERR_MODULE_LIMIT.
   */
  count(what: string, limit: number = Limit.entries): number {
    const start = this.offset;
    const count = this.unsigned();
    if (count > this.left) this.fail(`${count} ${what} are announced in ${this.left} bytes`, start);
    if (count > limit) {
      throw new ModuleError("ERR_MODULE_LIMIT", `${count} ${what}; engines take ${limit}`, start);
    }
    return count;
  }

  /** A length-prefixed UTF-8 name. With `lossy`, bad UTF-8 becomes U+FFFD, as engines do for names of custom sections. */
  text(lossy = false): string {
    const start = this.offset;
    const length = this.count("bytes of a name", Limit.nameBytes);
    // A copy: browsers refuse to decode from shared memory.
    const bytes = this.bytes.slice(this.offset, this.offset + length);
    this.offset += length;
    try {
      return (lossy ? lossyDecoder : strictDecoder).decode(bytes);
    } catch {
      this.fail("a name is not UTF-8", start);
    }
  }

  /** Checks that everything was read. */
  finish(what: string): void {
    if (this.left > 0) this.fail(`${what} has ${this.left} bytes too many`);
  }
}

/** Bytes that every module begins with: the magic number, version 1, layer 0. */
export const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/**
 * Walks the sections of a module in file order, reading headers only. Throws ModuleError for a file that is no module,
 * for a section cut off, unknown, repeated or out of order.
 */
export function* readSections(bytes: Uint8Array): Generator<Section, void, undefined> {
  // What the file is instead, `foreign-format.ts` knows.
  if (HEADER.some((byte, index) => bytes[index] !== byte))
    throw new ModuleError("ERR_NOT_WASM", "not a WebAssembly module");
  const reader = new WasmReader(bytes, 8);
  let rank = -1;
  let seenDataCount = false;
  while (reader.left > 0) {
    const header = reader.offset;
    const id = reader.byte();
    const length = reader.unsigned();
    const name = SECTION_NAMES[id];
    if (name === undefined) reader.fail(`section number ${id} is not known`, header);
    if (length > reader.left) {
      reader.fail(
        `the ${name} section announces ${length} bytes, ${reader.left} are left: the module is cut off`,
        header,
      );
    }
    if (id === SectionId.dataCount) {
      if (seenDataCount) reader.fail("a second dataCount section", header);
      seenDataCount = true;
    } else if (id !== SectionId.custom) {
      const next = SECTION_ORDER.indexOf(id);
      if (next <= rank) {
        reader.fail(`the ${name} section is repeated or out of order`, header);
      }
      rank = next;
    }
    const start = reader.offset;
    reader.skip(length);
    yield { id, header, start, end: reader.offset };
  }
}
