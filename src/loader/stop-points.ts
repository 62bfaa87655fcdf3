/**
 * Stop points: places in a program's code at which a thread can be suspended although the program makes no call there.
 *
 * Threads that share a worker as suspended stacks run one at a time. One that waits with the engine's own wait instruction, or computes for long, would
 * keep its neighbours from running, perhaps from what it waits for. So the program's bytes are rewritten before they are compiled:
 *
 * - `memory.atomic.wait32` and `wait64` on the shared memory become calls of helpers that call the host;
 * - a stop point, which counts down and asks the host whether others are to run first at zero, opens the body of each loop, and stands before each call
 *   that can lead back to where it stands: of the function itself or one before it, since every cycle of calls has such a call, and all calls through a
 *   table or a reference, tail calls among them.
 *
 * So between two stop points runs no instruction twice but in calls that only go forward. `memory.atomic.notify` stays: threads that wait with the
 * engine's own instruction on workers of their own are woken by nothing else.
 *
 * Nothing that the module has gets another index: types, a table, a global and the helpers (see stop-helpers.ts) are appended to their sections. Code
 * moves, so offsets in it change; a map leads back. Where it is asked for and the program allows it, what lets threads share an instance is added too
 * (see thread-state.ts); its start section is then gone.
 *
 * Life: `addStopPoints` once for each program that has threads to share a worker, before it is compiled. What it gives is plain data.
 */
import { AppendedFunctions } from "./appended-functions.ts";
import type { ByteEdits, OffsetMap } from "./byte-edits.ts";
import { editBodies } from "./code-edits.ts";
import {
  AtomicOperation,
  highestTable,
  Opcode,
  readNumber,
  skipImmediates,
  skipLocals,
  skipNumber,
} from "./instructions.ts";
import { ModuleError } from "./module-error.ts";
import { type ModuleSpaces, readModuleSpaces } from "./module-spaces.ts";
import { appendToSections, nameExport } from "./section-additions.ts";
import { SegmentDrops } from "./segment-drops.ts";
import { StopHelpers } from "./stop-helpers.ts";
import { hasPlainState, type ThreadStateExports, ThreadStateHelpers } from "./thread-state.ts";
import { Limit, type Section, SectionId, WasmReader } from "./wasm-binary.ts";
import { ExternalByte, type WasmBytes } from "./wasm-writer.ts";

export { originalOffset } from "./byte-edits.ts";

/** A rewritten module, and what it takes to run it. */
export interface StopPoints {
  /** The rewritten module. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The export that holds the host's functions: see `armStopPoints`. */
  readonly tableName: string;
  /** The index of the first function that was appended: frames of those are no part of the program. */
  readonly firstHelper: number;
  /** Leads from offsets in the rewritten module to the given one's: see `originalOffset`. */
  readonly map: OffsetMap;
  /** Where threads can share an instance: see `thread-state.ts`. */
  readonly state: ThreadStateExports | undefined;
}

/** What all engines take at most, where it is less than the entries of any section. */
const MOST_TABLES = 100_000;

/**
 * Rewrites a module so that its threads can be suspended wherever they wait or compute.
 *
 * Where it `sharesInstance`, those threads can also share an instance, if the program's state allows it (`StopPoints.state`).
 *
 * Returns undefined where there is nothing to rewrite, and for a module that is malformed, uses instructions that are not known, or has no room below
 * an engine's limits. It accepts code that an engine refuses: what the engine then says has offsets of the rewritten module. Of code that only the
 * rewriting makes valid, none reaches the appended table: what the host gets at a stop point has always passed a helper.
 */
export function addStopPoints(bytes: Uint8Array, sharesInstance = false): StopPoints | undefined {
  try {
    const spaces = readModuleSpaces(bytes);
    const shared =
      sharesInstance && hasPlainState(spaces) ? rewriteModule(bytes, spaces, true) : undefined;
    return shared ?? rewriteModule(bytes, spaces, false);
  } catch (error) {
    if (error instanceof ModuleError) return undefined;
    throw error;
  }
}

function rewriteModule(
  bytes: Uint8Array,
  spaces: ModuleSpaces,
  sharesInstance: boolean,
): StopPoints | undefined {
  const code = spaces.sections.find(({ id }) => id === SectionId.code);
  if (code === undefined) return undefined;
  const functions = new AppendedFunctions(spaces.types, spaces.functions);
  const [table, global] = [spaces.tables.length, spaces.globals.length];
  const isWide = spaces.memories[0]?.memory64 === true;
  const helpers = new StopHelpers({ table, global }, functions, isWide);
  const states = sharesInstance ? new ThreadStateHelpers(spaces, functions, global + 1) : undefined;
  const codeEdits = new CodeRewriting(bytes, spaces, helpers, states).rewrite(code);
  if (codeEdits === undefined || codeEdits.count === 0) return undefined;

  const { exportNames } = spaces;
  const [tableName, tableExport] = nameExport("weft.stops", exportNames, ExternalByte.table, table);
  const exports = [tableExport];
  const globals = [helpers.global];
  let state: ThreadStateExports | undefined;
  if (states !== undefined) {
    const { bytes, ...indexes } = states.finish();
    const add = (name: string, kind: number, index: number): string => {
      const [free, entry] = nameExport(`weft.${name}`, exportNames, kind, index);
      exports.push(entry);
      return free;
    };
    state = {
      memory: add("states", ExternalByte.memory, spaces.memories.length),
      save: add("save", ExternalByte.function, indexes.save),
      load: add("load", ExternalByte.function, indexes.load),
      begin: add("begin", ExternalByte.function, indexes.begin),
      bytes,
    };
    globals.push(SegmentDrops.global);
  }
  const additions = new Map<number, readonly WasmBytes[]>([
    [SectionId.type, functions.types],
    [SectionId.function, functions.functionTypes],
    [SectionId.table, [helpers.table]],
    [SectionId.global, globals],
    [SectionId.export, exports],
    [SectionId.code, functions.bodies],
  ]);
  if (states !== undefined) additions.set(SectionId.memory, [ThreadStateHelpers.memory]);
  if (states?.drops.needsSegment === true)
    additions.set(SectionId.data, [SegmentDrops.emptySegment]);
  const hasRoom =
    table < MOST_TABLES &&
    [spaces.types, spaces.functions, global, spaces.exportNames.size].every(
      (count) => count + functions.bodies.length + functions.types.length <= Limit.entries,
    );
  if (!hasRoom) return undefined;
  const edits = appendToSections(
    bytes,
    spaces.sections,
    additions,
    codeEdits,
    states !== undefined,
  );
  return { ...edits.apply(bytes), tableName, firstHelper: spaces.functions, state };
}

