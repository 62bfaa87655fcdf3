/**
 * Stop points: places in a program's code at which a thread can be suspended although the program makes no call there.
 *
 * Threads that share a worker as suspended stacks run one at a time. One that waits with the engine's own wait instruction, or spins until another
 * thread changes a word, would keep its neighbours from running, perhaps from what it waits for. So the program's bytes are rewritten before they are
 * compiled:
 *
 * - `memory.atomic.wait32`, `wait64` and `notify` on the shared memory become calls of helpers that call the host;
 * - a spin point, which counts down and asks the host to let others run at zero, comes before each other atomic instruction that reads, and into each
 *   loop that only another thread may be able to end (see spin-loops.ts).
 *
 * Nothing that the module has gets another index: types, a table, a global and the helpers (see stop-helpers.ts) are appended to their sections. Code
 * moves, so offsets in it change; a map leads back.
 *
 * Life: `addStopPoints` once for each program, before it is compiled. What it gives is plain data.
 */
import { ByteEdits, type OffsetMap } from "./byte-edits.ts";
import {
  AtomicOperation,
  Effect,
  effectOf,
  highestTable,
  Opcode,
  readNumber,
  skipImmediates,
  skipLocals,
  skipNumber,
} from "./instructions.ts";
import { ModuleError } from "./module-error.ts";
import { type ModuleSpaces, readModuleSpaces } from "./module-spaces.ts";
import { appendToSections } from "./section-additions.ts";
import { MOST_LOCALS, SpinLoops } from "./spin-loops.ts";
import { StopHelpers } from "./stop-helpers.ts";
import { Limit, type Section, SectionId, WasmReader } from "./wasm-binary.ts";
import { encodeText, encodeUnsigned, ExternalByte, type WasmBytes } from "./wasm-writer.ts";

export { originalOffset } from "./byte-edits.ts";

export interface StopPoints {
  /** The rewritten module. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The export that holds the host's functions: see `armStopPoints`. */
  readonly tableName: string;
  /** The index of the first function that was appended: frames of those are no part of the program. */
  readonly firstHelper: number;
  /** Leads from offsets in the rewritten module to the given one's: see `originalOffset`. */
  readonly map: OffsetMap;
}

/** What all engines take at most, where it is less than the entries of any section. */
const MOST_TABLES = 100_000;
const MOST_BODY_BYTES = 7_654_321;

/** Places to change, which take memory while a module is rewritten; the largest programs have some ten thousand. */
const MOST_EDITS = 2_000_000;

/**
 * Rewrites a module so that its threads can be suspended at waits and in spin loops.
 *
 * Returns undefined where there is nothing to rewrite, and for a module that is malformed, uses instructions that are not known, or has no room below
 * an engine's limits. It accepts code that an engine refuses: what the engine then says has offsets of the rewritten module. Of code that only the
 * rewriting makes valid, none reaches the appended table: what the host gets at a stop point has always passed a helper.
 */
export function addStopPoints(bytes: Uint8Array): StopPoints | undefined {
  try {
    return rewriteModule(bytes);
  } catch (error) {
    if (error instanceof ModuleError) return undefined;
    throw error;
  }
}

function rewriteModule(bytes: Uint8Array): StopPoints | undefined {
  const spaces = readModuleSpaces(bytes);
  const code = spaces.sections.find(({ id }) => id === SectionId.code);
  if (code === undefined) return undefined;
  const helpers = new StopHelpers(
    {
      type: spaces.types.length,
      function: spaces.functionTypes.length,
      table: spaces.tables,
      global: spaces.globals,
    },
    spaces.memories[0]?.memory64 === true,
  );
  const codeEdits = new CodeRewriting(bytes, spaces, helpers).rewrite(code);
  if (codeEdits === undefined || codeEdits.count === 0) return undefined;

  const tableName = chooseName(spaces.exportNames);
  const additions = new Map<number, readonly WasmBytes[]>([
    [SectionId.type, helpers.types],
    [SectionId.function, helpers.functionTypes],
    [SectionId.table, [helpers.table]],
    [SectionId.global, [helpers.global]],
    [
      SectionId.export,
      [[...encodeText(tableName), ExternalByte.table, ...encodeUnsigned(spaces.tables)]],
    ],
    [SectionId.code, helpers.bodies],
  ]);
  const hasRoom =
    spaces.tables < MOST_TABLES &&
    [
      spaces.types.length,
      spaces.functionTypes.length,
      spaces.globals,
      spaces.exportNames.size,
    ].every((count) => count + helpers.bodies.length + helpers.types.length <= Limit.entries);
  if (!hasRoom) return undefined;
  const edits = appendToSections(bytes, spaces.sections, additions, codeEdits);
  return { ...edits.apply(bytes), tableName, firstHelper: spaces.functionTypes.length };
}

/** A name that no export of the module has. */
function chooseName(taken: ReadonlySet<string>): string {
  let name = "weft.stops";
  while (taken.has(name)) name += "'";
  return name;
}

