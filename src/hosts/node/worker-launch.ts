/**
 * What a worker of Node begins with, in the bundle: loads the kernel with the code that V8 made of it the last time, then the rest.
 *
 * Compiling the kernel takes a worker about as long as everything else that it does before a thread runs. V8 takes its own compiled code back; it refuses
 * what another version of itself or other flags made. The code is kept in the folder of the bundle, as the command's is (`cli/launch.ts`), and made by the
 * first worker that has nothing to do; where the folder cannot be written to, all is as before, only slower.
 *
 * This file is bundled as a CommonJS module. Its own names for its neighbours are put in by the bundler.
 */
import { mkdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { threadId } from "node:worker_threads";

/** The name of the kernel's file. */
declare const KERNEL_FILE: string;

type Load = (exports: object, require: NodeJS.Require, module: object, filename: string) => void;

const directory = dirname(__filename);
const file = join(directory, KERNEL_FILE);
const kept = join(directory, "code", `worker-${process.versions.v8}-${process.arch}`);

function readKept(): Buffer | undefined {
  try {
    return readFileSync(kept);
  } catch {
    return undefined;
  }
}

/** Keeps the compiled code, with all functions that were used so far. It takes its name when it is complete. */
function keep(script: Script): void {
  const unfinished = `${kept}.${process.pid}.${threadId}`;
  try {
    mkdirSync(dirname(kept), { recursive: true });
    writeFileSync(unfinished, script.createCachedData());
    renameSync(unfinished, kept);
  } catch {
    try {
      unlinkSync(unfinished);
    } catch {
      // It was never made. The next worker compiles as this one did.
    }
  }
}

/** When the kept code was written, or 0. */
function timeKept(): number {
  return statSync(kept, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

const time = timeKept();
const cachedData = time === 0 ? undefined : readKept();
const script = new Script(
  `(function(exports,require,module,__filename){${readFileSync(file, "latin1")}\n})`,
  {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  },
);
// The class of modules comes from this one: `node:module` brings much else, which a worker would load for nothing.
const { constructor: Module } = module as unknown as {
  constructor: new (name: string, parent: object) => NodeJS.Module;
};
const kernel = new Module(file, module);
const load = script.runInThisContext() as Load;
// Finds what lies beside this file, as the kernel's does.
const find: NodeJS.Require = require;
load(kernel.exports as object, find, kernel, file);
kernel.loaded = true;
find.cache[file] = kernel;

let isKept = cachedData !== undefined && script.cachedDataRejected !== true;

const { serve } = find("./worker-main.cjs") as { serve: (onIdle: () => void) => void };
serve(() => {
  if (isKept) return;
  isKept = true;
  // Of workers that began together one is enough.
  if (timeKept() === time) keep(script);
});
