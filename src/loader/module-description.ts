/**
 * ModuleDescription: everything the loader decides by, read from a module's bytes before an engine sees them. The
 * JavaScript API tells names and kinds only; signatures, limits, initial values and metadata are in the bytes alone.
 *
 * Life: made once per module, immutable, plain data (it can be posted to a worker).
 */
import { ModuleError } from "./module-error.ts";
import { readGlobalNames } from "./tool-sections.ts";
import { Limit, readSections, SectionId, WasmReader } from "./wasm-binary.ts";
import {
  type FunctionType,
  type GlobalType,
  type MemoryType,
  readFunctionType,
  readGlobalDefinition,
  readGlobalType,
  readMemoryType,
  readTableDefinition,
  readTableType,
  readTypeSection,
  type TableType,
} from "./wasm-types.ts";

/** What an import or an export is, with its type. A function or a tag has a function type. */
export type ExternalType =
  | { readonly kind: "function" | "tag"; readonly type: FunctionType }
  | { readonly kind: "memory"; readonly type: MemoryType }
  | { readonly kind: "table"; readonly type: TableType }
  | { readonly kind: "global"; readonly type: GlobalType };

/** One import of a module. */
export type ModuleImport = ExternalType & { readonly module: string; readonly name: string };

/** One export of a module. */
export type ModuleExport = ExternalType & {
  readonly name: string;
  /** In the index space of its kind, where imports come first. */
  readonly index: number;
};

/** The memory that calls read and write: the exported one (`memory` before others), else the imported one. */
export interface MainMemory {
  readonly source: "imported" | "exported" | "both" | "none";
  readonly importName: { readonly module: string; readonly name: string } | undefined;
  readonly exportName: string | undefined;
  readonly limits: MemoryType | undefined;
}

/** What a module's bytes tell: see above. */
export interface ModuleDescription {
  readonly imports: readonly ModuleImport[];
  readonly exports: readonly ModuleExport[];
  /** Memories and tables the module defines itself. */
  readonly memories: readonly MemoryType[];
  readonly tables: readonly TableType[];
  /** Functions the module defines itself. */
  readonly functionCount: number;
  readonly hasStart: boolean;
  readonly memory: MainMemory;
  /** Initial value of `__stack_pointer`, exported or not; undefined when it cannot be told. */
  readonly stackPointer: number | undefined;
  /** The number of that global, imported ones counted; undefined where it cannot be told. */
  readonly stackPointerGlobal: number | undefined;

  /** Names of custom sections in file order, each once. */
  readonly customSections: readonly string[];
  /** Where the content of the `dylink.0` section is: see `dylink-section.ts`. */
  readonly dylink: { readonly start: number; readonly end: number } | undefined;

  /** Exports `_start`. */
  readonly isCommand: boolean;
  /** Exports `_initialize`. */
  readonly isReactor: boolean;
  /** Exports `wasi_thread_start`. */
  readonly hasThreadEntry: boolean;
  /** Imports one of the calls that start a thread. */
  readonly importsThreadSpawn: boolean;
  /** Exports the five functions of asyncify. */
  readonly asyncify: boolean;
  /** Has a `dylink.0` section: memory, table and stack come from the linker. */
  readonly isDynamic: boolean;
  /** An object file: compiled, not linked. A program whose linker was told to keep relocations has the same section, and exports. */
  readonly isObjectFile: boolean;
  /** Modules of the WASI family that it imports from, in order of first use. */
  readonly wasiModules: readonly string[];
}

const WASI_MODULE = /^(?:wasi_snapshot_preview1|wasi_unstable|wasix_32v1|wasix_64v1|wasi)$/;
const THREAD_SPAWN =
  /^(?:(?:wasi|wasi_snapshot_preview1|wasi_unstable)\.thread-spawn|wasix_(?:32|64)v1\.thread_spawn(?:_v2)?)$/;
const ASYNCIFY_EXPORTS = [
  "asyncify_start_unwind",
  "asyncify_stop_unwind",
  "asyncify_start_rewind",
  "asyncify_stop_rewind",
  "asyncify_get_state",
];

/** External kinds by their number in the format. */
const KINDS = ["function", "table", "memory", "global", "tag"] as const;

/** What the sections hold, gathered in file order. Definitions are kept as offsets and decoded when an export names them. */
class ModuleReading {
  readonly imports: ModuleImport[] = [];
  readonly exports: ModuleExport[] = [];
  readonly memories: MemoryType[] = [];
  readonly tables: TableType[] = [];
  readonly customSections = new Set<string>();
  functionCount = 0;
  hasStart = false;
  dylink: { start: number; end: number } | undefined;
  globalNames: Map<number, string> | undefined;

