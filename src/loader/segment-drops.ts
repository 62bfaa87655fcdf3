/**
 * Segment drops: which data segments a program has dropped, as a number that can be put back. `data.drop` sets a bit in an appended global, and `memory.init` of
 * a segment that may be dropped asks for it: an empty segment then stands for it.
 *
 * Life: filled while a program's code is read.
 */
import type { AppendedFunctions } from "./appended-functions.ts";
import type { ByteEdits } from "./byte-edits.ts";
import {
  changesTable,
  EMPTY_BLOCK,
  MiscellaneousOperation,
  Opcode,
  readNumber,
  skipNumber,
} from "./instructions.ts";
import type { ModuleSpaces } from "./module-spaces.ts";
import { encodeBody, encodeSigned, encodeUnsigned, ValueByte } from "./wasm-writer.ts";

/** Bits of the global. */
export const MOST_SEGMENTS = 32;

/** The type of a module's addresses. */
export function addressType({ memories }: ModuleSpaces): number {
  return memories[0].memory64 ? ValueByte.i64 : ValueByte.i32;
}

export class SegmentDrops {
  /** The global to append. */
  static readonly global = [ValueByte.i32, 1, Opcode.i32Const, 0, Opcode.end];
  /** The segment to append: passive and empty. */
  static readonly emptySegment = [1, 0];
  private readonly inits = new Map<number, readonly number[]>();
  private readonly initType: number;
  /** Whether the code that was read drops any. */
  any = false;

  /** @param dropped the index of the global */
  constructor(
    private readonly spaces: ModuleSpaces,
    private readonly functions: AppendedFunctions,
    private readonly dropped: number,
  ) {
    const { i32 } = ValueByte;
    this.initType = functions.addType([addressType(spaces), i32, i32], []);
  }

  /**
   * Edits an instruction with the miscellaneous prefix, which begins at `at`: its operation stands at `operand`. Returns false for one that changes a table, or
   * another memory.
   */
  edit(bytes: Uint8Array, at: number, operand: number, next: number, edits: ByteEdits): boolean {
    const operation = readNumber(bytes, operand);
    const segmentOffset = skipNumber(bytes, operand);
    const segment = readNumber(bytes, segmentOffset);
    const { dataSegments } = this.spaces;
    if (operation === MiscellaneousOperation.dataDrop) {
      if (segment >= dataSegments) return false;
      edits.replace(at, next, this.dropSegment(segment));
    } else if (operation === MiscellaneousOperation.memoryInit) {
      if (segment >= dataSegments || readNumber(bytes, skipNumber(bytes, segmentOffset)) !== 0)
        return false;
      edits.replace(at, next, this.initMemory(segment));
    }
    return !changesTable(operation);
  }

  /** What stands in place of `data.drop`. */
  private dropSegment(segment: number): readonly number[] {
    this.any = true;
    const global = encodeUnsigned(this.dropped);
    return [
      ...[Opcode.globalGet, ...global],
      ...bitOf(segment),
      Opcode.i32Or,
      Opcode.globalSet,
      ...global,
    ];
  }

  /** What stands in place of `memory.init` on memory 0. */
  private initMemory(segment: number): readonly number[] {
    let call = this.inits.get(segment);
    if (call === undefined) {
      call = this.functions.add(this.initType, this.writeInit(segment));
      this.inits.set(segment, call);
    }
    return call;
  }

  /** Whether a segment beside the program's is needed: an empty one. */
  get needsSegment(): boolean {
    return this.inits.size > 0;
  }

  private writeInit(segment: number): number[] {
    const parameters = [0, 1, 2].flatMap((index) => [Opcode.localGet, index]);
    const init = (from: number): number[] => [
      ...parameters,
      ...[Opcode.miscellaneous, MiscellaneousOperation.memoryInit, ...encodeUnsigned(from), 0],
    ];
    const isDropped = [
      Opcode.globalGet,
      ...encodeUnsigned(this.dropped),
      ...bitOf(segment),
      Opcode.i32And,
    ];
    return encodeBody([
      ...[...isDropped, Opcode.if, EMPTY_BLOCK, ...init(this.spaces.dataSegments)],
      ...[Opcode.else, ...init(segment), Opcode.end],
    ]);
  }
}

function bitOf(segment: number): number[] {
  return [Opcode.i32Const, ...encodeSigned(1 << segment)];
}
