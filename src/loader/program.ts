/**
 * Program: a compiled module with what the loader knows of it. Plain data beside the module, so that it can be posted to workers, which share the
 * compiled code.
 *
 * Life: made once per program by `compileProgram`, immutable.
 */
import { callNames, callType } from "../abi/call-types.ts";
import type { StackLayout } from "../kernel/index.ts";
import { isFurtherCall, isPathCall } from "../syscalls/table.ts";
import type { Asyncify, readAsyncify } from "./asyncify.ts";
import type { tellForeign } from "./foreign-format.ts";
import { findLinkFaults, type KnownImports } from "./link-faults.ts";
import type { limitMemory } from "./memory-limits.ts";
import { describeModule, type ModuleDescription } from "./module-description.ts";
import { ModuleError } from "./module-error.ts";
import { mainStackLayout } from "./stack-layout.ts";
import { canSuspendStacks } from "./suspension.ts";
import type { StopPoints } from "./stop-points.ts";
import type { makeRenewable, Renewal } from "./renewal.ts";
import type { tellUnfit } from "./unfit-program.ts";
import {
  formatFunctionType,
  type FunctionType,
  NeedsFurtherReading,
  provideRareTypes,
  type RareTypes,
} from "./wasm-types.ts";

export { NeedsFurtherReading };

/** What carriers need to make instances. */
export interface Program {
  readonly module: WebAssembly.Module;
  /** Imported functions that the kernel has, each once. */
  readonly functions: readonly { module: string; name: string }[];
  /** Those that the host program gives. */
  readonly given: readonly { module: string; name: string }[];
  /** Where the memory is imported, with the limits to make it with, in pages. */
  readonly memoryImport:
    | {
        module: string;
        name: string;
        minimum: number;
        maximum: number | undefined;
        shared: boolean;
      }
    | undefined;
  readonly memoryExport: string | undefined;
  readonly entry: "_start" | "_initialize" | undefined;
  readonly hasThreadEntry: boolean;
  readonly importsThreadSpawn: boolean;
  /** It imports what only the host's event loop can do: starting programs, interval timers. */
  readonly asksHost: boolean;
  /** Its threads may make contexts: each needs a stack that can be suspended. */
  readonly importsContexts: boolean;
  /** Imports calls of `further-table.ts`, or its stacks can be taken apart: agents must be given the part for that before they run it. */
  readonly needsFurtherCalls: boolean;
  /** Imports calls that look files up or list them: it may come to files that nobody gave it. */
  readonly takesPaths: boolean;
  /** Its memory has 64-bit addresses: so wide are the pointers and sizes that it passes. */
  readonly isWide: boolean;
  /** Imports WASIX calls: its C library knows its working directory. */
  readonly isWasix: boolean;
  /** Its threads can share its memory: imported and shared. */
  readonly hasSharedMemory: boolean;
  /** Where its main thread has its stack. */
  readonly stack: StackLayout;
  /** What its stacks are taken apart with, where it was instrumented by asyncify and Weft understands it. */
  readonly asyncify: Asyncify | undefined;
  /** Where an instance in which a thread has ended can be renewed for the next one. */
  readonly renewal: Renewal | undefined;
  /** Where its code was given stop points, so that its threads can share a carrier: see `stop-points.ts`. */
  readonly stops: Omit<StopPoints, "bytes"> | undefined;
  /** For people: what it is called in messages. */
  readonly name: string;
}

/** Whether a program can have threads that share carriers, where the engine can suspend stacks. */
export function mayShareCarriers(program: Program): boolean {
  return program.importsThreadSpawn && program.hasThreadEntry && program.hasSharedMemory;
}

/** Whether a program's threads can leave their carriers while they wait, in every engine: their stacks can be taken apart. */
export function mayLeaveCarriers(program: Program): boolean {
  return program.asyncify !== undefined && mayShareCarriers(program);
}

/**
 * Whether a program's threads run on stacks that can be suspended even where each has a worker of its own: for contexts.
 *
 * @param keepsApart whether those of a program that carries asyncify are taken apart all the same
 */
export function needsSuspension(program: Program, keepsApart: boolean): boolean {
  const { asyncify, importsContexts } = program;
  const isTakenApart = keepsApart && asyncify?.unwinds.has("wasix_32v1.context_switch") === true;
  return importsContexts && canSuspendStacks && !isTakenApart;
}

/** What `describeProgram` found before anything was compiled. */
export interface ProgramDescription {
  readonly description: ModuleDescription;
  /** The bytes to compile: the file's, with its memory limited, what renews its instances, and all globals exported where its stacks are taken apart. */
  readonly bytes: Uint8Array;
  readonly renewal: Renewal | undefined;
  readonly asyncify: Asyncify | undefined;
}

