/**
 * What the workers of the bundle run, in shared memory: read once for all of them, with the code that V8 made of it the last time.
 *
 * Compiling the kernel takes a worker about as long as everything else that it does before a thread runs. V8 takes its own compiled code back; it refuses
 * what another version of itself or other flags made. The code is kept in the folder of the bundle, as the command's is (`cli/launch.ts`), and made by the
 * first worker that has nothing to do; where the folder cannot be written to, all is as before, only slower.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface WorkerCode {
  /** A script, in Latin-1: an array of two functions, the kernel's and the worker's own, each a module as CommonJS wraps it. */
  readonly text: SharedArrayBuffer;
  /** The kernel's file. */
  readonly file: string;
  /** Where the compiled code is kept, and what was found there. */
  readonly kept: string;
  readonly compiled: SharedArrayBuffer | undefined;
}

let known: WorkerCode | undefined;

/** The code for a worker that is started now; undefined where the files are not bundled. */
export function readWorkerCode(): WorkerCode | undefined {
  if (known?.compiled !== undefined) return known;
  const directory = dirname(fileURLToPath(import.meta.url));
  const file = join(directory, "kernel.cjs");
  const kept = join(directory, "code", `worker-${process.versions.v8}-${process.arch}`);
  try {
    const text = known?.text ?? joinModules([file, join(directory, "worker-main.cjs")]);
    known = { text, file, kept, compiled: undefined };
    known = { ...known, compiled: share(readFileSync(kept)) };
  } catch {
    // Not bundled, or not compiled yet.
  }
  return known;
}

function joinModules(files: readonly string[]): SharedArrayBuffer {
  const functions = files.map(
    (file) => `function(exports,require,module,__filename){${readFileSync(file, "latin1")}\n}`,
  );
  return share(Buffer.from(`[${functions.join()}]`, "latin1"));
}

function share(bytes: Uint8Array): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}