/** Reads a code section and gathers what to change in it, without what is appended. */
class CodeRewriting {
  private readonly edits = new ByteEdits();
  private readonly loops = new SpinLoops();
  /** Atomic instructions need stop points: some memory is shared. */
  private readonly isShared: boolean;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly spaces: ModuleSpaces,
    private readonly helpers: StopHelpers,
  ) {
    this.isShared = spaces.memories.some(({ shared }) => shared);
  }

  /** Returns the edits, or undefined for code that is not understood. */
  rewrite(code: Section): ByteEdits | undefined {
    const { bytes, edits } = this;
    let offset = code.start;
    const count = readNumber(bytes, offset);
    offset = skipNumber(bytes, offset);
    for (let left = count; left > 0; left--) {
      if (offset >= code.end) return undefined;
      const body = skipNumber(bytes, offset);
      const length = readNumber(bytes, offset);
      const end = body + length;
      const first = edits.count;
      const growth = edits.growth;
      if (end > code.end || !this.readBody(body, end)) return undefined;
      const grown = length + edits.growth - growth;
      if (edits.count > first) {
        if (grown > MOST_BODY_BYTES || edits.count > MOST_EDITS) return undefined;
        edits.replace(offset, body, encodeUnsigned(grown));
        edits.sortFrom(first);
      }
      offset = end;
    }
    return offset === code.end ? edits : undefined;
  }

  /** Reads one function's locals and code. Returns whether it was understood. */
  private readBody(start: number, end: number): boolean {
    const { bytes, loops } = this;
    let offset = skipLocals(bytes, start);
    if (offset < 0) return false;
    /** Blocks that are open, and for each open loop how many were when it began. */
    let depth = 0;
    const loopDepths: number[] = [];
    let innermost = -1;
    while (offset < end) {
      const at = offset;
      const opcode = bytes[offset++];
      const next = skipImmediates(bytes, opcode, offset);
      if (next < 0) return false;
      switch (opcode) {
        case Opcode.loop:
          loops.enter(next, this.hasParameters(offset));
          loopDepths.push(depth);
          innermost = depth++;
          offset = next;
          continue;
        case Opcode.block:
        case Opcode.if:
        case Opcode.try:
        case Opcode.tryTable:
          depth++;
          break;
        case Opcode.end:
        case Opcode.delegate:
          if (depth-- === 0) return next === end;
          if (depth === innermost) {
            const body = loops.leave();
            if (body >= 0) this.edits.replace(body, body, this.helpers.spin);
            loopDepths.pop();
            innermost = loopDepths.at(-1) ?? -1;
            offset = next;
            continue;
          }
          break;
        case Opcode.callIndirect:
        case Opcode.returnCallIndirect:
        case Opcode.tableGet:
        case Opcode.tableSet:
        case Opcode.miscellaneous:
          // The appended table is not the program's: an index that was wrong must not become right.
          if (highestTable(bytes, opcode, offset) >= this.spaces.tables) return false;
          break;
        case Opcode.atomic:
          if (this.isShared) this.stopAtAtomic(at, offset, next);
          break;
      }
      if (innermost >= 0) {
        const effect = effectOf(bytes, opcode, offset);
        let operand = 0;
        if (effect >= Effect.localGet && effect <= Effect.localTee) {
          operand = readNumber(bytes, offset);
          if (operand >= MOST_LOCALS) return false;
        } else if (effect === Effect.call) operand = this.countParameters(opcode, offset);
        loops.note(effect, at, operand);
      }
      offset = next;
    }
    return false;
  }

  /** Whether the block type at `offset` is a function type with parameters. */
  private hasParameters(offset: number): boolean {
    const { bytes } = this;
    // Value types and the empty block are single bytes from 0x40 on.
    if (bytes[offset] >= 0x40 && bytes[offset] < 0x80) return false;
    return this.countTypeParameters(readNumber(bytes, offset)) > 0;
  }

  /** Parameters of the function that a call names; of one through a table or reference, more than are looked at. */
  private countParameters(opcode: number, offset: number): number {
    if (opcode !== Opcode.call) return Infinity;
    return this.countTypeParameters(this.spaces.functionTypes[readNumber(this.bytes, offset)]);
  }

  /** Parameters of a function type; 0 for an index that is wrong. */
  private countTypeParameters(index: number): number {
    const type = this.spaces.types[index];
    return type > 0 ? readNumber(this.bytes, type) : 0;
  }

  /** An instruction with the atomic prefix: its operation stands at `operand`. */
  private stopAtAtomic(at: number, operand: number, next: number): void {
    const operation = readNumber(this.bytes, operand);
    if (operation <= AtomicOperation.wait64) {
      const call = this.helperFor(operation, skipNumber(this.bytes, operand), next);
      if (call !== undefined) this.edits.replace(at, next, call);
    } else if (operation < AtomicOperation.firstStore || operation > AtomicOperation.lastStore) {
      this.edits.replace(at, at, this.helpers.spin);
    }
  }

  /** The call that takes the place of a wait or notify; undefined for one that stays as it is, because it can only trap or is on another memory. */
  private helperFor(operation: number, offset: number, end: number): readonly number[] | undefined {
    const [memory] = this.spaces.memories;
    const alignment = readNumber(this.bytes, offset);
    const natural = operation === AtomicOperation.wait64 ? 3 : 2;
    if (!memory.shared || alignment !== natural) return undefined;
    const reader = new WasmReader(this.bytes, skipNumber(this.bytes, offset), end);
    const added = reader.unsigned(64);
    const most = memory.memory64 ? Number.MAX_SAFE_INTEGER : 0xffff_ffff;
    return added <= most ? this.helpers.callFor(operation, added) : undefined;
  }
}
