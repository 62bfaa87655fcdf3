/**
 * Writes WebAssembly modules byte by byte, for tests: each function returns the bytes of one construct of the binary format,
 * and nothing is checked, so that wrong modules can be written as easily as right ones.
 */

export type Bytes = readonly number[];

/** Unsigned LEB128. */
export function unsigned(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

/** Signed LEB128. */
export function signed(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && byte < 0x40) || (rest === -1n && byte >= 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

/** A count, then the entries. */
export function vector(entries: readonly Bytes[]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

export function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...unsigned(bytes.length), ...bytes];
}

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const FUNCREF = 0x70;

export function functionType(parameters: Bytes, results: Bytes): number[] {
  return [
    0x60,
    ...unsigned(parameters.length),
    ...parameters,
    ...unsigned(results.length),
    ...results,
  ];
}

/** Limits as memories and tables write them; `flags` are added to what the maximum needs. */
export function limits(minimum: number, maximum?: number, flags = 0): number[] {
  return maximum === undefined
    ? [flags, ...unsigned(minimum)]
    : [flags | 1, ...unsigned(minimum), ...unsigned(maximum)];
}

export const SHARED = 2;
export const WIDE = 4;

/** The start of an import's or export's description. */
export const Kind = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;

export function importEntry(module: string, name: string, kind: number, type: Bytes): number[] {
  return [...text(module), ...text(name), kind, ...type];
}

export function exportEntry(name: string, kind: number, index: number): number[] {
  return [...text(name), kind, ...unsigned(index)];
}

/** An i32 global with a constant initial value. */
export function i32Global(value: number, mutable = false): number[] {
  return [I32, mutable ? 1 : 0, 0x41, ...signed(value), 0x0b];
}

export function i64Global(value: bigint, mutable = false): number[] {
  return [I64, mutable ? 1 : 0, 0x42, ...signed(value), 0x0b];
}

/** A function body without locals. */
export function body(instructions: Bytes): number[] {
  const content = [0x00, ...instructions, 0x0b];
  return [...unsigned(content.length), ...content];
}

export function section(id: number, content: Bytes): number[] {
  return [id, ...unsigned(content.length), ...content];
}

export function customSection(name: string, content: Bytes): number[] {
  return section(0, [...text(name), ...content]);
}

/** Section numbers. */
export const Section = {
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
  tag: 13,
} as const;

export const HEADER: Bytes = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

export function moduleOf(...sections: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...HEADER, ...sections.flat()]);
}

/** The parts of an ordinary module; types are numbered in order of first use, imports come first in index spaces. */
export interface ModuleParts {
  types?: readonly Bytes[];
  imports?: readonly Bytes[];
  /** Type indexes, with the instructions of each body. */
  functions?: readonly { type: number; code: Bytes }[];
  tables?: readonly Bytes[];
  memories?: readonly Bytes[];
  tags?: readonly Bytes[];
  globals?: readonly Bytes[];
  exports?: readonly Bytes[];
  start?: number;
  elements?: readonly Bytes[];
  /** Written before the type section. */
  before?: readonly Bytes[];
  /** Written at the end. */
  after?: readonly Bytes[];
}

export function buildModule(parts: ModuleParts): Uint8Array<ArrayBuffer> {
  const sections: Bytes[] = [...(parts.before ?? [])];
  const add = (id: number, entries: readonly Bytes[] | undefined) => {
    if (entries?.length) sections.push(section(id, vector(entries)));
  };
  const functions = parts.functions ?? [];
  add(Section.type, parts.types);
  add(Section.import, parts.imports);
  add(
    Section.function,
    functions.map((entry) => unsigned(entry.type)),
  );
  add(Section.table, parts.tables);
  add(Section.memory, parts.memories);
  add(Section.tag, parts.tags);
  add(Section.global, parts.globals);
  add(Section.export, parts.exports);
  if (parts.start !== undefined) sections.push(section(Section.start, unsigned(parts.start)));
  add(Section.element, parts.elements);
  add(
    Section.code,
    functions.map((entry) => body(entry.code)),
  );
  sections.push(...(parts.after ?? []));
  return moduleOf(...sections);
}

/** Random numbers in [0, 1) that a seed repeats (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
