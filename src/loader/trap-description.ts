/**
 * What stopped a guest, told from the error an engine throws: a kind that is the same in every engine, and the guest's own
 * call stack. Engines word traps and frames differently; the three families are V8 (Node, Chromium), SpiderMonkey
 * (Firefox) and JavaScriptCore (Safari).
 */
import { printable } from "./printable.ts";
import type { Asyncify } from "./asyncify.ts";
import { originalOffset } from "./byte-edits.ts";
import type { Renewal } from "./renewal.ts";
import type { StopPoints } from "./stop-points.ts";
import { RAW_TRAP, type Thrown } from "./trap.ts";

/** What stopped a guest, in the same words for every engine. */
export type TrapKind =
  | "unreachable"
  | "memory access out of bounds"
  | "stack overflow"
  | "integer divide by zero"
  | "integer overflow"
  | "invalid conversion to integer"
  | "indirect call to null"
  | "indirect call type mismatch"
  | "indirect call to null or type mismatch"
  | "table access out of bounds"
  | "unaligned atomic access"
  | "null reference"
  | "bad cast"
  | "array access out of bounds"
  | "atomic wait not allowed"
  | "uncaught exception"
  /** A WebAssembly.RuntimeError in words not known here. */
  | "trap"
  /** The host cannot give an instance its memory; the engine's message is kept. */
  | "host out of memory"
  /** Not thrown by guest code: a fault of the host, whose message is kept. */
  | "host error";

/** A frame of the guest's stack. */
export interface TrapFrame {
  /** The function's name, or `wasm-function[N]`. */
  readonly function: string;
  /** The function's index; undefined when the engine tells only a name. */
  readonly index: number | undefined;
  /** Offset of the instruction in the module, in bytes; undefined when the engine does not tell. */
  readonly offset: number | undefined;
}

/** A trap in words. */
export interface TrapDescription {
  readonly kind: TrapKind;
  /** Innermost first. */
  readonly frames: readonly TrapFrame[];
  /** Kind, the engine's words where they add something, and a line for each frame. */
  readonly text: string;
}

/** Messages of the engines, tried in order. */
const KINDS: readonly (readonly [RegExp, TrapKind])[] = [
  [/call stack size exceeded|too much recursion/i, "stack overflow"],
  [/unreachable/i, "unreachable"],
  [/^(?:null function or )?function signature mismatch/i, "indirect call to null or type mismatch"],
  [/call_indirect.*null|indirect call to null/i, "indirect call to null"],
  [/signature/i, "indirect call type mismatch"],
  [/\btable\b|element segment|call_indirect/i, "table access out of bounds"],
  [/array/i, "array access out of bounds"],
  [
    /out of bounds trunc|float unrepresentable|invalid conversion/i,
    "invalid conversion to integer",
  ],
  [/divide result unrepresentable|integer overflow/i, "integer overflow"],
  [/by zero/i, "integer divide by zero"],
  [/unaligned/i, "unaligned atomic access"],
  [/atomics?\.?\s?wait|waiting is not allowed/i, "atomic wait not allowed"],
  [/null/i, "null reference"],
  [/cast/i, "bad cast"],
  [/out of bounds/i, "memory access out of bounds"],
];

/** Frames kept, and characters of a line looked at: names are the guest's, stacks may be deep. */
const FRAME_LIMIT = 50;
const LINE_LIMIT = 2_000;

/** Reads one line of a stack; undefined when it is no frame of WebAssembly. */
function parseFrame(line: string): TrapFrame | undefined {
  const marker = line.lastIndexOf("wasm-function[");
  if (marker < 0) return undefined;
  const [, inside = "", rest = ""] =
    /^wasm-function\[([^\]]*)\](.*)$/.exec(line.slice(marker)) ?? [];
  const index = /^\d{1,9}$/.test(inside) ? Number(inside) : undefined;
  const place = /^:0x([0-9a-f]{1,12})/.exec(rest);
  // Older JavaScriptCore: `module.wasm-function[name or index]@[wasm code]`.
  if (!place && rest !== "") {
    if (!rest.startsWith("@[wasm code]")) return undefined;
    return { function: index === undefined ? inside : "", index, offset: undefined };
  }
  const before = line.slice(0, marker);
  // V8: `at name (wasm://…:wasm-function[1]:0x2)`, without brackets when there is no name.
  // SpiderMonkey: `name@address:wasm-function[1]:0x2`. Newer JavaScriptCore: the same without a place.
  const v8 = /^\s*at (?:async )?/.exec(before);
  const end = v8 ? before.lastIndexOf(" (") : before.lastIndexOf("@");
  const name = before.slice(v8?.[0].length ?? 0, Math.max(0, end));
  return {
    function: name.startsWith("wasm-function[") ? "" : name,
    index,
    offset: place ? parseInt(place[1], 16) : undefined,
  };
}

