/**
 * Appends entries to the sections of a module that hold vectors, and makes the sections that are missing. The start section, which holds none, can be left
 * out.
 */
import { ByteEdits } from "./byte-edits.ts";
import { type Section, SECTION_ORDER, SectionId, WasmReader } from "./wasm-binary.ts";
import {
  encodeSection,
  encodeText,
  encodeUnsigned,
  encodeVector,
  type WasmBytes,
} from "./wasm-writer.ts";

/** An entry of the export section, under this name or, where it is taken, one with marks behind. Returns the name as well. */
export function nameExport(
  name: string,
  taken: ReadonlySet<string>,
  kind: number,
  index: number,
): [string, number[]] {
  while (taken.has(name)) name += "'";
  return [name, [...encodeText(name), kind, ...encodeUnsigned(index)]];
}

/**
 * Appends entries.
 *
 * @param additions entries by section number; @param codeEdits edits inside the code section's entries, in file order
 * @param withoutStart whether the start section is taken out
 * @returns edits of the whole file
 */
export function appendToSections(
  bytes: Uint8Array,
  sections: readonly Section[],
  additions: ReadonlyMap<number, readonly WasmBytes[]>,
  codeEdits: ByteEdits,
  withoutStart = false,
): ByteEdits {
  const edits = new ByteEdits();
  const missing = [...additions]
    .map(([id, entries]) => ({ rank: SECTION_ORDER.indexOf(id), id, entries }))
    .filter(({ id }) => sections.every((section) => section.id !== id))
    .sort((first, second) => first.rank - second.rank);
  const addMissing = (rank: number, offset: number): void => {
    while (missing.length > 0 && missing[0].rank < rank) {
      const { id, entries } = missing.shift()!;
      edits.replace(offset, offset, encodeSection(id, encodeVector(entries)));
    }
  };
  for (const section of sections) {
    const { id, header, start, end } = section;
    // A section with no place of its own in the order: others do not go by it.
    if (id === SectionId.custom) continue;
    if (id === SectionId.dataCount) {
      const added = additions.get(SectionId.data)?.length ?? 0;
      const count = new WasmReader(bytes, start, end).unsigned() + added;
      if (added > 0) edits.replace(header, end, encodeSection(id, encodeUnsigned(count)));
      continue;
    }
    if (id === SectionId.start && withoutStart) {
      edits.replace(header, end, []);
      continue;
    }
    addMissing(SECTION_ORDER.indexOf(id), header);
    const entries = additions.get(id);
    if (entries === undefined) continue;
    const inside = id === SectionId.code ? codeEdits : new ByteEdits();
    const reader = new WasmReader(bytes, start, end);
    const count = encodeUnsigned(reader.unsigned() + entries.length);
    const added = entries.flat();
    const grown = inside.growth + count.length - (reader.offset - start) + added.length;
    edits.replace(header + 1, start, encodeUnsigned(end - start + grown));
    edits.replace(start, reader.offset, count);
    edits.append(inside);
    edits.replace(end, end, added);
  }
  addMissing(SECTION_ORDER.length, bytes.length);
  return edits;
}
