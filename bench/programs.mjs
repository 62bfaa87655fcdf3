// Makes the measured programs: natively with gcc, as guests with the clang of the devDependency
// `@yowasp/clang`. What has been built before from the same text with the same flags is kept.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from "node:fs";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("programs/", import.meta.url));
const compiler = fileURLToPath(new URL("compile-guest.mjs", import.meta.url));
const target = fileURLToPath(new URL("../build/bench/", import.meta.url));

const threadFlags = [
  "-matomics",
  "-mbulk-memory",
  "-fno-builtin",
  "-nostdlib",
  "-Wl,--shared-memory,--import-memory,--export-memory,--max-memory=268435456",
];
const guestFlags = ["--target=wasm32-wasip1", "-O2", "-Wall", "-Wextra", "-Werror"];
const nativeFlags = ["-O2", "-pthread", "-Wall", "-Wextra", "-Werror"];

/** A program that includes the kit uses threads; the others are ordinary C. */
const usesThreads = (name) =>
  readFileSync(join(sources, `${name}.c`), "utf8").includes(`#include "kit.h"`);

/** The file a build goes to: its name tells program, text of all sources it may include, and flags. */
function nameBuild(name, flags, extension) {
  const hash = createHash("sha256").update(JSON.stringify(flags));
  for (const file of readdirSync(sources).sort())
    if (file === `${name}.c` || file.endsWith(".h")) hash.update(readFileSync(join(sources, file)));
  return join(target, `${name}-${hash.digest("hex").slice(0, 16)}${extension}`);
}

function run(command, args, what) {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${what} failed: ${error?.message ?? stderr.trim()}`);
}

/** The version line of gcc, or undefined where there is none. */
export function findNativeCompiler() {
  try {
    return execFileSync("gcc", ["--version"], { encoding: "utf8" }).split("\n")[0];
  } catch {
    return undefined;
  }
}

/**
 * The native executable of a program, built if needed.
 *
 * @throws {Error} with the compiler's words.
 */
export function buildNative(name) {
  const file = nameBuild(name, nativeFlags, "");
  if (existsSync(file)) return file;
  mkdirSync(target, { recursive: true });
  run("gcc", [...nativeFlags, join(sources, `${name}.c`), "-o", `${file}.part`], `gcc ${name}.c`);
  renameSync(`${file}.part`, file);
  return file;
}

/**
 * The WebAssembly module of a program, built if needed.
 *
 * The compiler runs in a process of its own, so that its memory is gone when measuring begins.
 *
 * @throws {Error} with the compiler's words.
 */
export function buildGuest(name) {
  const flags = usesThreads(name) ? [...guestFlags, ...threadFlags] : guestFlags;
  const file = nameBuild(name, flags, ".wasm");
  if (existsSync(file)) return file;
  mkdirSync(target, { recursive: true });
  run(
    process.execPath,
    [compiler, sources, `${name}.c`, `${file}.part`, ...flags],
    `clang ${name}.c`,
  );
  renameSync(`${file}.part`, file);
  return file;
}

/** Where a program's source is. */
export const sourceOf = (name) => join(sources, `${name}.c`);
