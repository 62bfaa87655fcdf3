/**
 * LLVM as a guest: the compiler that compiles our guest programs, here run by Weft itself.
 *
 * Life: the module of 75 MB is compiled once for each machine that a test makes and run once for each tool: `argv[0]` says which one.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type LoadedProgram, type Machine, type ProcessResult } from "../../src/api/node.ts";

const packageDirectory = dirname(createRequire(import.meta.url).resolve("@yowasp/clang"));

/** What compiling and linking needs, by language: headers of compiler and libraries, the libraries and what starts a program. */
const NEEDED = {
  c: /^(include\/(?!.*c\+\+|.*intrin)|lib\/wasm32-wasip1\/(crt1-command\.o|libc\.a|libwasi-emulated-mman\.a)$|lib\/.*\/libclang_rt\.builtins\.a$)/,
  "c++":
    /^(include\/|lib\/wasm32-wasip1\/(crt1-command\.o|lib(c|c\+\+|c\+\+abi)\.a)$|lib\/.*\/libclang_rt\.builtins\.a$)/,
};

/** The files that the tools look for below `/usr`, by their path in the guest. */
export async function readToolFiles(
  language: keyof typeof NEEDED = "c",
): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  const archive = await readFile(join(packageDirectory, "llvm-resources.tar"));
  for (const [name, content] of readTar(archive)) {
    const path = name.replace(/^(\.\/)?(usr\/)?/, "");
    if (NEEDED[language].test(path)) files[`/usr/${path}`] = content;
  }
  return files;
}

/** What a program with the C library is linked from, besides its own objects: what starts it, and after them the libraries. */
export const C_START = "/usr/lib/wasm32-wasip1/crt1-command.o";
export const C_LIBRARY_PATH = "-L/usr/lib/wasm32-wasip1";
export const C_LIBRARIES = [
  C_LIBRARY_PATH,
  "-lc",
  "/usr/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a",
] as const;

/** The regular files of a tar archive (POSIX.1-1988, "ustar"). */
function* readTar(archive: Uint8Array): Generator<[name: string, content: Uint8Array]> {
  const decoder = new TextDecoder();
  const text = (from: number, length: number) =>
    decoder.decode(archive.subarray(from, from + length)).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8);
    const prefix = text(at + 345, 155);
    const kind = text(at + 156, 1);
    if (kind === "0" || kind === "") {
      yield [(prefix && prefix + "/") + text(at, 100), archive.subarray(at + 512, at + 512 + size)];
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** The tools, loaded once. */
export async function loadTools(machine: Machine): Promise<LoadedProgram> {
  return machine.load(join(packageDirectory, "llvm.core.wasm"), "llvm");
}

/** Runs a tool that must succeed. */
export async function runTool(
  machine: Machine,
  tools: LoadedProgram,
  directory: string,
  name: string,
  ...args: string[]
): Promise<ProcessResult> {
  const result = await machine.run(tools, { name, args, cwd: directory });
  assert.equal(
    result.exitCode,
    0,
    `${name} ${args.join(" ")}: ${result.message ?? ""}${result.stderr}`,
  );
  return result;
}