/** The guest's frames in an engine's stack text, innermost first. */
function parseFrames(stack: string): TrapFrame[] {
  const frames: TrapFrame[] = [];
  let position = 0;
  while (position < stack.length && frames.length < FRAME_LIMIT) {
    const found = stack.indexOf("\n", position);
    const end = found < 0 ? stack.length : found;
    const frame = parseFrame(stack.slice(position, Math.min(end, position + LINE_LIMIT)));
    position = end + 1;
    if (!frame) continue;
    const isNameless = frame.function === "" && frame.index !== undefined;
    const name = isNameless ? `wasm-function[${frame.index}]` : frame.function;
    frames.push({ ...frame, function: printable(name) });
  }
  return frames;
}

function classify(name: string, message: string, tag: string): TrapKind {
  if (tag === "[object WebAssembly.Exception]") return "uncaught exception";
  // JavaScriptCore quotes the calling source after its words.
  const words = message.split(" (evaluating")[0];
  const kind = KINDS.find(([pattern]) => pattern.test(words))?.[1];
  if (kind === "stack overflow") return kind;
  if (name !== "RuntimeError")
    return /out of memory|allocate/i.test(words) ? "host out of memory" : "host error";
  return kind ?? "trap";
}

/**
 * Describes what was thrown out of a guest's export. Engines keep ten frames unless Error.stackTraceLimit says more.
 *
 * @param edits what was done to the program's code: the frames told are those of the code as it was
 */
export function describeThrown(
  { name, message, stack, tag }: Thrown,
  edits?: CodeEdits,
): TrapDescription {
  const kind = classify(name, message, tag);
  const found = parseFrames(stack);
  const frames = edits === undefined ? found : withoutEdits(found, edits);
  const lines = frames.map(
    (frame) =>
      `    at ${frame.function}` +
      (frame.index === undefined ? "" : ` (function ${frame.index}`) +
      (frame.offset === undefined ? "" : `, offset 0x${frame.offset.toString(16)}`) +
      (frame.index === undefined ? "" : ")"),
  );
  const tellsMore = kind.startsWith("host") || kind === "trap" || message.includes("segment");
  const words = tellsMore ? `: ${printable(message, 500)}` : "";
  return { kind, frames, text: [kind + words, ...lines].join("\n") };
}

/** Puts what `tellTrap` left raw into words. */
export function describeRawTrap(message: string): string {
  const [where, thrown, renewal] = JSON.parse(message.slice(RAW_TRAP.length)) as [
    string,
    Thrown,
    Renewal | null,
  ];
  const edits = renewal === null ? undefined : { renewal };
  return where + describeThrown(thrown, edits).text;
}

/** What was done to a program's code before it was compiled, as its `Program` tells. */
export interface CodeEdits {
  readonly renewal?: Renewal | undefined;
  readonly asyncify?: Pick<Asyncify, "shift"> | undefined;
  readonly stops?: Omit<StopPoints, "bytes"> | undefined;
}

/** Frames in a program's code as it was given. */
function withoutEdits(frames: TrapFrame[], { renewal, asyncify, stops }: CodeEdits): TrapFrame[] {
  const firstHelper = (renewal ?? stops)?.firstHelper ?? Infinity;
  // The last edit first.
  const led = (offset: number): number => {
    const { map } = renewal ?? stops ?? {};
    return (map === undefined ? offset : originalOffset(map, offset)) - (asyncify?.shift ?? 0);
  };
  return frames
    .filter(({ index }) => index === undefined || index < firstHelper)
    .map((frame) => (frame.offset === undefined ? frame : { ...frame, offset: led(frame.offset) }));
}
