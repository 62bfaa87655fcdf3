// The main job, as the README's first command line runs it: clang as a guest compiles a program, which then runs on four threads.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { inspectProgram } from "../../src/api/inspection.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

test("clang compiles the example, and it counts the primes on four threads", async () => {
  const file = join(root, "examples/compile-and-run/main.mjs");
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [file], (error, printed, complaints) => {
      if (error === null && complaints === "") resolve(printed);
      else reject(new Error(`${printed}\n${complaints}\n${error?.message ?? ""}`));
    });
  });
  assert.match(stdout, /^clang: compiling primes\.c … \d+\.\d\d s$/m);
  assert.match(stdout, /^148933 primes below 2000000, counted by 4 threads$/m);
  const { threads, runs } = inspectProgram(await readFile(join(root, "build/example/primes.wasm")));
  assert.ok(runs && threads.starts);
});
