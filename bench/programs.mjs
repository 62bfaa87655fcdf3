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

/** The value of `// key: value` among the comments a program opens with. */
function readHead(name, key) {
  const head = /^(\/\/.*\n)*/.exec(readFileSync(join(sources, `${name}.c`), "utf8"))[0];
  return new RegExp(`^// ${key}: *(.*)$`, "m").exec(head)?.[1].trim();
}

/** The file a build goes to: its name tells program, text of all sources it may include, and flags. */
function nameBuild(name, flags, extension) {
  const hash = createHash("sha256").update(JSON.stringify(flags));
  for (const file of readdirSync(sources).sort())
    if (file === `${name}.c` || file.endsWith(".h")) hash.update(readFileSync(join(sources, file)));
  return join(target, `${name}-${hash.digest("hex").slice(0, 16)}${extension}`);
}

/** A compiler that has not ended after this many milliseconds hangs, or has no processor to itself: it is tried once more. */
const COMPILER_TIMEOUT = 100_000;

function run(command, args, what, tries = 2) {
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    timeout: COMPILER_TIMEOUT,
    killSignal: "SIGKILL",
  });
  if (status === 0) return;
  if (error?.code === "ETIMEDOUT") {
    if (tries > 1) return run(command, args, what, tries - 1);
    throw new Error(`${what} did not end within ${COMPILER_TIMEOUT / 1000} s, twice`);
  }
  throw new Error(`${what} failed: ${error?.message ?? stderr.trim()}`);
}

/** The version line of gcc, or undefined where there is none. */
export function findNativeCompiler() {
  try {
    return execFileSync("gcc", ["--version"], { encoding: "utf8", timeout: 10_000 }).split("\n")[0];
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

/** How a program is built as a guest: `{ file, flags }`. */
function describeGuest(name) {
  const own = readHead(name, "flags")?.split(/\s+/) ?? [];
  const flags = [...guestFlags, ...(usesThreads(name) ? threadFlags : []), ...own];
  return {
    file: nameBuild(name, flags, ".wasm"),
    flags,
    isInstrumented: readHead(name, "instrumented") === "yes",
  };
}

/**
 * Builds those of some programs that are not built yet as WebAssembly modules, all in one go.
 *
 * The compiler runs in a process of its own, so that its memory is gone when measuring begins.
 *
 * @throws {Error} with the compiler's words.
 */
export function buildGuests(names) {
  const missing = names
    .map((name) => ({ name, ...describeGuest(name) }))
    .filter(({ file }) => !existsSync(file));
  if (missing.length === 0) return;
  mkdirSync(target, { recursive: true });
  const list = missing.map(({ name, file, flags, isInstrumented }) => [
    `${name}.c`,
    file,
    flags,
    isInstrumented,
  ]);
  const what = `clang ${missing.map(({ name }) => `${name}.c`).join(" ")}`;
  run(process.execPath, [compiler, sources, JSON.stringify(list)], what);
}

/**
 * The WebAssembly module of a program, built if needed.
 *
 * @throws {Error} with the compiler's words.
 */
export function buildGuest(name) {
  buildGuests([name]);
  return describeGuest(name).file;
}

/** Where a program's source is. */
export const sourceOf = (name) => join(sources, `${name}.c`);
