/**
 * A module's index spaces: how many entries each has, imports included, and where its sections lie. What appends to a module's sections needs this.
 */
import { rareTypes } from "./rare-types.ts";
import { readSections, type Section, SectionId, WasmReader } from "./wasm-binary.ts";
import {
  type GlobalType,
  type MemoryType,
  provideRareTypes,
  readGlobalDefinition,
  readGlobalType,
  readMemoryType,
  readTableDefinition,
  readTableType,
  readTypeSection,
  type ValueType,
} from "./wasm-types.ts";

provideRareTypes(rareTypes);

/** The index spaces of one module. */
export interface ModuleSpaces {
  readonly sections: readonly Section[];
  readonly types: number;
  readonly functions: number;
  /** How many of those are imported: they come first. */
  readonly importedFunctions: number;
  /** What each table holds. */
  readonly tables: readonly ValueType[];
  readonly globals: readonly GlobalType[];
  readonly memories: readonly MemoryType[];
  /** How many of those are imported: they come first. */
  readonly importedMemories: number;
  readonly dataSegments: number;
  /** The function that the start section names. */
  readonly start: number | undefined;
  readonly exportNames: ReadonlySet<string>;
  /** Indexes of exported functions, by name. */
  readonly exportedFunctions: ReadonlyMap<string, number>;
  /** A name of each exported global, by its index. */
  readonly exportedGlobals: ReadonlyMap<number, string>;
}

/** The same while it is gathered. */
interface Found {
  types: number;
  functions: number;
  importedFunctions: number;
  tables: ValueType[];
  globals: GlobalType[];
  memories: MemoryType[];
  importedMemories: number;
  dataSegments: number;
  start: number | undefined;
  exportNames: Set<string>;
  exportedFunctions: Map<string, number>;
  exportedGlobals: Map<number, string>;
}

/** Reads the index spaces of a module. Throws ModuleError for bytes that are no module, or use types that are not known. */
export function readModuleSpaces(bytes: Uint8Array): ModuleSpaces {
  const sections = [...readSections(bytes)];
  const found: Found = {
    types: 0,
    functions: 0,
    importedFunctions: 0,
    tables: [],
    globals: [],
    memories: [],
    importedMemories: 0,
    dataSegments: 0,
    start: undefined,
    exportNames: new Set(),
    exportedFunctions: new Map(),
    exportedGlobals: new Map(),
  };
  for (const { id, start, end } of sections)
    readSection(id, new WasmReader(bytes, start, end), found);
  return { sections, ...found };
}

function readSection(id: number, reader: WasmReader, found: Found): void {
  switch (id) {
    case SectionId.type:
      found.types = readTypeSection(reader).length;
      break;
    case SectionId.import:
      for (let left = reader.count("imports"); left > 0; left--) readImport(reader, found);
      break;
    case SectionId.function:
      found.functions += reader.unsigned();
      break;
    case SectionId.table:
      for (let left = reader.count("tables"); left > 0; left--)
        found.tables.push(readTableDefinition(reader).element);
      break;
    case SectionId.memory:
      for (let left = reader.count("memories"); left > 0; left--)
        found.memories.push(readMemoryType(reader));
      break;
    case SectionId.global:
      for (let left = reader.count("globals"); left > 0; left--)
        found.globals.push(readGlobalDefinition(reader));
      break;
    case SectionId.export:
      for (let left = reader.count("exports"); left > 0; left--) readExport(reader, found);
      break;
    case SectionId.start:
      found.start = reader.unsigned();
      break;
    case SectionId.data:
      found.dataSegments = reader.unsigned();
      break;
  }
}

function readExport(reader: WasmReader, found: Found): void {
  const name = reader.text();
  const kind = reader.byte();
  const index = reader.unsigned();
  found.exportNames.add(name);
  if (kind === 0) found.exportedFunctions.set(name, index);
  else if (kind === 3) found.exportedGlobals.set(index, name);
}

function readImport(reader: WasmReader, found: Found): void {
  reader.text();
  reader.text();
  const start = reader.offset;
  const kind = reader.byte();
  if (kind === 0) {
    reader.unsigned();
    found.functions++;
    found.importedFunctions++;
  } else if (kind === 1) found.tables.push(readTableType(reader).element);
  else if (kind === 2) {
    found.memories.push(readMemoryType(reader));
    found.importedMemories++;
  } else if (kind === 3) found.globals.push(readGlobalType(reader));
  else if (kind === 4) {
    reader.skip(1);
    reader.unsigned();
  } else reader.fail("an import of an unknown kind", start);
}
