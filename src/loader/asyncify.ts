/**
 * Asyncify: what a program brings along that binaryen's pass of that name has instrumented, and what the host must know to take its stacks apart.
 *
 * An instrumented program has functions to start and stop unwinding and rewinding. While it unwinds, each function on the stack writes its locals to a buffer in
 * the guest's memory and returns; while it rewinds, each reads them and calls again where it had called. Three things are read from the program's bytes:
 *
 * - which imports unwind: a program may be instrumented for some only. After a call of one of those the code asks for the state of unwinding;
 * - how much each function writes at most: the code writes without looking at the end of the buffer, so the buffer must be large enough;
 * - which globals an instance can change: they are part of a stack. Those that are not exported are, by an edit of the bytes.
 *
 * Source: binaryen, `src/passes/Asyncify.cpp`.
 */
import { ByteEdits } from "./byte-edits.ts";
import { Opcode, readNumber, skipImmediates, skipLocals, skipNumber } from "./instructions.ts";
import { ModuleError } from "./module-error.ts";
import { readModuleSpaces, type ModuleSpaces } from "./module-spaces.ts";
import { appendToSections } from "./section-additions.ts";
import { SectionId, WasmReader } from "./wasm-binary.ts";
import {
  type FunctionType,
  readConstantExpression,
  readFunctionType,
  readTypeSection,
  type ValueType,
} from "./wasm-types.ts";
import { encodeText, encodeUnsigned } from "./wasm-writer.ts";

/** Plain data: it is posted to workers with its program. */
export interface Asyncify {
  /** Exports of every global that an instance can change. */
  readonly globals: readonly string[];
  /** The one of these that is the stack pointer. */
  readonly stackPointer: string;
  /** Imports whose calls unwind, as "module.name". */
  readonly unwinds: ReadonlySet<string>;
  /** The most bytes that each function writes when it unwinds: by the function's index, imports first (they write none). */
  readonly frameBytes: Uint32Array<ArrayBuffer>;
  /** Where data ends that lies below the stack, as far as the program's segments tell: a stack without bounds does not reach below. */
  readonly dataEnd: number;
  /** By how many bytes the code lies further back than in the program as it was given. */
  readonly shift: number;
}

/** Bytes of a value on the rewind stack. */
const VALUE_BYTES: Partial<Record<ValueType, number>> = {
  i32: 4,
  i64: 8,
  f32: 4,
  f64: 8,
  v128: 16,
};

/** Bytes of the number of the call that a frame is in. */
const CALL_BYTES = 4;

/** Instructions after a call in which the state is asked for, where the call unwinds: the result is put by before. */
const NEAR = 24;

/**
 * Reads what asyncify left in a program's bytes, and edits them.
 *
 * @param bytes of a module that exports asyncify's functions; @param stackPointer the number of the global; @param stackUpper its value at the start
 * @returns undefined where the program's stacks cannot be taken apart: a global that holds a vector or a reference, code that is not understood
 */
export function readAsyncify(
  bytes: Uint8Array,
  imports: readonly { module: string; name: string }[],
  stackPointer: number | undefined,
  stackUpper: number,
): { asyncify: Asyncify; bytes: Uint8Array } | undefined {
  if (stackPointer === undefined) return undefined;
  try {
    const spaces = readModuleSpaces(bytes);
    const code = readCode(bytes, spaces, stateGlobal(bytes, spaces));
    const exported = exportGlobals(bytes, spaces);
    if (code === undefined || exported === undefined) return undefined;
    const unwinds = new Set<string>();
    imports.forEach(({ module, name }, index) => {
      if (code.unwinds[index]) unwinds.add(`${module}.${name}`);
    });
    return {
      asyncify: {
        globals: [...exported.names.values()],
        stackPointer: exported.names.get(stackPointer)!,
        unwinds,
        frameBytes: code.frameBytes,
        dataEnd: dataEndBelow(bytes, spaces, stackUpper),
        shift: exported.bytes.length - bytes.length,
      },
      bytes: exported.bytes,
    };
  } catch (error) {
    if (error instanceof ModuleError) return undefined;
    throw error;
  }
}

