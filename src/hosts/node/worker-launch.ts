/**
 * What a worker of Node begins with, in the bundle: loads the kernel and what the worker runs from the code that it was given (`worker-code.ts`), and keeps
 * what V8 compiled of it where that was lacking.
 *
 * This file is bundled as a CommonJS module. It uses as little of Node as it can, since each function of that is compiled anew in each worker.
 */
import { mkdirSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Script } from "node:vm";
import { threadId, workerData } from "node:worker_threads";
import type { WorkerCode } from "./worker-code.ts";
import type { serve } from "./worker-main.ts";

type Load = (exports: object, require: NodeJS.Require, module: object, filename: string) => void;

const { text, file, kept, compiled } = (workerData as { code: WorkerCode }).code;

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

const script = new Script(Buffer.from(text).toString("latin1"), {
  filename: file,
  ...(compiled === undefined ? {} : { cachedData: new Uint8Array(compiled) }),
});
const [loadKernel, loadMain] = script.runInThisContext() as [Load, Load];
// The class of modules comes from this one: `node:module` brings much else, which a worker would load for nothing.
const { constructor: Module } = module as unknown as {
  constructor: new (name: string, parent: object) => NodeJS.Module;
};
// Finds what lies beside this file, as the kernel's does.
const find: NodeJS.Require = require;
const kernel = new Module(file, module);
loadKernel(kernel.exports as object, find, kernel, file);
kernel.loaded = true;
find.cache[file] = kernel;
const main = { exports: {} as { serve: typeof serve } };
loadMain(main.exports, find, main, file);

let isKept = compiled !== undefined && script.cachedDataRejected !== true;

main.exports.serve({
  importModule: (address) => import(address),
  onIdle() {
    if (isKept) return;
    isKept = true;
    // Of workers that began together one is enough: it has left something else there.
    if (statSync(kept, { throwIfNoEntry: false })?.size === compiled?.byteLength) keep(script);
  },
});