/** The functions that the host program gives a program beside the kernel's, as `module.name`. */
export type GivenNames = ReadonlySet<string>;

const NOTHING_GIVEN: GivenNames = new Set();

/** The pages of 64 KiB that 32-bit memories can have. */
export const MOST_PAGES = 65536;

/**
 * The pages that a program with a 64-bit memory gets: less than 4 GiB, so that the kernel's numbers of 32 bits reach all of it and an address beyond is never
 * good (`narrowPointer`).
 */
const MOST_WIDE_PAGES = MOST_PAGES - 1;

/** Whether a program's memory has 64-bit addresses. */
export function isWideProgram({ memory }: ModuleDescription): boolean {
  return memory.limits?.memory64 === true;
}

function mostPages(description: ModuleDescription, maximumPages: number): number {
  return isWideProgram(description) ? Math.min(maximumPages, MOST_WIDE_PAGES) : maximumPages;
}

/** Whether the engine has memories of 64-bit addresses: a module with one is asked for. */
export function hasWideMemories(): boolean {
  return WebAssembly.validate(
    Uint8Array.from([...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], ...[5, 3, 1, 4, 0]]),
  );
}

/** Everything that Weft provides, which is everything there is; each is looked up when a module asks for it. */
const known: KnownImports = {
  get(key) {
    const dot = key.indexOf(".");
    return callType(key.slice(0, dot), key.slice(dot + 1));
  },
  keys: callNames,
};

/** Signatures of everything Weft provides, by "module.name". */
export function knownImports(): KnownImports {
  return known;
}

/**
 * What it takes to read a program that is instrumented or whose memory is limited, or to say why one cannot be linked or is none. A part of its own
 * (`further-reading.ts`).
 */
export interface FurtherReading {
  readonly readAsyncify: typeof readAsyncify;
  readonly limitMemory: typeof limitMemory;
  readonly makeRenewable: typeof makeRenewable;
  readonly rareTypes: RareTypes;
  readonly tellForeign: typeof tellForeign;
  readonly tellUnfit: typeof tellUnfit;
  /** All that is wrong with a program's imports, a line each. */
  tellLinkProblems(
    description: ModuleDescription,
    known: KnownImports,
    given: GivenNames | undefined,
  ): string;
}

let furtherReading: FurtherReading | undefined;

/** Gives this agent that part. */
export function provideFurtherReading(given: FurtherReading): void {
  furtherReading = given;
  provideRareTypes(given.rareTypes);
}

function readFurther(): FurtherReading {
  if (furtherReading === undefined) throw new NeedsFurtherReading();
  return furtherReading;
}

/**
 * Reads a program's bytes and checks that it can be linked, before anything is compiled.
 *
 * @param name what messages call it; @param maximumPages limit for its memory in pages of 64 KiB
 * @param renews whether its threads may use an instance one after the other
 * @throws ModuleError naming what is wrong: no WebAssembly, malformed, missing imports, no entry, a memory above the limit
 * @throws NeedsFurtherReading
 */
export function readProgram(
  bytes: Uint8Array,
  name: string,
  maximumPages: number,
  given?: GivenNames,
  renews = false,
): ProgramDescription {
  const description = describe(bytes);
  if (findLinkFaults(description, known, given).length > 0) {
    const problems = readFurther().tellLinkProblems(description, known, given);
    throw new ModuleError("ERR_LINK", `${name} cannot be linked:\n${problems}`);
  }
  if (
    description.isDynamic ||
    (!description.isCommand && !description.isReactor && given === undefined) ||
    (isWideProgram(description) && !hasWideMemories()) ||
    wrongEntryOf(description) !== undefined
  )
    throw readFurther().tellUnfit(description, name, given !== undefined);
  const pages = mostPages(description, maximumPages);
  const limited = pages < MOST_PAGES ? readFurther().limitMemory(bytes, description, pages) : bytes;
  // Before anything is added to it: a stack is put back in any instance of the program, whatever its code was given.
  const instrumented = findAsyncify(limited, description);
  const plain = instrumented?.bytes ?? limited;
  const renewable =
    renews && given === undefined && description.importsThreadSpawn
      ? readFurther().makeRenewable(plain, description)
      : undefined;
  return {
    description,
    bytes: renewable?.bytes ?? plain,
    renewal: renewable?.renewal,
    asyncify: instrumented?.asyncify,
  };
}

function describe(bytes: Uint8Array): ModuleDescription {
  try {
    return describeModule(bytes);
  } catch (error) {
    const isForeign = error instanceof ModuleError && error.code === "ERR_NOT_WASM";
    throw isForeign ? readFurther().tellForeign(error, bytes) : error;
  }
}

function findAsyncify(bytes: Uint8Array, description: ModuleDescription) {
  if (!description.asyncify || isWideProgram(description)) return undefined;
  const functions = description.imports.filter(({ kind }) => kind === "function");
  return readFurther().readAsyncify(
    bytes,
    functions,
    description.stackPointerGlobal,
    mainStackLayout(description).upper,
  );
}

