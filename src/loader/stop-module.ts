/**
 * The stop module: a small WebAssembly module between a rewritten program (see stop-points.ts) and the host. It imports what stops a thread and exports
 * functions that call it, because a table takes only functions of WebAssembly, and only those let an engine suspend the stack above them.
 *
 * Each stop asks the host twice: first a plain function, which answers where nobody has to wait; only then one that may suspend. An engine refuses to call a
 * `WebAssembly.Suspending` at all on a stack that was not begun by `WebAssembly.promising` or has frames of JavaScript on it (a signal handler, called
 * from inside a call), even if it would not suspend: there the plain function has to do everything.
 *
 * Life: compiled once per agent, an instance for each set of imports; its functions go into the table of each program's instance.
 */
import { Opcode } from "./instructions.ts";
import { SectionId } from "./wasm-binary.ts";
import {
  encodeBody,
  encodeFunctionType,
  encodeSection,
  encodeText,
  encodeVector,
  ExternalByte,
  ValueByte,
} from "./wasm-writer.ts";

/**
 * What the host does at stop points, by plain functions: imported from `stops`. Each may answer with a negative number: then the function of the same name and
 * parameters is called that is imported from `suspend`, which may be a `WebAssembly.Suspending`. Traps of the instruction have been taken before: the address, in
 * bytes, is aligned and inside memory 0, which is shared.
 */
export interface StopHost {
  /**
   * Waits while the 32-bit word at `address` is `expected`, for `timeout` nanoseconds, without end if that is negative. Returns 0 when woken, 1 when the
   * word is another, 2 when the time is over.
   */
  wait32(address: number, expected: number, timeout: number): number;
  /** The same with a 64-bit word. */
  wait64(address: number, expected: bigint, timeout: number): number;
  /** Returns how many stop points to pass until the next call (0 is taken as 1); a negative number lets others run. */
  pass(): number;
}

/** Functions of the stop module, by their slot in the program's table. A program does without what its slot does not hold. */
export const STOPS = ["wait32", "wait64", "pass"] as const;

const { i32, i64, f64 } = ValueByte;

/** The signature of each. */
export const STOP_TYPES: Readonly<Record<(typeof STOPS)[number], readonly [number[], number[]]>> = {
  wait32: [[f64, i32, f64], [i32]],
  wait64: [[f64, i64, f64], [i32]],
  pass: [[], [i32]],
};

let compiled: WebAssembly.Module | undefined;

/** The stop module, compiled once per agent. */
export function stopModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(stopModuleBytes());
  return compiled;
}

/** The bytes of the stop module: imports from `stops` and `suspend`, exports functions of the same names. */
export function stopModuleBytes(): Uint8Array<ArrayBuffer> {
  const imports = [
    ...STOPS.map((name) => ["stops", name] as const),
    ...STOPS.map((name) => ["suspend", name] as const),
  ];
  const sections: readonly [number, number[][]][] = [
    [SectionId.type, STOPS.map((name) => encodeFunctionType(...STOP_TYPES[name]))],
    [
      SectionId.import,
      imports.map(([module, name]) => [
        ...encodeText(module),
        ...encodeText(name),
        ExternalByte.function,
        STOPS.indexOf(name),
      ]),
    ],
    [SectionId.function, STOPS.map((_, index) => [index])],
    [
      SectionId.export,
      STOPS.map((name, index) => [
        ...encodeText(name),
        ExternalByte.function,
        imports.length + index,
      ]),
    ],
    [SectionId.code, STOPS.map(writeStop)],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...sections.flatMap(([id, entries]) => encodeSection(id, encodeVector(entries))),
  ]);
}

function writeStop(name: (typeof STOPS)[number], index: number): number[] {
  const [parameters] = STOP_TYPES[name];
  const given = parameters.flatMap((_, local) => [Opcode.localGet, local]);
  const attempt = [...given, Opcode.call, index];
  const result = parameters.length;
  const code = [
    ...[...attempt, Opcode.localTee, result, Opcode.i32Const, 0, Opcode.i32LessSigned],
    ...[Opcode.if, i32, ...given, Opcode.call, STOPS.length + index],
    ...[Opcode.else, Opcode.localGet, result, Opcode.end],
  ];
  return encodeBody(code, [[1, i32]]);
}

/**
 * Gives a rewritten program's instance what to do at its stop points. Before, and after `undefined`, each wait is the engine's own and stop points only
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
