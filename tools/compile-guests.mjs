// Compiles all guest programs of tests/programs ahead of the tests, two at a time, and says how far it is.
//
//   node tools/compile-guests.mjs

import { compileGuest, listGuests } from "../build/tests/support/compile.js";

const concurrency = 2;

const names = await listGuests();
const queue = names.values();
const failures = [];
let done = 0;

async function compileSome() {
  for (const name of queue) {
    const started = performance.now();
    let mark = "FAIL";
    try {
      await compileGuest(name);
      const seconds = (performance.now() - started) / 1000;
      mark = seconds < 0.1 ? "kept" : `${seconds.toFixed(1)} s`;
    } catch (error) {
      failures.push(error.message);
    }
    console.log(`${String(++done).padStart(3)}/${names.length} ${mark.padEnd(6)} ${name}`);
  }
}

await Promise.all(Array.from({ length: concurrency }, compileSome));
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
