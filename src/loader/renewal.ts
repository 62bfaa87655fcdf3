/**
 * Renewal: an instance in which a thread has ended becomes as good as a new one, for the next thread. To make one takes an engine longer than all else
 * that a short thread costs.
 *
 * What a thread can change of an instance must be few words, as for threads that share one (`thread-state.ts`), and the code is looked through for what changes
 * more. A function is appended that gives each global its initial value, forgets which data segments were dropped, and runs what the start section names. Only the
 * functions are read, and changed, in which bytes are found that may be such an instruction: most of a program's code is as it was.
 *
 * Life: `makeRenewable` once for a program that spawns threads, before it is compiled. What it gives is plain data.
 */
import { AppendedFunctions } from "./appended-functions.ts";
import { ByteEdits } from "./byte-edits.ts";
import { editBodies } from "./code-edits.ts";
import {
  changesTable,
  MiscellaneousOperation,
  Opcode,
  skipImmediates,
  skipLocals,
} from "./instructions.ts";
import { ModuleError } from "./module-error.ts";
import type { ModuleDescription } from "./module-description.ts";
import { type ModuleSpaces, readModuleSpaces } from "./module-spaces.ts";
import { appendToSections, nameExport } from "./section-additions.ts";
import { SegmentDrops } from "./segment-drops.ts";
import { hasPlainState } from "./thread-state.ts";
import { Limit, type Section, SectionId, WasmReader } from "./wasm-binary.ts";
import { readConstantExpression, readGlobalType } from "./wasm-types.ts";
import { encodeBody, encodeUnsigned, ExternalByte, type WasmBytes } from "./wasm-writer.ts";

/** Plain data: it is posted to workers with its program. */
export interface Renewal {
  /** The export that renews an instance. */
  readonly name: string;
  /** The index of the first function that was appended: frames of those are no part of the program. */
  readonly firstHelper: number;
  /** Leads from offsets in the module as it is compiled to the given one's: see `originalOffset`. */
  readonly map: readonly number[];
}

/** Larger programs stay as they are: a second copy of their bytes costs more than it brings. */
const MOST_BYTES = 16_000_000;

/**
 * Makes a program's instances such that they can be renewed.
 *
 * @param bytes of a module that spawns threads; @param description of it
 * @returns undefined where they cannot: a thread can change what is not put back, the code is not understood, or the program is large
 */
export function makeRenewable(
  bytes: Uint8Array,
  { imports, memory }: Pick<ModuleDescription, "imports" | "memory">,
): { renewal: Renewal; bytes: Uint8Array } | undefined {
  // The stacks of contexts do not end with their thread.
  const hasContexts = imports.some(({ name }) => name === "context_create");
  if (hasContexts || memory.limits?.shared !== true || bytes.length > MOST_BYTES) return undefined;
  try {
    const spaces = readModuleSpaces(bytes);
    return hasPlainState(spaces) && !hasActiveData(bytes, spaces)
      ? addRenewal(bytes, spaces)
      : undefined;
  } catch (error) {
    if (error instanceof ModuleError) return undefined;
    throw error;
  }
}

function findSection({ sections }: ModuleSpaces, wanted: number): Section | undefined {
  return sections.find(({ id }) => id === wanted);
}

function addRenewal(
  bytes: Uint8Array,
  spaces: ModuleSpaces,
): { renewal: Renewal; bytes: Uint8Array } | undefined {
  const code = findSection(spaces, SectionId.code);
  if (code === undefined) return undefined;
  const state = editState(bytes, spaces, code);
  if (state === undefined) return undefined;
  const { functions, edits, drops } = state;
  const globals = drops === undefined ? [] : [SegmentDrops.global];
  const values = [...readInitialValues(bytes, spaces), ...globals.map((one) => one.slice(2, -1))];
  const renewing = values.flatMap((value, index) =>
    value === undefined ? [] : [...value, Opcode.globalSet, ...encodeUnsigned(index)],
  );
  if (spaces.start !== undefined) renewing.push(Opcode.call, ...encodeUnsigned(spaces.start));
  const renewer = functions.next;
  functions.add(functions.addType([], []), encodeBody(renewing));
  const { exportNames } = spaces;
  const [name, entry] = nameExport("weft.renew", exportNames, ExternalByte.function, renewer);
  const additions = new Map<number, readonly WasmBytes[]>([
    [SectionId.type, functions.types],
    [SectionId.function, functions.functionTypes],
    [SectionId.export, [entry]],
    [SectionId.code, functions.bodies],
  ]);
  if (drops !== undefined) additions.set(SectionId.global, globals);
  if (drops?.needsSegment === true) additions.set(SectionId.data, [SegmentDrops.emptySegment]);
  const hasRoom = [spaces.types, spaces.functions, values.length, exportNames.size].every(
    (count) => count + functions.bodies.length + functions.types.length <= Limit.entries,
  );
  if (!hasRoom) return undefined;
  const edited = appendToSections(bytes, spaces.sections, additions, edits).apply(bytes);
  const firstHelper = spaces.functions;
  return { renewal: { name, firstHelper, map: [...edited.map] }, bytes: edited.bytes };
}

