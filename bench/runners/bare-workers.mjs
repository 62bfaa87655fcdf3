// node bare-workers.mjs N
//
// What the platform itself takes for N workers that all run and wait: the floor for a host that
// gives each thread a worker. Prints what programs/many.c prints.

import { once } from "node:events";
import { Worker } from "node:worker_threads";

const count = Number(process.argv[2]);
const [running, allRunning, released] = [0, 1, 2];
const words = new Int32Array(new SharedArrayBuffer(12));
const text = `
const words = new Int32Array(require("node:worker_threads").workerData);
if (Atomics.add(words, ${running}, 1) + 1 === ${count}) {
  Atomics.store(words, ${allRunning}, 1);
  Atomics.notify(words, ${allRunning});
}
Atomics.wait(words, ${released}, 0);
`;

const nanoseconds = (from) => Math.round((performance.now() - from) * 1e6);
const before = performance.now();
const exits = Array.from({ length: count }, () => {
  const worker = new Worker(text, { eval: true, workerData: words.buffer });
  return once(worker, "exit");
});
Atomics.wait(words, allRunning, 0);
console.log(`all_up ${nanoseconds(before)} ns`);
const up = performance.now();
Atomics.store(words, released, 1);
Atomics.notify(words, released);
await Promise.all(exits);
console.log(`release_join ${nanoseconds(up)} ns`);
