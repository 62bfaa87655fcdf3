/**
 * What `weft` starts: loads the command proper from the file beside it, with the code that V8 made of it the last time.
 *
 * Compiling the command takes a third of the time of a short run. V8 can give its compiled code away and take it back; it refuses what another
 * version of itself, other flags or another text made. The code is kept in the folder of the bundle, which every build and every
 * installation makes anew; where that cannot be written to, all is as before, only slower.
 *
 * This file is bundled as a CommonJS module, the command as the function that such a module is.
 */
import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Script } from "node:vm";

const directory = dirname(__filename);
const file = join(directory, "command.cjs");
const kept = join(directory, "code", `${process.versions.v8}-${process.arch}`);

function readKept(): Buffer | undefined {
  try {
    return readFileSync(kept);
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

/** Keeps the compiled code, with all functions that this run has used. It takes its name when it is complete. */
function keep(script: Script): void {
  const unfinished = `${kept}.${process.pid}`;
  try {
    mkdirSync(dirname(kept), { recursive: true });
    writeFileSync(unfinished, script.createCachedData());
    renameSync(unfinished, kept);
  } catch {
    // The next run compiles as this one did.
    discard(unfinished);
  }
}

const cachedData = readKept();
// The file is a function of `require` and its own path, as it stands: a text that is put together here would have to be copied once more.
const script = new Script(readFileSync(file, "latin1"), {
  filename: file,
  ...(cachedData === undefined ? {} : { cachedData }),
});
// Only a run uses the functions that every run needs.
const isRun = process.argv.some((word) => word.endsWith(".wasm")) && process.argv[2] !== "inspect";
if (isRun && (cachedData === undefined || script.cachedDataRejected === true)) {
  process.once("exit", () => keep(script));
}
const run = script.runInThisContext() as (load: NodeJS.Require, path: string) => void;
run(require, file);
