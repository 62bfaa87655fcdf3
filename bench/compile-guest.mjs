// node compile-guest.mjs FOLDER PROGRAM.c OUTPUT FLAGS…
//
// Compiles one program of the folder, with its headers, to a WebAssembly module.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "@yowasp/clang";

const [folder, program, output, ...flags] = process.argv.slice(2);
const files = {};
for (const file of readdirSync(folder))
  if (file === program || file.endsWith(".h")) files[file] = readFileSync(join(folder, file));

const print = (bytes) => bytes && process.stderr.write(bytes);
try {
  const made = await commands.clang([...flags, program, "-o", "program.wasm"], files, {
    stdout: print,
    stderr: print,
    fetchProgress() {},
  });
  writeFileSync(output, made["program.wasm"]);
} catch (error) {
  if (error.code === undefined) throw error;
  process.exitCode = 1;
}