/** Whether each new instance would lay data into the memory once more. */
function hasActiveData(bytes: Uint8Array, spaces: ModuleSpaces): boolean {
  const data = findSection(spaces, SectionId.data);
  if (data === undefined) return false;
  const reader = new WasmReader(bytes, data.start, data.end);
  for (let left = reader.count("data segments"); left > 0; left--) {
    if (reader.unsigned() !== 1) return true;
    reader.skip(reader.unsigned());
  }
  return false;
}

/** The instructions that give each global's initial value, by its index; none for those that never change. */
function readInitialValues(
  bytes: Uint8Array,
  spaces: ModuleSpaces,
): (readonly number[] | undefined)[] {
  const section = findSection(spaces, SectionId.global);
  if (section === undefined) return [];
  const reader = new WasmReader(bytes, section.start, section.end);
  const values: (readonly number[] | undefined)[] = [];
  for (let left = reader.count("globals"); left > 0; left--) {
    const { mutable } = readGlobalType(reader);
    const { offset } = reader;
    readConstantExpression(reader);
    values.push(mutable ? [...bytes.subarray(offset, reader.offset - 1)] : undefined);
  }
  return values;
}

/** An opcode, and which bytes after it make an instruction that changes more than numbers: longer encodings of those apart. */
interface Suspect {
  readonly opcode: number;
  readonly follows: (next: number) => boolean;
  /** Where one was found last. */
  at: number;
}

const { memoryInit, dataDrop } = MiscellaneousOperation;

const listSuspects = (tables: number): Suspect[] => [
  { opcode: Opcode.tableSet, follows: (next) => next < tables, at: -1 },
  {
    opcode: Opcode.miscellaneous,
    follows: (next) => next === memoryInit || next === dataDrop || changesTable(next),
    at: -1,
  },
  // array.new_data, array.init_data
  { opcode: Opcode.garbageCollection, follows: (next) => next === 0x09 || next === 0x12, at: -1 },
];

/** The first place from `from` on where bytes look like a suspect; engines search for a byte much faster than anybody reads instructions. */
function findSuspect({ opcode, follows }: Suspect, bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(opcode, from); at >= 0; at = bytes.indexOf(opcode, at + 1)) {
    const next = bytes[at + 1];
    if (next > 0x7f || follows(next)) return at;
  }
  return Infinity;
}

/**
 * Gathers the edits of all functions that change which segments are dropped, with what they need, where any is; undefined where one changes what cannot be put
 * back, or is not understood.
 */
function editState(
  bytes: Uint8Array,
  spaces: ModuleSpaces,
  code: Section,
): { functions: AppendedFunctions; edits: ByteEdits; drops?: SegmentDrops } | undefined {
  const newFunctions = () => new AppendedFunctions(spaces.types, spaces.functions);
  const functions = newFunctions();
  const drops = new SegmentDrops(spaces, functions, spaces.globals.length);
  const searched = bytes.subarray(0, code.end);
  const suspects = listSuspects(spaces.tables.length);
  const edits = editBodies(bytes, code, (start, end, _own, inner) => {
    let isSuspect = false;
    for (const suspect of suspects) {
      if (suspect.at < start) suspect.at = findSuspect(suspect, searched, start);
      if (suspect.at < end) isSuspect = true;
    }
    return !isSuspect || editBody(bytes, start, end, drops, inner);
  });
  if (edits === undefined) return undefined;
  return drops.any
    ? { functions, edits, drops }
    : { functions: newFunctions(), edits: new ByteEdits() };
}

/** Reads one function. Returns whether it was understood and all that it changes can be put back. */
function editBody(
  bytes: Uint8Array,
  start: number,
  end: number,
  drops: SegmentDrops,
  edits: ByteEdits,
): boolean {
  let offset = skipLocals(bytes, start);
  while (offset >= 0 && offset < end) {
    const opcode = bytes[offset];
    const next = skipImmediates(bytes, opcode, offset + 1);
    if (opcode === Opcode.tableSet || opcode === Opcode.garbageCollection) return false;
    if (opcode === Opcode.miscellaneous && !drops.edit(bytes, offset, offset + 1, next, edits))
      return false;
    offset = next;
  }
  return offset === end;
}
