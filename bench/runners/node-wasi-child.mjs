// node node-wasi-child.mjs '{"/guest":"/host"}' PROGRAM.wasm ARGUMENTS…

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { WASI } from "node:wasi";

const [directories, file, ...args] = process.argv.slice(2);
const wasi = new WASI({
  version: "preview1",
  args: [basename(file), ...args],
  preopens: JSON.parse(directories),
  returnOnExit: true,
});
const { instance } = await WebAssembly.instantiate(readFileSync(file), wasi.getImportObject());
process.exitCode = wasi.start(instance);