/** What calls a program's entries expect; the arguments of another signature would be nonsense, or an exception of the engine. */
const entriesOf = (address: "i32" | "i64"): readonly (readonly [string, FunctionType])[] => [
  ["_start", { parameters: [], results: [] }],
  ["_initialize", { parameters: [], results: [] }],
  ["wasi_thread_start", { parameters: ["i32", address], results: [] }],
];

/** An entry whose signature is another, and what it must be. */
export function wrongEntryOf(
  description: ModuleDescription,
): { entry: string; given: string; wanted: string } | undefined {
  for (const [entry, expected] of entriesOf(isWideProgram(description) ? "i64" : "i32")) {
    const found = description.exports.find((one) => one.name === entry);
    if (found?.kind !== "function") continue;
    const wanted = formatFunctionType(expected);
    const given = formatFunctionType(found.type);
    if (given !== wanted) return { entry, given, wanted };
  }
  return undefined;
}

const ASKS_HOST = /^proc_(exec|spawn|fork|raise_interval)/;

/** Makes a program of a compiled module and what `readProgram` found. */
export function makeProgram(
  module: WebAssembly.Module,
  { description, renewal, asyncify }: ProgramDescription,
  name: string,
  mostGiven: number,
  stops?: StopPoints,
  given = NOTHING_GIVEN,
): Program {
  const maximumPages = mostPages(description, mostGiven);
  const functions = new Map<string, { module: string; name: string }>();
  const others = new Map<string, { module: string; name: string }>();
  for (const entry of description.imports) {
    const isGiven = given.has(`${entry.module}.${entry.name}`);
    if (entry.kind === "function")
      (isGiven ? others : functions).set(`${entry.module}.${entry.name}`, {
        module: entry.module,
        name: entry.name,
      });
  }
  const { memory } = description;
  const imported =
    memory.importName && description.imports.find((entry) => entry.kind === "memory");
  const limits = imported?.kind === "memory" ? imported.type : undefined;
  return {
    module,
    functions: [...functions.values()],
    given: [...others.values()],
    memoryImport: memory.importName &&
      limits && {
        ...memory.importName,
        minimum: limits.minimum,
        maximum:
          limits.maximum === undefined
            ? maximumPages < MOST_PAGES
              ? Math.max(limits.minimum, maximumPages)
              : undefined
            : Math.min(limits.maximum, Math.max(limits.minimum, maximumPages)),
        shared: limits.shared,
      },
    memoryExport: memory.exportName,
    entry: description.isCommand ? "_start" : "_initialize",
    hasThreadEntry: description.hasThreadEntry,
    importsThreadSpawn: description.importsThreadSpawn,
    asksHost: [...functions.values()].some(({ name }) => ASKS_HOST.test(name)),
    importsContexts: [...functions.values()].some(({ name }) => name === "context_create"),
    needsFurtherCalls:
      asyncify !== undefined ||
      [...functions.values()].some(({ module, name }) => isFurtherCall(module, name)),
    takesPaths: [...functions.values()].some(({ name }) => isPathCall(name)),
    isWide: isWideProgram(description),
    isWasix: description.wasiModules.some((name) => name.startsWith("wasix")),
    hasSharedMemory: limits?.shared === true,
    // Where its stacks are taken apart, one without a symbol for its lower end does not reach into the data below.
    stack: mainStackLayout(description, asyncify?.dataEnd),
    renewal,
    asyncify,
    stops: stops && {
      tableName: stops.tableName,
      firstHelper: stops.firstHelper,
      map: stops.map,
      state: stops.state,
    },
    name,
  };
}

/**
 * Reads, checks and compiles a program.
 *
 * @param given functions that the host program gives; such a program need have no entry
 * @throws as `readProgram`, or what the engine says of the module
 */
export async function compileProgram(
  bytes: Uint8Array,
  name: string,
  maximumPages: number,
  given?: GivenNames,
  renews?: boolean,
): Promise<Program> {
  const found = readProgram(bytes, name, maximumPages, given, renews);
  const module = await WebAssembly.compile(found.bytes);
  return makeProgram(module, found, name, maximumPages, undefined, given);
}

/** The same as `compileProgram` at once, on the calling thread. */
export function compileProgramSync(bytes: Uint8Array, name: string, maximumPages: number): Program {
  return compileSync(readProgram(bytes, name, maximumPages, undefined, true), name, maximumPages);
}

/** The same for a program that was read. */
export function compileSync(
  found: ProgramDescription,
  name: string,
  maximumPages: number,
): Program {
  return makeProgram(new WebAssembly.Module(found.bytes), found, name, maximumPages);
}
