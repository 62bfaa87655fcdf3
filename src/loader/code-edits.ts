/** Edits inside functions: each function's body has its length before it. */
import { ByteEdits } from "./byte-edits.ts";
import { readNumber, skipNumber } from "./instructions.ts";
import type { Section } from "./wasm-binary.ts";
import { encodeUnsigned } from "./wasm-writer.ts";

/** What all engines take at most. */
const MOST_BODY_BYTES = 7_654_321;

/** Places to change, which take memory while a module is rewritten; a compiler of 75 MB has a million and a half. */
const MOST_EDITS = 2_000_000;

/**
 * Gathers edits of a code section.
 *
 * @param edit is told where a body lies and which of the module's own functions it is, and adds its edits; false when it does not understand the code
 * @returns undefined where that is so, or limits are exceeded
 */
export function editBodies(
  bytes: Uint8Array,
  code: Section,
  edit: (start: number, end: number, own: number, edits: ByteEdits) => boolean,
): ByteEdits | undefined {
  const edits = new ByteEdits();
  let inner = new ByteEdits();
  let offset = code.start;
  const count = readNumber(bytes, offset);
  offset = skipNumber(bytes, offset);
  for (let own = 0; own < count; own++) {
    if (offset >= code.end) return undefined;
    const body = skipNumber(bytes, offset);
    const length = readNumber(bytes, offset);
    const end = body + length;
    if (end > code.end || !edit(body, end, own, inner)) return undefined;
    if (inner.count > 0) {
      const grown = length + inner.growth;
      if (grown > MOST_BODY_BYTES || edits.count + inner.count > MOST_EDITS) return undefined;
      edits.replace(offset, body, encodeUnsigned(grown));
      edits.append(inner);
      inner = new ByteEdits();
    }
    offset = end;
  }
  return offset === code.end ? edits : undefined;
}