/** Reads a code section and gathers what to change in it, without what is appended. */
class CodeRewriting {
  constructor(
    private readonly bytes: Uint8Array,
    private readonly spaces: ModuleSpaces,
    private readonly helpers: StopHelpers,
    private readonly states: ThreadStateHelpers | undefined,
  ) {}

  /** Returns the edits, or undefined for code that is not understood. */
  rewrite(code: Section): ByteEdits | undefined {
    return editBodies(this.bytes, code, (start, end, own, inner) =>
      this.readBody(start, end, this.spaces.importedFunctions + own, inner),
    );
  }

  /** Reads one function's locals and code. Returns whether it was understood. */
  private readBody(start: number, end: number, index: number, inner: ByteEdits): boolean {
    const { bytes } = this;
    const { pass } = this.helpers;
    let offset = skipLocals(bytes, start);
    if (offset < 0) return false;
    while (offset < end) {
      const at = offset;
      const opcode = bytes[offset++];
      const next = skipImmediates(bytes, opcode, offset);
      if (next < 0) return false;
      switch (opcode) {
        case Opcode.loop:
          inner.replace(next, next, pass);
          break;
        case Opcode.call:
        case Opcode.returnCall:
          if (this.leadsBack(readNumber(bytes, offset), index)) inner.replace(at, at, pass);
          break;
        case Opcode.callReference:
        case Opcode.returnCallReference:
          inner.replace(at, at, pass);
          break;
        case Opcode.callIndirect:
        case Opcode.returnCallIndirect:
          inner.replace(at, at, pass);
          if (!this.hasTable(opcode, offset)) return false;
          break;
        case Opcode.tableGet:
          if (!this.hasTable(opcode, offset)) return false;
          break;
        case Opcode.tableSet:
          if (this.states !== undefined || !this.hasTable(opcode, offset)) return false;
          break;
        case Opcode.garbageCollection:
          if (this.states !== undefined) return false;
          break;
        case Opcode.miscellaneous:
          if (!this.hasTable(opcode, offset)) return false;
          if (this.states?.drops.edit(bytes, at, offset, next, inner) === false) return false;
          break;
        case Opcode.atomic:
          if (!this.readAtomic(at, offset, next, inner)) return false;
          break;
      }
      offset = next;
    }
    return offset === end;
  }

  /** Whether a call of a function from the one that is read can be part of a cycle of calls that is not stopped elsewhere. */
  private leadsBack(callee: number, caller: number): boolean {
    return callee <= caller && callee >= this.spaces.importedFunctions;
  }

  /** The appended table is not the program's: an index that was wrong must not become right. */
  private hasTable(opcode: number, offset: number): boolean {
    return highestTable(this.bytes, opcode, offset) < this.spaces.tables.length;
  }

  /** An instruction with the atomic prefix: its operation stands at `operand`. Returns false where a wait cannot get a helper. */
  private readAtomic(at: number, operand: number, next: number, inner: ByteEdits): boolean {
    const { bytes } = this;
    const operation = readNumber(bytes, operand);
    if (operation !== AtomicOperation.wait32 && operation !== AtomicOperation.wait64) return true;
    const offset = this.readWaitOffset(operation, skipNumber(bytes, operand), next);
    if (offset < 0) return true;
    const call = this.helpers.callWait(operation, offset);
    if (call === undefined) return false;
    inner.replace(at, next, call);
    return true;
  }

  /** The offset that a wait adds to its address; -1 for one that stays as it is, because it can only trap or is on another memory. */
  private readWaitOffset(operation: number, offset: number, end: number): number {
    const [memory] = this.spaces.memories;
    const alignment = readNumber(this.bytes, offset);
    const natural = operation === AtomicOperation.wait64 ? 3 : 2;
    if (memory?.shared !== true || alignment !== natural) return -1;
    const reader = new WasmReader(this.bytes, skipNumber(this.bytes, offset), end);
    const added = reader.unsigned(64);
    const most = memory.memory64 ? Number.MAX_SAFE_INTEGER : 0xffff_ffff;
    return added <= most ? added : -1;
  }
}