  private readonly bytes: Uint8Array;
  private typeOffsets: number[] = [];
  private readonly types = new Map<number, FunctionType>();
  /** Imports of each kind: the head of that kind's index space. */
  private readonly imported: Record<(typeof KINDS)[number], ExternalType[]> = {
    function: [],
    table: [],
    memory: [],
    global: [],
    tag: [],
  };
  private functions: WasmReader | undefined;
  private readonly globalOffsets: number[] = [];
  private readonly tagTypes: number[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    for (const section of readSections(bytes)) {
      const reader = new WasmReader(bytes, section.start, section.end);
      switch (section.id) {
        case SectionId.custom:
          this.readCustom(reader);
          break;
        case SectionId.type:
          this.typeOffsets = readTypeSection(reader);
          break;
        case SectionId.import:
          this.readImports(reader);
          break;
        case SectionId.function:
          this.functionCount = reader.count("functions");
          this.functions = reader;
          break;
        case SectionId.table:
          for (let left = reader.count("tables"); left > 0; left--) {
            this.tables.push(readTableDefinition(reader));
          }
          reader.finish("the table section");
          break;
        case SectionId.memory:
          for (let left = reader.count("memories"); left > 0; left--) {
            this.memories.push(readMemoryType(reader));
          }
          reader.finish("the memory section");
          break;
        case SectionId.tag:
          for (let left = reader.count("tags"); left > 0; left--) {
            this.tagTypes.push(this.readTag(reader));
          }
          reader.finish("the tag section");
          break;
        case SectionId.global:
          for (let left = reader.count("globals"); left > 0; left--) {
            this.globalOffsets.push(reader.offset);
            readGlobalDefinition(reader);
          }
          reader.finish("the global section");
          break;
        case SectionId.export:
          this.readExports(reader);
          break;
        case SectionId.start:
          reader.unsigned();
          reader.finish("the start section");
          this.hasStart = true;
          break;
      }
    }
  }

  /** The function type of a type index. */
  private functionType(index: number, reader: WasmReader): FunctionType {
    let type = this.types.get(index);
    if (type === undefined) {
      const offset = this.typeOffsets[index];
      if (!offset) reader.fail(`type ${index} is not a function type of this module`);
      type = readFunctionType(new WasmReader(this.bytes, offset));
      this.types.set(index, type);
    }
    return type;
  }

  private readTag(reader: WasmReader): number {
    if (reader.byte() !== 0) reader.fail("a tag with an unknown attribute", reader.offset - 1);
    return reader.unsigned();
  }

  private readImports(reader: WasmReader): void {
    for (let left = reader.count("imports"); left > 0; left--) {
      const module = reader.text();
      const name = reader.text();
      const start = reader.offset;
      const kind = KINDS[reader.byte()];
      let external: ExternalType;
      if (kind === "function") {
        external = { kind, type: this.functionType(reader.unsigned(), reader) };
      } else if (kind === "table") external = { kind, type: readTableType(reader) };
      else if (kind === "memory") external = { kind, type: readMemoryType(reader) };
      else if (kind === "global") external = { kind, type: readGlobalType(reader) };
      else if (kind === "tag") {
        external = { kind, type: this.functionType(this.readTag(reader), reader) };
      } else reader.fail("an import of an unknown kind", start);
      this.imported[external.kind].push(external);
      this.imports.push({ module, name, ...external });
    }
    reader.finish("the import section");
  }

  private readExports(reader: WasmReader): void {
    const functions: { position: number; index: number; name: string }[] = [];
    for (let left = reader.count("exports"); left > 0; left--) {
      const name = reader.text();
      const start = reader.offset;
      const kind = KINDS[reader.byte()];
      const index = reader.unsigned();
      if (kind === undefined) reader.fail("an export of an unknown kind", start);
      let external: ExternalType | undefined = this.imported[kind][index];
      const own = index - this.imported[kind].length;
      if (external === undefined && kind === "function" && own < this.functionCount) {
        // Types of own functions are looked up together, in one walk.
        functions.push({ position: this.exports.length, index: own, name });
        external = { kind, type: { parameters: [], results: [] } };
      } else if (external === undefined) external = this.definition(kind, own, reader);
      if (external === undefined) {
        reader.fail(`an export of ${kind} ${index}, which is not there`, start);
      }
      this.exports.push({ name, index, ...external });
    }
    reader.finish("the export section");

    functions.sort((first, second) => first.index - second.index);
    let walked = 0;
    let typeIndex = 0;
    for (const { position, index, name } of functions) {
      const walker = this.functions!;
      for (; walked <= index; walked++) typeIndex = walker.unsigned();
      const type = this.functionType(typeIndex, walker);
      this.exports[position] = {
        name,
        index: this.exports[position].index,
        kind: "function",
        type,
      };
    }
  }

  /** A table, memory, global or tag that the module defines itself. */
  private definition(kind: string, own: number, reader: WasmReader): ExternalType | undefined {
    if (kind === "table" && own < this.tables.length) return { kind, type: this.tables[own] };
    if (kind === "memory" && own < this.memories.length) return { kind, type: this.memories[own] };
    if (kind === "tag" && own < this.tagTypes.length) {
      return { kind, type: this.functionType(this.tagTypes[own], reader) };
    }
    const type = kind === "global" ? this.ownGlobal(own) : undefined;
    return type && { kind: "global", type };
  }

