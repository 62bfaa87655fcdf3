/**
 * What `weft` starts: loads the command proper from the files beside it, with the code that V8 made of them the last time.
 *
 * Compiling takes a third of the time of a short run. V8 can give its compiled code away and take it back; it refuses what another
 * version of itself, other flags or another text made. The code is kept in the folder of the bundle, which every build and every
 * installation makes anew; where that cannot be written to, all is as before, only slower. Runs of different kinds use different functions: the first of
 * each kind adds its own.
 *
 * The command is in pieces (`tools/bundle.mjs`): a plain run needs only the first.
 *
 * This file is bundled as a CommonJS module, the pieces as the functions that such modules are.
 */
import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import type { runPlain } from "./plain.ts";

/** The first piece, and which of its exports `runPlain` is: the bundler knows. */
declare const CORE_FILE: string;
declare const RUN_PLAIN: number;

type Piece = (
  exports: object,
  load: (name: string) => unknown,
  module: { exports: unknown },
  path: string,
) => void;

const directory = dirname(__filename);
const words = process.argv.slice(2);
// Only a run uses the functions that every run needs.
const isRun = words.some((word) => word.endsWith(".wasm")) && words[0] !== "inspect";

const keptName = (name: string) =>
  join(directory, "code", `${name}-${process.versions.v8}-${process.arch}`);

/** Kinds of runs, as bits: all in the first piece, and without a worker; with one; what needs the other pieces. */
const RunKind = { here: 1, worker: 2, other: 4 } as const;

/** Compiled code as it was kept, and behind it one byte: the kinds of runs whose functions it has. */
interface KeptCode {
  readonly cachedData: Buffer;
  readonly kinds: number;
}

function readKept(name: string): KeptCode | undefined {
  try {
    const bytes = readFileSync(keptName(name));
    return { cachedData: bytes.subarray(0, -1), kinds: bytes.at(-1)! };
  } catch {
    return undefined;
  }
}

function discard(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never made.
  }
}

/** Keeps the compiled code, with all functions that this run and those before it have used. It takes its name when it is complete. */
function keep(name: string, script: Script, kinds: number): void {
  const kept = keptName(name);
  const unfinished = `${kept}.${process.pid}`;
  try {
    mkdirSync(dirname(kept), { recursive: true });
    writeFileSync(unfinished, Buffer.concat([script.createCachedData(), Uint8Array.of(kinds)]));
    renameSync(unfinished, kept);
  } catch {
    // The next run compiles as this one did.
    discard(unfinished);
  }
}

/** What this run is: known when it has begun. */
let kind: number = RunKind.other;

const loaded = new Map<string, { exports: unknown }>();

/** Loads a piece, or a module of Node or of the library. */
function load(name: string): unknown {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- this is what the pieces require with
  if (!name.startsWith("./command")) return require(name);
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const file = join(directory, name);
  const kept = readKept(name.slice(2));
  // The file is a function as it stands: a text that is put together here would have to be copied once more.
  const script = new Script(readFileSync(file, "latin1"), {
    filename: file,
    ...(kept === undefined ? {} : { cachedData: kept.cachedData }),
  });
  const kinds = kept === undefined || script.cachedDataRejected === true ? 0 : kept.kinds;
  if (isRun)
    process.once("exit", () => {
      if ((kinds & kind) === 0) keep(name.slice(2), script, kinds | kind);
    });
  const module = { exports: {} };
  loaded.set(name, module);
  (script.runInThisContext() as Piece)(module.exports, load, module, file);
  return module.exports;
}

const code = isRun
  ? (load(CORE_FILE) as readonly (typeof runPlain)[])[RUN_PLAIN](words)
  : undefined;
if (code === undefined) load("./command.cjs");
else if (typeof code === "number") {
  kind = RunKind.here;
  process.exit(code);
} else {
  kind = RunKind.worker;
  void code.then((late) => process.exit(late));
}
