/**
 * Writes constructs of the WebAssembly binary format: each function returns the bytes of one. Values come from the loader itself; nothing is checked.
 */

export type WasmBytes = readonly number[];

/** An unsigned LEB128 number; exact up to 2^53. */
export function encodeUnsigned(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  bytes.push(value);
  return bytes;
}

/** A signed LEB128 number; exact up to 2^53. */
export function encodeSigned(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = ((value % 128) + 128) % 128;
    value = Math.floor(value / 128);
    if ((value === 0 && low < 0x40) || (value === -1 && low >= 0x40)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** A count, then the entries. */
export function encodeVector(entries: readonly WasmBytes[]): number[] {
  return [...encodeUnsigned(entries.length), ...entries.flat()];
}

/** A name with its length. */
export function encodeText(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...encodeUnsigned(bytes.length), ...bytes];
}

/** Value types, as bytes. */
export const ValueByte = { i32: 0x7f, i64: 0x7e, f64: 0x7c, funcref: 0x70 } as const;

/** What an import or an export is, as a byte. */
export const ExternalByte = { function: 0, table: 1, memory: 2 } as const;

/** A function type. */
export function encodeFunctionType(parameters: WasmBytes, results: WasmBytes): number[] {
  return [
    0x60,
    ...encodeUnsigned(parameters.length),
    ...parameters,
    ...encodeUnsigned(results.length),
    ...results,
  ];
}

/** A function's body with its length; `locals` are groups of count and type. */
export function encodeBody(instructions: WasmBytes, locals: readonly WasmBytes[] = []): number[] {
  const content = [...encodeVector(locals), ...instructions, 0x0b];
  return [...encodeUnsigned(content.length), ...content];
}

/** A section with its number and length. */
export function encodeSection(id: number, content: WasmBytes): number[] {
  return [id, ...encodeUnsigned(content.length), ...content];
}
