/**
 * What stands between a program and the host's functions where the engine can suspend stacks: a WebAssembly module with a function for each call.
 *
 * To call a `WebAssembly.Suspending` takes an engine more than twice as long as an ordinary function, also where it does not suspend (V8 14: 80 ns more). And it refuses to
 * where frames of JavaScript are on the stack. So each function calls the host's as an ordinary one first; only where that left a promise it calls the one that suspends
 * the stack until the promise is settled. So every call can suspend, also those that hardly ever do.
 *
 * Life: made with the imports of a group of instances, of its agent alone.
 */
import type { CallType } from "../abi/call-types.ts";
import type { Import } from "./imports.ts";
import { Opcode } from "./instructions.ts";
import { suspending } from "./suspension.ts";
import { SectionId } from "./wasm-binary.ts";
import {
  encodeBody,
  encodeFunctionType,
  encodeSection,
  encodeSigned,
  encodeText,
  encodeUnsigned,
  encodeVector,
  ExternalByte,
  ValueByte,
} from "./wasm-writer.ts";

/** A function of the host, and what the program takes it for. */
export interface SuspendableCall {
  readonly type: CallType;
  readonly call: Import;
}

/** What a call answers that left a promise: no call has such a result. */
const LEFT_PROMISE = -(2 ** 31);

/** Makes functions for a program's imports of calls that may answer promises: in the order given. */
export function makeSuspendable(calls: readonly SuspendableCall[]): readonly unknown[] {
  let left: unknown;
  const take = (outcome: unknown): unknown => {
    if (typeof outcome !== "object") return outcome;
    left = outcome;
    return LEFT_PROMISE;
  };
  const wait = suspending(() => {
    const promise = left;
    left = undefined;
    return promise;
  });
  const imports: Record<string, unknown> = { wait };
  calls.forEach(({ call, type }, index) => {
    imports[index] = passThrough(call, type.parameters.length, take);
  });
  const module = new WebAssembly.Module(moduleBytes(calls.map(({ type }) => type)));
  const { exports } = new WebAssembly.Instance(module, { host: imports });
  return calls.map((_, index) => exports[index]);
}

/** The call with what it answers handed to `take`. Written out for the same reason as the calls themselves. */
function passThrough(call: Import, count: number, take: (outcome: unknown) => unknown): Import {
  switch (count) {
    case 0:
      return () => take(call());
    case 1:
      return (p0) => take(call(p0));
    case 2:
      return (p0, p1) => take(call(p0, p1));
    case 3:
      return (p0, p1, p2) => take(call(p0, p1, p2));
    case 4:
      return (p0, p1, p2, p3) => take(call(p0, p1, p2, p3));
    case 5:
      return (p0, p1, p2, p3, p4) => take(call(p0, p1, p2, p3, p4));
    default:
      return (...parameters) => take(call(...parameters));
  }
}

/** A module that imports the calls from `host` by their numbers, and `wait`; it exports functions by the same numbers. */
function moduleBytes(types: readonly CallType[]): Uint8Array<ArrayBuffer> {
  const { i32 } = ValueByte;
  const count = types.length;
  // Two types for each call: the host's function always has a result.
  const signatures = types.flatMap(({ parameters, results }) => {
    const given = parameters.map((type) => ValueByte[type]);
    return [
      encodeFunctionType(given, [i32]),
      encodeFunctionType(given, results.length > 0 ? [i32] : []),
    ];
  });
  const imported = types.map((_, index) => encodeImport(String(index), index * 2));
  const sections: readonly [number, number[][]][] = [
    [SectionId.type, [...signatures, encodeFunctionType([], [i32])]],
    [SectionId.import, [...imported, encodeImport("wait", count * 2)]],
    [SectionId.function, types.map((_, index) => encodeUnsigned(index * 2 + 1))],
    [
      SectionId.export,
      types.map((_, index) => [
        ...encodeText(String(index)),
        ExternalByte.function,
        ...encodeUnsigned(count + 1 + index),
      ]),
    ],
    [SectionId.code, types.map((type, index) => writeCall(type, index, count))],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...sections.flatMap(([id, entries]) => encodeSection(id, encodeVector(entries))),
  ]);
}

function encodeImport(name: string, type: number): number[] {
  return [
    ...encodeText("host"),
    ...encodeText(name),
    ExternalByte.function,
    ...encodeUnsigned(type),
  ];
}

/** The function of a call: `wait` is the number of the import that suspends. */
function writeCall({ parameters, results }: CallType, index: number, wait: number): number[] {
  const { i32 } = ValueByte;
  const result = encodeUnsigned(parameters.length);
  const waiting = [Opcode.call, ...encodeUnsigned(wait)];
  const code = [
    ...parameters.flatMap((_, local) => [Opcode.localGet, local]),
    ...[Opcode.call, ...encodeUnsigned(index), Opcode.localTee, ...result],
    ...[Opcode.i32Const, ...encodeSigned(LEFT_PROMISE), Opcode.i32Equal],
    ...[Opcode.if, i32, ...waiting, Opcode.else, Opcode.localGet, ...result, Opcode.end],
    ...(results.length > 0 ? [] : [Opcode.drop]),
  ];
  return encodeBody(code, [[1, i32]]);
}
