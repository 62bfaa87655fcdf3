/**
 * Functions that `addStopPoints` appends to a program, which its stop points call: one that counts down, one behind it that asks the host, and one for
 * each kind of wait instruction with the offset it adds to its address.
 *
 * They reach the host through the table that is appended with them. Where a slot is empty they do what the program did before.
 *
 * Life: gathered while a program's code is read, then written into its sections.
 */
import type { AppendedFunctions } from "./appended-functions.ts";
import { AtomicOperation, EMPTY_BLOCK, Opcode } from "./instructions.ts";
import { STOP_TYPES, STOPS } from "./stop-module.ts";
import { encodeBody, encodeSigned, encodeUnsigned, ValueByte } from "./wasm-writer.ts";

/** Stop points passed before the host is asked for the first time, and whenever there is no host to ask. */
const FIRST_INTERVAL = 100;

/** Where what is appended beside the functions comes to stand. */
export interface FreeIndexes {
  readonly table: number;
  readonly global: number;
}

/** Helpers for different offsets: programs have a handful, and each costs memory. */
const MOST_OFFSETS = 1000;

export class StopHelpers {
  /** A stop point in code, a call of the helper that counts down: shared, not to be changed. */
  readonly pass: readonly number[];
  private readonly calls = new Map<string, readonly number[]>();
  /** The types of the stops, and of the helpers for wait32 and wait64. */
  private readonly stopTypes: readonly number[];
  private readonly waitTypes: Readonly<Record<number, number>>;

  /** @param isWide addresses of memory 0 have 64 bits */
  constructor(
    private readonly free: FreeIndexes,
    private readonly functions: AppendedFunctions,
    private readonly isWide: boolean,
  ) {
    const address = isWide ? ValueByte.i64 : ValueByte.i32;
    const { i32, i64 } = ValueByte;
    this.stopTypes = STOPS.map((name) => functions.addType(...STOP_TYPES[name]));
    this.waitTypes = {
      [AtomicOperation.wait32]: functions.addType([address, i32, i64], [i32]),
      [AtomicOperation.wait64]: functions.addType([address, i64, i64], [i32]),
    };
    const noValues = functions.addType([], []);
    this.pass = functions.add(noValues, this.writePass(functions.next + 1));
    functions.add(noValues, this.writeLook());
  }

  /** A call of the helper for `memory.atomic.wait32` or `wait64` with this offset; undefined when there are too many. */
  callWait(operation: number, offset: number): readonly number[] | undefined {
    const key = `${operation} ${offset}`;
    let call = this.calls.get(key);
    if (call === undefined && this.calls.size < MOST_OFFSETS) {
      call = this.functions.add(this.waitTypes[operation], this.writeWait(operation, offset));
      this.calls.set(key, call);
    }
    return call;
  }

  /** The table to append. */
  get table(): number[] {
    return [ValueByte.funcref, 1, STOPS.length, STOPS.length];
  }

  /** The global to append. */
  get global(): number[] {
    return [ValueByte.i32, 1, Opcode.i32Const, ...encodeSigned(FIRST_INTERVAL), Opcode.end];
  }

  /** Whether a stop's slot is empty, as an i32 on the stack. */
  private isEmpty(slot: number): number[] {
    const table = encodeUnsigned(this.free.table);
    return [Opcode.i32Const, slot, Opcode.tableGet, ...table, Opcode.refIsNull];
  }

  private callSlot(slot: number): number[] {
    const type = encodeUnsigned(this.stopTypes[slot]);
    const table = encodeUnsigned(this.free.table);
    return [Opcode.i32Const, slot, Opcode.callIndirect, ...type, ...table];
  }

  /** @param look the index of the function that asks the host */
  private writePass(look: number): number[] {
    const global = encodeUnsigned(this.free.global);
    const countdown = 0;
    const code = [
      ...[Opcode.globalGet, ...global, Opcode.i32Const, 1, Opcode.i32Sub],
      ...[Opcode.localTee, countdown, Opcode.globalSet, ...global],
      ...[Opcode.localGet, countdown, Opcode.i32Const, 1, Opcode.i32LessSigned],
      ...[Opcode.if, EMPTY_BLOCK, Opcode.call, ...encodeUnsigned(look)],
      Opcode.end,
    ];
    return encodeBody(code, [[1, ValueByte.i32]]);
  }

  private writeLook(): number[] {
    const slot = STOPS.indexOf("pass");
    return encodeBody([
      ...this.isEmpty(slot),
      ...[Opcode.if, ValueByte.i32, Opcode.i32Const, ...encodeSigned(FIRST_INTERVAL)],
      ...[Opcode.else, ...this.callSlot(slot), Opcode.end],
      ...[Opcode.globalSet, ...encodeUnsigned(this.free.global)],
    ]);
  }

  /** The instruction's parameters are those of the function: address, expected value, timeout. */
  private writeWait(operation: number, offset: number): number[] {
    const is64 = operation === AtomicOperation.wait64;
    const slot = STOPS.indexOf(is64 ? "wait64" : "wait32");
    const memory = [is64 ? 3 : 2, ...encodeUnsigned(offset)];
    const local = (index: number): number[] => [Opcode.localGet, index];
    const original = [...local(0), ...local(1), ...local(2), Opcode.atomic, operation, ...memory];
    // Traps as the instruction would: what the host gets is an address of the memory.
    const load = is64 ? AtomicOperation.load64 : AtomicOperation.load32;
    const look = [...local(0), Opcode.atomic, load, ...memory];
    const place = this.isWide
      ? [Opcode.i64Const, ...encodeSigned(offset), Opcode.i64Add, Opcode.f64ConvertI64Unsigned]
      : [Opcode.i32Const, ...encodeSigned(offset | 0), Opcode.i32Add, Opcode.f64ConvertI32Unsigned];
    return encodeBody([
      ...[...look, ...local(1), is64 ? Opcode.i64NotEqual : Opcode.i32NotEqual],
      ...[Opcode.if, EMPTY_BLOCK, Opcode.i32Const, 1, Opcode.return, Opcode.end],
      ...[...this.isEmpty(slot), Opcode.if, EMPTY_BLOCK, ...original, Opcode.return, Opcode.end],
      ...[...local(0), ...place, ...local(1), ...local(2), Opcode.f64ConvertI64Signed],
      ...this.callSlot(slot),
    ]);
  }
}
