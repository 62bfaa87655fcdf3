// node compile-guest.mjs FOLDER [["PROGRAM.c", "OUTPUT", ["FLAG", …], INSTRUMENTED], …]
//
// Compiles programs of the folder, with its headers, to WebAssembly modules, one after the other in this one process: making the compiler ready takes
// longer than a program. Those to be instrumented get asyncify as `weft instrument` adds it.

import { readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "@yowasp/clang";
import { instrumentProgram } from "../dist/instrument.js";

const [folder, list] = process.argv.slice(2);
const print = (bytes) => bytes && process.stderr.write(bytes);

for (const [program, output, flags, isInstrumented] of JSON.parse(list)) {
  const files = {};
  for (const file of readdirSync(folder))
    if (file === program || file.endsWith(".h")) files[file] = readFileSync(join(folder, file));
  try {
    const made = await commands.clang([...flags, program, "-o", "program.wasm"], files, {
      stdout: print,
      stderr: print,
      fetchProgress() {},
    });
    const plain = made["program.wasm"];
    const bytes = isInstrumented ? await instrumentProgram(plain, program) : plain;
    writeFileSync(`${output}.part`, bytes);
    renameSync(`${output}.part`, output);
  } catch (error) {
    if (error.code === undefined) throw error;
    process.exitCode = 1;
  }
}
