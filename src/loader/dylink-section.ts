/**
 * The `dylink.0` custom section: what a dynamically linked module or a shared library needs from the linker.
 *
 * Source: WebAssembly tool conventions, "Dynamic Linking". A subsection that is not known is stepped over, as the
 * conventions ask.
 */
import { Limit, WasmReader } from "./wasm-binary.ts";

export interface DylinkExport {
  readonly name: string;
  /** Symbol flags of the conventions: 1 weak, 2 local, 4 hidden, 0x100 thread-local… */
  readonly flags: number;
}

export interface DylinkImport extends DylinkExport {
  readonly module: string;
}

export interface DylinkSection {
  /** Bytes of static data the linker reserves. */
  readonly memorySize: number;
  /** Alignment of that data, in bytes. */
  readonly memoryAlignment: number;
  /** Table entries the linker reserves. */
  readonly tableSize: number;
  /** Alignment of those entries, in entries. */
  readonly tableAlignment: number;
  /** Names of the shared libraries to load first, in order. */
  readonly needed: readonly string[];
  readonly exports: readonly DylinkExport[];
  readonly imports: readonly DylinkImport[];
  /** Directories to look for the libraries in. */
  readonly runtimePath: readonly string[];
}

function readAlignment(reader: WasmReader): number {
  const log2 = reader.unsigned();
  if (log2 > 31) reader.fail(`an alignment of 2^${log2}`);
  return 2 ** log2;
}

/** Reads the section's content, `[start, end)` of the module. Throws ModuleError with code ERR_DYLINK. */
export function readDylinkSection(bytes: Uint8Array, start: number, end: number): DylinkSection {
  const needed: string[] = [];
  const exports: DylinkExport[] = [];
  const imports: DylinkImport[] = [];
  const runtimePath: string[] = [];
  const info = { memorySize: 0, memoryAlignment: 1, tableSize: 0, tableAlignment: 1 };
  const outer = new WasmReader(bytes, start, end, "ERR_DYLINK");
  let entries = 0;
  while (outer.left > 0) {
    const kind = outer.byte();
    const length = outer.unsigned();
    const reader = new WasmReader(bytes, outer.offset, outer.offset + length, "ERR_DYLINK");
    outer.skip(length);
    if (kind === 1) {
      info.memorySize = reader.unsigned();
      info.memoryAlignment = readAlignment(reader);
      info.tableSize = reader.unsigned();
      info.tableAlignment = readAlignment(reader);
    } else if (kind >= 2 && kind <= 5) {
      const count = reader.count("entries of dylink.0", Limit.entries - entries);
      entries += count;
      for (let left = count; left > 0; left--) {
        if (kind === 2) needed.push(reader.text());
        else if (kind === 3) exports.push({ name: reader.text(), flags: reader.unsigned() });
        else if (kind === 4) {
          imports.push({ module: reader.text(), name: reader.text(), flags: reader.unsigned() });
        } else runtimePath.push(reader.text());
      }
    }
  }
  return { ...info, needed, exports, imports, runtimePath };
}
