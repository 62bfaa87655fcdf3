/**
 * Instrumenting a program, so that its stacks can be taken apart and put back: binaryen's asyncify, for the calls of WASI and WASIX that can unwind a stack. An
 * entry of its own, `weft/instrument`. It needs the package `binaryen`, which users install themselves.
 */
import { tellForeign } from "../loader/foreign-format.ts";
import { describeModule, type ModuleDescription } from "../loader/module-description.ts";
import { rareTypes } from "../loader/rare-types.ts";
import { mayUnwind } from "../loader/unwinding-imports.ts";
import { provideRareTypes } from "../loader/wasm-types.ts";
import { WeftError } from "./errors.ts";
import { programError } from "./program.ts";

provideRareTypes(rareTypes);

/** As it is; its types have this function under another name. */
type Binaryen = (typeof import("binaryen"))["default"] & {
  readBinary(bytes: Uint8Array, features: number): InstanceType<Binaryen["Module"]>;
};

/** Quick to run and not much larger: asyncify's own output is several times the size without. */
const OPTIMIZE_LEVEL = 2;

/**
 * Adds asyncify to a program: with it Weft can fork its processes, let its threads sleep without a worker and have contexts where the engine cannot suspend stacks,
 * and give it `setjmp` and `longjmp` through `stack_checkpoint`. Memory, threads, exceptions and names stay as they are. What is instrumented runs slower, typically by a
 * fifth, and is larger, typically by a half.
 *
 * @param name what messages call it
 * @throws WeftError: ERR_PROGRAM_INVALID for what is no such program, ERR_HOST without the package `binaryen`, ERR_INSTRUMENT where it cannot be done
 */
export async function instrumentProgram(
  bytes: Uint8Array,
  name = "program.wasm",
): Promise<Uint8Array<ArrayBuffer>> {
  let description: ModuleDescription;
  try {
    description = describeModule(bytes);
  } catch (cause) {
    throw programError(name, tellForeign(cause, bytes));
  }
  const calls = checkProgram(description, name);
  const binaryen = await loadBinaryen();
  const instrumented = runAsyncify(binaryen, bytes, calls, description.stackPointerGlobal, name);
  checkResult(description, instrumented, name);
  return instrumented;
}

function failure(name: string, message: string, cause?: unknown): WeftError {
  return new WeftError(
    "ERR_INSTRUMENT",
    `${name}: ${message}`,
    cause === undefined ? {} : { cause },
  );
}

/** Checks that a program can be instrumented. Returns the imports for which, as binaryen wants them named. */
function checkProgram(description: ModuleDescription, name: string): string[] {
  if (description.asyncify)
    throw failure(name, "it has been instrumented already: it carries asyncify's exports");
  if (description.isObjectFile)
    throw failure(name, "it is an object file; link it, and instrument the program");
  if (description.isDynamic)
    throw failure(name, "it is dynamically linked; stacks are taken apart in static programs only");
  if (!description.isCommand && !description.isReactor)
    throw failure(name, "it exports neither _start nor _initialize: it is no program");
  if (description.stackPointerGlobal === undefined)
    throw failure(
      name,
      "its stack pointer cannot be found; link it with -Wl,--export=__stack_pointer",
    );
  const calls = description.imports.filter(
    (entry) => entry.kind === "function" && mayUnwind(entry.name),
  );
  if (calls.length === 0)
    throw failure(
      name,
      "it imports no call that waits, forks or saves its stack: there is nothing to instrument it for",
    );
  return calls.map((entry) => `${entry.module}.${entry.name}`);
}

async function loadBinaryen(): Promise<Binaryen> {
  try {
    return (await import("binaryen")).default as Binaryen;
  } catch (cause) {
    throw new WeftError(
      "ERR_HOST",
      "instrumenting needs the package binaryen, which is not installed: npm install --save-dev binaryen",
      { cause },
    );
  }
}

/** Settings of binaryen are the package's, not a module's: they are set and taken back within this one call. */
function runAsyncify(
  binaryen: Binaryen,
  bytes: Uint8Array,
  calls: readonly string[],
  stackPointer: number | undefined,
  name: string,
): Uint8Array<ArrayBuffer> {
  const said: string[] = [];
  const { error, warn } = console;
  const listen = (...words: unknown[]) => void said.push(words.join(" "));
  try {
    // It writes its reasons there before it gives up.
    console.error = console.warn = listen;
    const module = binaryen.readBinary(bytes, featuresOf(binaryen));
    try {
      binaryen.setDebugInfo(true);
      binaryen.setOptimizeLevel(OPTIMIZE_LEVEL);
      binaryen.setPassArgument("asyncify-imports", calls.join(","));
      exportStackPointer(binaryen, module, stackPointer);
      module.runPasses(["asyncify"]);
      if (module.validate() !== 1) throw new Error("the result is not valid");
      return new Uint8Array(module.emitBinary());
    } finally {
      module.dispose();
    }
  } catch (cause) {
    const words = said.join("\n").trim() || (cause instanceof Error ? cause.message : "");
    throw failure(name, `binaryen cannot instrument it${words === "" ? "" : `: ${words}`}`, cause);
  } finally {
    console.error = error;
    console.warn = warn;
    binaryen.clearPassArguments();
  }
}

/** Features that programs may use: those of every engine that runs them. With more, binaryen writes some things in a form that only the newest engines read. */
function featuresOf({ Features }: Binaryen): number {
  return (
    Features.Atomics |
    Features.BulkMemory |
    Features.BulkMemoryOpt |
    Features.ExceptionHandling |
    Features.ExtendedConst |
    Features.MutableGlobals |
    Features.Multivalue |
    Features.NontrappingFPToInt |
    Features.ReferenceTypes |
    Features.SIMD128 |
    Features.SignExt |
    Features.TailCall
  );
}

/** Putting a stack back sets the stack pointer: so it must be exported. */
function exportStackPointer(
  binaryen: Binaryen,
  module: InstanceType<Binaryen["Module"]>,
  stackPointer: number | undefined,
): void {
  for (let index = 0; index < module.getNumExports(); index++) {
    if (binaryen.getExportInfo(module.getExportByIndex(index)).name === "__stack_pointer") return;
  }
  if (stackPointer === undefined) return;
  const { name } = binaryen.getGlobalInfo(module.getGlobalByIndex(stackPointer));
  module.addGlobalExport(name, "__stack_pointer");
}

/** Looks at what binaryen made as the loader will. */
function checkResult(before: ModuleDescription, bytes: Uint8Array, name: string): void {
  const after = describeModule(bytes);
  const lost = before.exports.filter(
    (entry) => !after.exports.some((other) => other.name === entry.name),
  );
  if (
    !after.asyncify ||
    after.memory.limits?.shared !== before.memory.limits?.shared ||
    lost.length > 0
  )
    throw failure(
      name,
      "what binaryen made of it lacks something that it had before: a bug of Weft, or of binaryen",
    );
}
