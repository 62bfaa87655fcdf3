/**
 * Custom sections that only inform: `target_features`, `producers` and `name`. Nothing depends on them to run, so a
 * broken one reads as far as it goes and never refuses the module; engines do the same.
 *
 * Source: WebAssembly tool conventions ("Linking", "ProducersSection"); Core Specification, "Name Section".
 */
import { ModuleError } from "./module-error.ts";
import { Limit, readSections, SectionId, WasmReader } from "./wasm-binary.ts";

/** A field of the `producers` section. */
export interface ProducersField {
  /** `language`, `processed-by` or `sdk`. */
  readonly field: string;
  readonly values: readonly { readonly name: string; readonly version: string }[];
}

/** Runs `read`, which fills something as it goes, and lets a malformed end be the end. */
function readLeniently(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
  }
}

/** What a module tells of how it was made. */
export interface ToolDescription {
  /** Each feature of the format that was used, with its prefix, such as `+atomics`. */
  readonly targetFeatures: readonly string[];
  readonly producers: readonly ProducersField[];
}

/** Reads what informs about a module's making; of several sections of a name the first counts. Throws ModuleError for bytes that are no module. */
export function describeTools(bytes: Uint8Array): ToolDescription {
  let targetFeatures: string[] | undefined;
  let producers: ProducersField[] | undefined;
  for (const section of readSections(bytes)) {
    if (section.id !== SectionId.custom) continue;
    const reader = new WasmReader(bytes, section.start, section.end);
    const name = reader.text(true);
    if (name === "target_features") targetFeatures ??= readTargetFeatures(reader);
    else if (name === "producers") producers ??= readProducers(reader);
  }
  return { targetFeatures: targetFeatures ?? [], producers: producers ?? [] };
}

/** Reads `target_features`. */
function readTargetFeatures(reader: WasmReader): string[] {
  const features: string[] = [];
  readLeniently(() => {
    for (let left = reader.count("features"); left > 0; left--) {
      features.push(String.fromCharCode(reader.byte()) + reader.text());
    }
  });
  return features;
}

/** Reads `producers`: which languages and tools made the module. */
function readProducers(reader: WasmReader): ProducersField[] {
  const fields: ProducersField[] = [];
  readLeniently(() => {
    for (let left = reader.count("fields", Limit.parameters); left > 0; left--) {
      const values: { name: string; version: string }[] = [];
      fields.push({ field: reader.text(), values });
      // A field has a few values; the bound keeps a hostile section from filling the host's memory.
      for (let more = reader.count("values", Limit.parameters); more > 0; more--) {
        values.push({ name: reader.text(), version: reader.text() });
      }
    }
  });
  return fields;
}

/** The subsection of the `name` section that names globals. */
const GLOBAL_NAMES = 7;

/** Reads the names of globals from a `name` section: by index. */
export function readGlobalNames(reader: WasmReader): Map<number, string> {
  const names = new Map<number, string>();
  readLeniently(() => {
    while (reader.left > 0) {
      const kind = reader.byte();
      const length = reader.unsigned();
      const subsection = new WasmReader(reader.bytes, reader.offset, reader.offset + length);
      reader.skip(length);
      if (kind !== GLOBAL_NAMES) continue;
      for (let left = subsection.count("names"); left > 0; left--) {
        names.set(subsection.unsigned(), subsection.text(true));
      }
      return;
    }
  });
  return names;
}
