/**
 * What stands between a program and the host's functions where the engine can suspend stacks: a WebAssembly module with a function for each call.
 *
 * To call a `WebAssembly.Suspending` takes an engine more than twice as long as an ordinary function, also where it does not suspend (V8 14: 80 ns more). And it refuses to
 * where frames of JavaScript are on the stack. So each function calls the host's as an ordinary one first; only where that left a promise it calls the one that suspends
 * the stack until the promise is settled. So every call can suspend, also those that hardly ever do. And a call whose stack was suspended can go on upon it: where
 * its promise was fulfilled by `onStack`, the function calls the host's once more.
 *
 * Life: made with the imports of a group of instances, of its agent alone.
 */
import type { Import } from "./imports.ts";
import { EMPTY_BLOCK, Opcode } from "./instructions.ts";
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
  readonly type: {
    readonly parameters: readonly (keyof typeof ValueByte)[];
    readonly results: readonly "i32"[];
  };
  readonly call: Import;
}

type CallType = SuspendableCall["type"];

/** What a call answers that left a promise: no call has such a result. */
const LEFT_PROMISE = -(2 ** 31);

/** What is to be done on the stack that is resumed next. */
let work: (() => unknown) | undefined;

/** A promise that is fulfilled by what this returns resumes its stack with `next`, which stands for the call: it answers for it, if need be by another promise. */
export function onStack(next: () => unknown): number {
  work = next;
  return LEFT_PROMISE;
}

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
  const goOn = (): unknown => {
    const next = work!;
    work = undefined;
    return take(next());
  };
  const imports: Record<string, unknown> = { wait, goOn };
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

/** A module that imports the calls from `host` by their numbers, `wait`, and `goOn`; it exports functions by the same numbers. */
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
    [
      SectionId.import,
      [...imported, encodeImport("wait", count * 2), encodeImport("goOn", count * 2)],
    ],
    [SectionId.function, types.map((_, index) => encodeUnsigned(index * 2 + 1))],
    [
      SectionId.export,
      types.map((_, index) => [
        ...encodeText(String(index)),
        ExternalByte.function,
        ...encodeUnsigned(count + 2 + index),
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

/** The function of a call: `wait` is the number of the import that suspends, and `goOn` the next. */
function writeCall({ parameters, results }: CallType, index: number, wait: number): number[] {
  const result = encodeUnsigned(parameters.length);
  const hasLeft = [Opcode.i32Const, ...encodeSigned(LEFT_PROMISE), Opcode.i32Equal];
  const code = [
    ...parameters.flatMap((_, local) => [Opcode.localGet, local]),
    ...[Opcode.call, ...encodeUnsigned(index), Opcode.localSet, ...result],
    ...[Opcode.loop, EMPTY_BLOCK, Opcode.localGet, ...result, ...hasLeft],
    ...[Opcode.if, EMPTY_BLOCK, Opcode.call, ...encodeUnsigned(wait), Opcode.localTee, ...result],
    ...[...hasLeft, Opcode.if, EMPTY_BLOCK],
    ...[Opcode.call, ...encodeUnsigned(wait + 1), Opcode.localSet, ...result],
    ...[Opcode.branch, 2, Opcode.end, Opcode.end, Opcode.end],
    ...(results.length > 0 ? [Opcode.localGet, ...result] : []),
  ];
  return encodeBody(code, [[1, ValueByte.i32]]);
}