/** Makes sure that each global that can change is exported. Returns the names by the globals' numbers; undefined where one holds what no number can. */
function exportGlobals(
  bytes: Uint8Array,
  spaces: ModuleSpaces,
): { names: Map<number, string>; bytes: Uint8Array } | undefined {
  const names = new Map<number, string>();
  const additions: number[][] = [];
  for (const [index, { type, mutable }] of spaces.globals.entries()) {
    if (!mutable) continue;
    if (type !== "i32" && type !== "i64" && type !== "f32" && type !== "f64") return undefined;
    let name = spaces.exportedGlobals.get(index);
    if (name === undefined) {
      name = `weft.global.${index}`;
      if (spaces.exportNames.has(name)) return undefined;
      additions.push([...encodeText(name), 3, ...encodeUnsigned(index)]);
    }
    names.set(index, name);
  }
  if (additions.length === 0) return { names, bytes };
  const edits = appendToSections(
    bytes,
    spaces.sections,
    new Map([[SectionId.export, additions]]),
    new ByteEdits(),
  );
  return { names, bytes: edits.apply(bytes).bytes };
}

/** The global that holds whether the program unwinds or rewinds: what `asyncify_get_state` gets. */
function stateGlobal(bytes: Uint8Array, spaces: ModuleSpaces): number {
  const own = spaces.exportedFunctions.get("asyncify_get_state")! - spaces.importedFunctions;
  const { offset } = findBody(bytes, spaces, own);
  const start = skipLocals(bytes, offset);
  return start >= 0 && bytes[start] === Opcode.globalGet ? readNumber(bytes, start + 1) : -1;
}

function findBody(bytes: Uint8Array, spaces: ModuleSpaces, own: number): WasmReader {
  const code = spaces.sections.find(({ id }) => id === SectionId.code);
  const reader = new WasmReader(bytes, code?.start ?? 0, code?.end ?? 0);
  let left = reader.count("functions");
  for (; left > 0; left--, own--) {
    const size = reader.unsigned();
    if (own === 0) return reader;
    reader.skip(size);
  }
  return reader.fail("an export of a function that has no body");
}

/** The end of the last data segment with a plain address that lies below the stack's upper end; 0 without one. */
function dataEndBelow(bytes: Uint8Array, spaces: ModuleSpaces, stackUpper: number): number {
  const section = spaces.sections.find(({ id }) => id === SectionId.data);
  if (section === undefined) return 0;
  const reader = new WasmReader(bytes, section.start, section.end);
  let end = 0;
  for (let left = reader.count("data segments"); left > 0; left--) {
    const kind = reader.unsigned();
    if (kind === 2) reader.unsigned();
    const start = kind === 1 ? undefined : readConstantExpression(reader);
    const size = reader.unsigned();
    reader.skip(size);
    if (typeof start === "number" && (start >>> 0) + size <= stackUpper)
      end = Math.max(end, (start >>> 0) + size);
  }
  return end;
}

interface Code {
  /** Whether the calls of an import unwind, by its number. */
  unwinds: boolean[];
  frameBytes: Uint32Array<ArrayBuffer>;
}

