// node compile-guest.mjs FOLDER [["PROGRAM.c", "OUTPUT", ["FLAG", …]], …]
//
// Compiles programs of the folder, with its headers, to WebAssembly modules, one after the other in this one process: making the compiler ready takes
// longer than a program.

import { readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "@yowasp/clang";

const [folder, list] = process.argv.slice(2);
const print = (bytes) => bytes && process.stderr.write(bytes);

for (const [program, output, flags] of JSON.parse(list)) {
  const files = {};
  for (const file of readdirSync(folder))
    if (file === program || file.endsWith(".h")) files[file] = readFileSync(join(folder, file));
  try {
    const made = await commands.clang([...flags, program, "-o", "program.wasm"], files, {
      stdout: print,
      stderr: print,
      fetchProgress() {},
    });
    writeFileSync(`${output}.part`, made["program.wasm"]);
    renameSync(`${output}.part`, output);
  } catch (error) {
    if (error.code === undefined) throw error;
    process.exitCode = 1;
  }
}
