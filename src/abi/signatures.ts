/**
 * Every import that WASI and WASIX programs may ask for, with the names and types of its parameters.
 *
 * The table is text (`signature-lines.ts`), of which only what is asked for is parsed: a trace needs the few calls that its program imports.
 */
import { MODULES, WIDE_TYPES } from "./signature-lines.ts";

/** A parameter of an import. */
export interface Parameter {
  readonly name: string;
  /** How it is passed. */
  readonly wasm: "i32" | "i64";
  /** The ABI's name of its type: `fd`, `pointer<iovec>`. */
  readonly type: string;
  /** Who fills what a pointer points at: the guest (`in`), the kernel (`out`), or one after the other. */
  readonly direction?: "in" | "out" | "inout";
}

/** An import: where it is found and how it is called. */
export interface Signature {
  readonly module: string;
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** `i32` is a number of its own meaning; `none` returns nothing; `noreturn` does not return. */
  readonly result: "errno" | "none" | "noreturn" | "i32";
}

const directions = { "<": "in", ">": "out", "=": "inout" } as const;

function parseType(text: string): string {
  return text.startsWith("*") ? `pointer<${parseType(text.slice(1))}>` : text;
}

function parseParameters(text: string): Parameter[] {
  let results = 0;
  return text.split(" ").map((word) => {
    const [, mark, name, type] = /^([<>=]?)(.*):(.*)$/.exec(word)!;
    const parameter = {
      name: name || `retptr${results++}`,
      wasm: WIDE_TYPES.includes(` ${type} `) ? "i64" : "i32",
      type: parseType(type!),
    } as const;
    return mark ? { ...parameter, direction: directions[mark as "<"] } : parameter;
  });
}

/** Reads one line; a call that only repeats its name is the preview1 call. */
function parseLine(module: string, line: string): Signature | undefined {
  const [, name, parameters, result] = /^(.*)\((.*)\)(.*)$/.exec(line) ?? [];
  if (name === undefined) {
    const repeated = findSignature("wasi_snapshot_preview1", line);
    return repeated && { ...repeated, module };
  }
  return {
    module,
    name,
    parameters: parameters ? parseParameters(parameters) : [],
    result: (result || "errno") as Signature["result"],
  };
}

/** The line of a call in a module's text. */
function findLine(text: string, name: string): string | undefined {
  for (let at = text.indexOf(`\n${name}`); at >= 0; at = text.indexOf(`\n${name}`, at + 1)) {
    const end = text.indexOf("\n", at + 1);
    const line = end < 0 ? text.slice(at + 1) : text.slice(at + 1, end);
    if (line === name || line.startsWith(`${name}(`)) return line;
  }
  return undefined;
}

let parsed: readonly Signature[] | undefined;

/**
 * Lists every import of the modules `wasi_snapshot_preview1`, `wasix_32v1` and `wasi`.
 * @returns the same list at every call
 */
export function signatures(): readonly Signature[] {
  parsed ??= Object.entries(MODULES).flatMap(([module, text]) =>
    text
      .slice(1)
      .split("\n")
      .map((line) => parseLine(module, line)!),
  );
  return parsed;
}

/**
 * Lists the imports of `wasi_unstable`, the first WASI snapshot. They are called as their preview1 namesakes, but
 * `fd_filestat_get` and `path_filestat_get` fill a `FilestatSnapshot0`, `fd_seek` counts its whence as
 * `WhenceSnapshot0` does, and `poll_oneoff` reads `SubscriptionSnapshot0`.
 */
export function wasiUnstableNames(): string[] {
  return signatures()
    .filter(({ module, name }) => module === "wasi_snapshot_preview1" && name !== "sock_accept")
    .map(({ name }) => name);
}

/**
 * Finds an import.
 * @param module its module; `wasi_unstable` is answered with the preview1 call of that name
 * @param name its name in that module
 * @returns nothing where no such import exists
 */
export function findSignature(module: string, name: string): Signature | undefined {
  const unstable = module === "wasi_unstable" && name !== "sock_accept";
  const home = unstable ? "wasi_snapshot_preview1" : module;
  // The name comes from a module: only what can be a name is looked for among the lines.
  if (!/^[\w-]+$/.test(name) || !Object.hasOwn(MODULES, home)) return undefined;
  const line = findLine(MODULES[home as keyof typeof MODULES], name);
  return line === undefined ? undefined : parseLine(home, line);
}