function readCode(bytes: Uint8Array, spaces: ModuleSpaces, state: number): Code | undefined {
  const types = readOwnTypes(bytes, spaces);
  const code = spaces.sections.find(({ id }) => id === SectionId.code);
  if (code === undefined || state < 0) return undefined;
  const frameBytes = new Uint32Array(spaces.functions);
  const unwinds = new Array<boolean>(spaces.importedFunctions).fill(false);
  const failed = new Set<number>();
  const reader = new WasmReader(bytes, code.start, code.end);
  const count = reader.count("functions");
  if (count !== types.length) return undefined;
  for (let own = 0; own < count; own++) {
    const size = reader.unsigned();
    const start = reader.offset;
    reader.skip(size);
    frameBytes[spaces.importedFunctions + own] =
      CALL_BYTES + sizeOf(types[own].parameters) + localBytes(bytes, start);
    const isRead = readCalls(
      bytes,
      start,
      start + size,
      state,
      spaces.importedFunctions,
      (call, isAsked) => {
        unwinds[call] = true;
        if (!isAsked) failed.add(call);
      },
    );
    if (!isRead) return undefined;
  }
  for (const call of failed) unwinds[call] = false;
  return { unwinds, frameBytes };
}

/** The types of the functions that the module defines itself. */
function readOwnTypes(bytes: Uint8Array, spaces: ModuleSpaces): FunctionType[] {
  const types: FunctionType[] = [];
  let offsets: number[] = [];
  for (const { id, start, end } of spaces.sections) {
    const reader = new WasmReader(bytes, start, end);
    if (id === SectionId.type) offsets = readTypeSection(reader);
    else if (id === SectionId.function) {
      for (let left = reader.count("functions"); left > 0; left--)
        types.push(readFunctionType(new WasmReader(bytes, offsets[reader.unsigned()])));
    }
  }
  return types;
}

function sizeOf(types: readonly ValueType[]): number {
  return types.reduce((sum, type) => sum + (VALUE_BYTES[type] ?? 16), 0);
}

/** Bytes of the locals that a function declares. */
function localBytes(bytes: Uint8Array, offset: number): number {
  let sum = 0;
  const groups = readNumber(bytes, offset);
  offset = skipNumber(bytes, offset);
  for (let left = groups; left > 0; left--) {
    const count = readNumber(bytes, offset);
    offset = skipNumber(bytes, offset);
    const type = bytes[offset];
    // f32 and i32 take 4 bytes, f64 and i64 8, a vector 16; nothing else can be in an instrumented function.
    sum += count * (type === 0x7f || type === 0x7d ? 4 : type === 0x7e || type === 0x7c ? 8 : 16);
    if (sum > 0x7fffffff) return 0x7fffffff;
    offset = skipNumber(bytes, offset);
  }
  return sum;
}

/**
 * Tells of each call of an import in a function whether the state is asked for after it, before anything else is called.
 *
 * @returns whether the code was understood
 */
function readCalls(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: number,
  imports: number,
  tell: (call: number, isAsked: boolean) => void,
): boolean {
  let offset = skipLocals(bytes, start);
  let call = -1;
  let left = 0;
  let before = 0;
  let sawState = false;
  while (offset >= 0 && offset < end) {
    const opcode = bytes[offset];
    const next = skipImmediates(bytes, opcode, offset + 1);
    if (call >= 0) {
      const isOne = opcode === Opcode.i32Const && bytes[offset + 1] === 1;
      const isState = opcode === Opcode.globalGet && readNumber(bytes, offset + 1) === state;
      const isAsked = (isOne && sawState) || (isState && before === 1);
      const isOver = --left === 0 || isCall(opcode);
      if (isAsked || isOver) {
        tell(call, isAsked);
        call = -1;
      }
      sawState = isState;
      before = isOne ? 1 : 0;
    }
    if (opcode === Opcode.call || opcode === Opcode.returnCall) {
      const callee = readNumber(bytes, offset + 1);
      if (callee < imports) {
        if (opcode === Opcode.returnCall) tell(callee, false);
        else {
          call = callee;
          left = NEAR;
          before = 0;
          sawState = false;
        }
      }
    }
    offset = next;
  }
  if (call >= 0) tell(call, false);
  return offset === end;
}

function isCall(opcode: number): boolean {
  return opcode >= Opcode.call && opcode <= Opcode.returnCallReference;
}
