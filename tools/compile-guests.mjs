// Compiles all guest programs of tests/programs ahead of the tests, two at a time, and says how far it is.
//
//   node tools/compile-guests.mjs

import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { compileGuest, listGuests } from "../build/tests/support/compile.js";

const concurrency = 2;

/** Takes the next name off the shared count until there is none. The compiler keeps a thread busy: so each has one. */
async function compileSome({ names, next }) {
  for (;;) {
    const index = Atomics.add(next, 0, 1);
    if (index >= names.length) return;
    const started = performance.now();
    try {
      await compileGuest(names[index]);
      parentPort.postMessage({ name: names[index], seconds: (performance.now() - started) / 1000 });
    } catch (error) {
      parentPort.postMessage({ name: names[index], error: error.message });
    }
  }
}

async function compileAll() {
  const names = await listGuests();
  const next = new Int32Array(new SharedArrayBuffer(4));
  const failures = [];
  let done = 0;
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { names, next } });
      worker.on("message", ({ name, seconds, error }) => {
        done++;
        if (error) failures.push(error);
        const mark = error ? "FAIL" : seconds < 0.1 ? "kept" : `${seconds.toFixed(1)} s`;
        console.log(`${String(done).padStart(3)}/${names.length} ${mark.padEnd(6)} ${name}`);
      });
      worker.on("error", reject);
      worker.on("exit", resolve);
    });
  await Promise.all(Array.from({ length: Math.min(concurrency, names.length) }, work));
  for (const failure of failures) console.error(failure);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

if (isMainThread) await compileAll();
else await compileSome(workerData);
