/**
 * A module's index spaces: how many entries each has, imports included, and where its sections lie. What appends to a module's sections needs this.
 */
import { readSections, type Section, SectionId, WasmReader } from "./wasm-binary.ts";
import {
  type MemoryType,
  readGlobalType,
  readMemoryType,
  readTableType,
  readTypeSection,
} from "./wasm-types.ts";

export interface ModuleSpaces {
  readonly sections: readonly Section[];
  readonly types: number;
  readonly functions: number;
  /** How many of those are imported: they come first. */
  readonly importedFunctions: number;
  readonly tables: number;
  readonly globals: number;
  readonly memories: readonly MemoryType[];
  readonly exportNames: ReadonlySet<string>;
}

/** Reads the index spaces of a module. Throws ModuleError for bytes that are no module, or use types that are not known. */
export function readModuleSpaces(bytes: Uint8Array): ModuleSpaces {
  const sections = [...readSections(bytes)];
  const memories: MemoryType[] = [];
  const exportNames = new Set<string>();
  const counts = { types: 0, functions: 0, importedFunctions: 0, tables: 0, globals: 0 };
  for (const section of sections) {
    const reader = new WasmReader(bytes, section.start, section.end);
    if (section.id === SectionId.type) counts.types = readTypeSection(reader).length;
    else if (section.id === SectionId.import) readImports(reader, counts, memories);
    else if (section.id === SectionId.function) counts.functions += reader.unsigned();
    else if (section.id === SectionId.table) counts.tables += reader.unsigned();
    else if (section.id === SectionId.global) counts.globals += reader.unsigned();
    else if (section.id === SectionId.memory) {
      for (let left = reader.count("memories"); left > 0; left--)
        memories.push(readMemoryType(reader));
    } else if (section.id === SectionId.export) {
      for (let left = reader.count("exports"); left > 0; left--) {
        exportNames.add(reader.text());
        reader.skip(1);
        reader.unsigned();
      }
    }
  }
  return { sections, memories, exportNames, ...counts };
}

function readImports(
  reader: WasmReader,
  counts: { functions: number; importedFunctions: number; tables: number; globals: number },
  memories: MemoryType[],
): void {
  for (let left = reader.count("imports"); left > 0; left--) {
    reader.text();
    reader.text();
    const start = reader.offset;
    const kind = reader.byte();
    if (kind === 0) {
      reader.unsigned();
      counts.functions++;
      counts.importedFunctions++;
    } else if (kind === 1) {
      readTableType(reader);
      counts.tables++;
    } else if (kind === 2) memories.push(readMemoryType(reader));
    else if (kind === 3) {
      readGlobalType(reader);
      counts.globals++;
    } else if (kind === 4) {
      reader.skip(1);
      reader.unsigned();
    } else reader.fail("an import of an unknown kind", start);
  }
}