  /** A global that the module defines itself, counted without the imported ones. */
  ownGlobal(own: number): GlobalType | undefined {
    const offset = this.globalOffsets[own];
    return offset === undefined
      ? undefined
      : readGlobalDefinition(new WasmReader(this.bytes, offset));
  }

  get importedGlobalCount(): number {
    return this.imported.global.length;
  }

  private readCustom(reader: WasmReader): void {
    const name = reader.text(true);
    const seen = this.customSections.size;
    this.customSections.add(name);
    if (this.customSections.size === seen) return;
    if (seen === Limit.customSections) {
      throw new ModuleError("ERR_MODULE_LIMIT", `more than ${seen} custom sections`, reader.offset);
    }
    if (name === "dylink.0") {
      this.dylink = { start: reader.offset, end: reader.end };
    } else if (name === "name") this.globalNames = readGlobalNames(reader);
  }
}

function chooseMainMemory(reading: ModuleReading): MainMemory {
  const imported = reading.imports.filter((entry) => entry.kind === "memory");
  const exported = reading.exports.filter((entry) => entry.kind === "memory");
  const chosen = exported.find((entry) => entry.name === "memory") ?? exported[0];
  const origin = imported[chosen?.index ?? 0];
  return {
    source: origin ? (chosen ? "both" : "imported") : chosen ? "exported" : "none",
    importName: origin && { module: origin.module, name: origin.name },
    exportName: chosen?.name,
    limits: (chosen ?? origin)?.type,
  };
}

/** The constant initial value of an exported global, as an unsigned number; undefined when there is none. */
export function exportedGlobalValue(
  description: Pick<ModuleDescription, "exports">,
  name: string,
): number | undefined {
  const entry = description.exports.find((candidate) => candidate.name === name);
  return entry?.kind === "global" ? unsignedValue(entry.type) : undefined;
}

function unsignedValue({ value }: GlobalType): number | undefined {
  if (value === undefined) return undefined;
  return typeof value === "number" ? value >>> 0 : Number(BigInt.asUintN(64, value));
}

/**
 * The stack pointer is exported, or named in the `name` section, or else the first own global: LLVM's linker puts it there,
 * and programs stripped of names have no other sign of it.
 */
function findStackPointer(reading: ModuleReading): number | undefined {
  const exported = exportedGlobalValue(reading, "__stack_pointer");
  if (exported !== undefined) return exported;
  const global = reading.ownGlobal(ownStackPointer(reading));
  // 0 is what a module writes that makes its stack while it runs.
  return (global?.mutable && unsignedValue(global)) || undefined;
}

/** Which of the module's own globals its stack pointer is, if it has one. */
function ownStackPointer(reading: ModuleReading): number {
  for (const [index, name] of reading.globalNames ?? []) {
    if (name === "__stack_pointer") return index - reading.importedGlobalCount;
  }
  return 0;
}

/** The number of the global that is the module's stack pointer. */
function findStackPointerGlobal(reading: ModuleReading): number | undefined {
  for (const entry of reading.exports) {
    if (entry.kind === "global" && entry.name === "__stack_pointer")
      return entry.type.type === "i32" ? entry.index : undefined;
  }
  const own = ownStackPointer(reading);
  const global = reading.ownGlobal(own);
  return global?.mutable === true && global.type === "i32"
    ? own + reading.importedGlobalCount
    : undefined;
}

/**
 * Reads what a module is. Takes a few milliseconds at most for any real module: code and data are not looked at. Throws
 * ModuleError, and nothing else, for bytes that are no module; bytes it accepts may still be refused by an engine, which
 * alone checks code.
 */
export function describeModule(bytes: Uint8Array): ModuleDescription {
  const reading = new ModuleReading(bytes);
  const exportedFunctions = new Set<string>();
  for (const { kind, name } of reading.exports) {
    if (kind === "function") exportedFunctions.add(name);
  }
  const importedModules = [...new Set(reading.imports.map((entry) => entry.module))];
  return {
    imports: reading.imports,
    exports: reading.exports,
    memories: reading.memories,
    tables: reading.tables,
    functionCount: reading.functionCount,
    hasStart: reading.hasStart,
    memory: chooseMainMemory(reading),
    stackPointer: findStackPointer(reading),
    stackPointerGlobal: findStackPointerGlobal(reading),
    customSections: [...reading.customSections],
    dylink: reading.dylink,
    isCommand: exportedFunctions.has("_start"),
    isReactor: exportedFunctions.has("_initialize"),
    hasThreadEntry: exportedFunctions.has("wasi_thread_start"),
    importsThreadSpawn: reading.imports.some(
      ({ kind, module, name }) => kind === "function" && THREAD_SPAWN.test(`${module}.${name}`),
    ),
    asyncify: ASYNCIFY_EXPORTS.every((name) => exportedFunctions.has(name)),
    isDynamic: reading.dylink !== undefined,
    isObjectFile: reading.customSections.has("linking") && reading.exports.length === 0,
    wasiModules: importedModules.filter((module) => WASI_MODULE.test(module)),
  };
}
