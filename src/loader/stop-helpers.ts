/**
 * Functions that `addStopPoints` appends to a program, which its stop points call: one that counts down, one behind it that asks the host, and one for
 * each kind of wait instruction with the offset it adds to its address.
 *
 * They reach the host through the table that is appended with them. Where a slot is empty they do what the program did before.
 *
 * Life: gathered while a program's code is read, then written into its sections.
 */
import { AtomicOperation, EMPTY_BLOCK, Opcode } from "./instructions.ts";
import { STOP_TYPES, STOPS } from "./stop-module.ts";
import {
  encodeBody,
  encodeFunctionType,
  encodeSigned,
  encodeUnsigned,
  ValueByte,
} from "./wasm-writer.ts";

/** Stop points passed before the host is asked for the first time, and whenever there is no host to ask. */
export const FIRST_INTERVAL = 100;

/** Where what is appended comes to stand: the first free index of each index space. */
export interface FreeIndexes {
  readonly type: number;
  readonly function: number;
  readonly table: number;
  readonly global: number;
}

/** Helpers for different offsets: programs have a handful, and each costs memory. */
const MOST_OFFSETS = 1000;

/** Appended types: one for each stop, then that of functions without parameters and results, then those of the helpers for wait32 and wait64. */
const NO_VALUES_TYPE = STOPS.length;

export class StopHelpers {
  /** A stop point in code, a call of the helper that counts down: shared, not to be changed. */
  readonly pass: readonly number[];
  private readonly calls = new Map<string, readonly number[]>();
  private readonly functions: { readonly type: number; readonly body: readonly number[] }[] = [];

  /** @param isWide addresses of memory 0 have 64 bits */
  constructor(
    private readonly free: FreeIndexes,
    private readonly isWide: boolean,
  ) {
    this.pass = this.addFunction(NO_VALUES_TYPE, this.writePass());
    this.addFunction(NO_VALUES_TYPE, this.writeLook());
  }

  /** A call of the helper for `memory.atomic.wait32` or `wait64` with this offset; undefined when there are too many. */
  callWait(operation: number, offset: number): readonly number[] | undefined {
    const key = `${operation} ${offset}`;
    let call = this.calls.get(key);
    if (call === undefined && this.calls.size < MOST_OFFSETS) {
      const body = this.writeWait(operation, offset);
      call = this.addFunction(NO_VALUES_TYPE + operation, body);
      this.calls.set(key, call);
    }
    return call;
  }

  /** The types to append to the type section. */
  get types(): number[][] {
    const address = this.isWide ? ValueByte.i64 : ValueByte.i32;
    const { i32, i64 } = ValueByte;
    return [
      ...STOPS.map((name) => encodeFunctionType(...STOP_TYPES[name])),
      encodeFunctionType([], []),
      encodeFunctionType([address, i32, i64], [i32]),
      encodeFunctionType([address, i64, i64], [i32]),
    ];
  }

  /** The types of the functions to append. */
  get functionTypes(): number[][] {
    return this.functions.map(({ type }) => encodeUnsigned(type));
  }

  /** The bodies of the functions to append. */
  get bodies(): (readonly number[])[] {
    return this.functions.map(({ body }) => body);
  }

  /** The table to append. */
  get table(): number[] {
    return [ValueByte.funcref, 1, STOPS.length, STOPS.length];
  }

  /** The global to append. */
  get global(): number[] {
    return [ValueByte.i32, 1, Opcode.i32Const, ...encodeSigned(FIRST_INTERVAL), Opcode.end];
  }

  private addFunction(type: number, body: readonly number[]): readonly number[] {
    const index = this.free.function + this.functions.length;
    this.functions.push({ type: this.free.type + type, body });
    return [Opcode.call, ...encodeUnsigned(index)];
  }

  /** Whether a stop's slot is empty, as an i32 on the stack. */
  private isEmpty(slot: number): number[] {
    const table = encodeUnsigned(this.free.table);
    return [Opcode.i32Const, slot, Opcode.tableGet, ...table, Opcode.refIsNull];
  }

  private callSlot(slot: number): number[] {
    const type = encodeUnsigned(this.free.type + slot);
    const table = encodeUnsigned(this.free.table);
    return [Opcode.i32Const, slot, Opcode.callIndirect, ...type, ...table];
  }

  private writePass(): number[] {
    const global = encodeUnsigned(this.free.global);
    const countdown = 0;
    const code = [
      ...[Opcode.globalGet, ...global, Opcode.i32Const, 1, Opcode.i32Sub],
      ...[Opcode.localTee, countdown, Opcode.globalSet, ...global],
      ...[Opcode.localGet, countdown, Opcode.i32Const, 1, Opcode.i32LessSigned],
      ...[Opcode.if, EMPTY_BLOCK, Opcode.call, ...encodeUnsigned(this.free.function + 1)],
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
