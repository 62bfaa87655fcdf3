/**
 * The types of imported functions, for the check of a program's imports before it is linked: all that a run needs of their signatures, which are in
 * `signatures.ts`.
 */
import { PREVIEW1, WASIX } from "./call-letters.ts";

/** The module of programs with a 64-bit memory. Its calls are those of `wasix_32v1`. */
export const WIDE_MODULE = "wasix_64v1";

/** The type of a call as WebAssembly names it. */
export interface CallType {
  readonly parameters: readonly ("i32" | "i64")[];
  readonly results: readonly "i32"[];
}

/** The line of a call, up to the names that have it. */
function lettersOf(module: string, name: string): string | undefined {
  // The name comes from a module: it may be anything.
  if (!/^[\w-]+$/.test(name)) return undefined;
  const isThreadSpawn = name === "thread-spawn";
  switch (module) {
    case "wasi_unstable":
      return name === "sock_accept" ? undefined : findLetters(PREVIEW1, name);
    case "wasi_snapshot_preview1":
      return findLetters(PREVIEW1, name);
    case "wasix_32v1":
    case WIDE_MODULE:
      return isThreadSpawn ? undefined : (findLetters(WASIX, name) ?? findLetters(PREVIEW1, name));
    case "wasi":
      return isThreadSpawn ? findLetters(PREVIEW1, name) : undefined;
    default:
      return undefined;
  }
}

function findLetters(text: string, name: string): string | undefined {
  const at = text.indexOf(` ${name} `);
  if (at < 0) return undefined;
  const line = text.lastIndexOf("\n", at) + 1;
  return text.slice(line, text.indexOf(" ", line));
}

/**
 * The type of an import.
 * @returns nothing where no such import exists
 */
export function callType(module: string, name: string): CallType | undefined {
  const found = lettersOf(module, name);
  if (found === undefined) return undefined;
  const [result, ...letters] = found;
  const isWide = module === WIDE_MODULE;
  const parameters = letters.map((letter) =>
    letter === "l" || (letter === "p" && isWide) ? "i64" : "i32",
  );
  return { parameters, results: result === ">" ? ["i32"] : [] };
}

/** Which parameters of an import are pointers or sizes. */
export function pointerParameters(module: string, name: string): number[] {
  const letters = lettersOf(module, name)?.slice(1) ?? "";
  return [...letters].flatMap((letter, index) => (letter === "p" ? [index] : []));
}

/** All imports that exist, as `module.name`, but those of `wasix_64v1`. */
export function callNames(): string[] {
  const names = (PREVIEW1 + WASIX).match(/[\w-]+(?= )/g)!;
  return ["wasi_snapshot_preview1", "wasi_unstable", "wasix_32v1", "wasi"].flatMap((module) =>
    names.filter((name) => callType(module, name) !== undefined).map((name) => `${module}.${name}`),
  );
}
