/**
 * The stop module: a small WebAssembly module between a rewritten program (see stop-points.ts) and the host. It imports what stops a thread and exports
 * functions that call it, because a table takes only functions of WebAssembly, and only those let an engine suspend the stack above them.
 *
 * Life: compiled once per agent, an instance for whoever provides the imports; its functions go into the table of each program's instance.
 */
import { Opcode } from "./instructions.ts";
import { SectionId } from "./wasm-binary.ts";
import {
  encodeBody,
  encodeFunctionType,
  encodeSection,
  encodeText,
  encodeUnsigned,
  encodeVector,
  ExternalByte,
  ValueByte,
} from "./wasm-writer.ts";

/**
 * What the host does at stop points. Each may be a `WebAssembly.Suspending` that gives a promise of the result.
 *
 * The instruction's traps are taken before: the address is aligned and inside memory 0, which is shared.
 */
export interface StopHost {
  /**
   * Waits while the 32-bit word at `address`, in bytes, is `expected`, for `timeout` nanoseconds, without end if that is negative.
   * Returns 0 when woken, 1 when the word is another, 2 when the time is over.
   */
  wait32(address: number, expected: number, timeout: number): number | Promise<number>;
  /** The same with a 64-bit word. */
  wait64(address: number, expected: bigint, timeout: number): number | Promise<number>;
  /** Wakes at most `count` (an unsigned number that arrives as a signed one: -1 is all) waiters at `address`. Returns how many. */
  notify(address: number, count: number): number | Promise<number>;
  /** Lets others run. Returns how many spin points to pass until the next call; 0 and less are taken as 1. */
  yield(): number | Promise<number>;
}

/** Functions of the stop module, by their slot in the program's table. A program does without what its slot does not hold. */
export const STOPS = ["wait32", "wait64", "notify", "yield"] as const;

const { i32, i64, f64 } = ValueByte;

/** The signature of each. */
export const STOP_TYPES: Readonly<Record<(typeof STOPS)[number], readonly [number[], number[]]>> = {
  wait32: [[f64, i32, f64], [i32]],
  wait64: [[f64, i64, f64], [i32]],
  notify: [[f64, i32], [i32]],
  yield: [[], [i32]],
};

/** The bytes of the stop module: imports `stops.wait32` and so on, exports functions of the same names. */
export function stopModuleBytes(): Uint8Array<ArrayBuffer> {
  const bodies = STOPS.map((name, index) => {
    const code = STOP_TYPES[name][0].flatMap((_, local) => [Opcode.localGet, local]);
    return encodeBody([...code, Opcode.call, index]);
  });
  const sections: readonly [number, number[][]][] = [
    [SectionId.type, STOPS.map((name) => encodeFunctionType(...STOP_TYPES[name]))],
    [
      SectionId.import,
      STOPS.map((name, index) => [
        ...encodeText("stops"),
        ...encodeText(name),
        ExternalByte.function,
        index,
      ]),
    ],
    [SectionId.function, STOPS.map((_, index) => [index])],
    [
      SectionId.export,
      STOPS.map((name, index) => [
        ...encodeText(name),
        ExternalByte.function,
        ...encodeUnsigned(STOPS.length + index),
      ]),
    ],
    [SectionId.code, bodies],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...sections.flatMap(([id, entries]) => encodeSection(id, encodeVector(entries))),
  ]);
}

/**
 * Gives a rewritten program's instance what to do at its stop points. Before, and after `undefined`, each wait is the engine's own and spin points only
 * count: so it is while the start section runs.
 *
 * @param instance an instance of the rewritten program; @param tableName the name of its table, as `addStopPoints` gives it
 * @param stops an instance of the stop module
 */
export function armStopPoints(
  instance: WebAssembly.Instance,
  tableName: string,
  stops: WebAssembly.Instance | undefined,
): void {
  const table = instance.exports[tableName] as WebAssembly.Table;
  STOPS.forEach((name, slot) => table.set(slot, stops === undefined ? null : stops.exports[name]));
}
