/**
 * The check before instantiation: can every import of a module be given? An engine stops at the first import that it
 * misses and tells little; this lists them all, each with a sentence that names it.
 */
import { WIDE_MODULE } from "../abi/call-types.ts";
import type { ModuleDescription, ModuleImport } from "./module-description.ts";
import { printable } from "./printable.ts";
import { formatFunctionType, type FunctionType } from "./wasm-types.ts";

/** The functions that can be given, by `module.name`. A map is one. */
export interface KnownImports {
  get(name: string): FunctionType | undefined;
  /** Every name, for suggestions. */
  keys(): Iterable<string>;
}

export interface LinkProblem {
  readonly module: string;
  readonly name: string;
  readonly reason: "missing" | "signature" | "unsupported";
  /** One sentence without a final full stop: the import, what is wrong, and a similar name if there is one. */
  readonly message: string;
  /** What the import tells about the tool that made the module, and what to do; the same text for the same tool. */
  readonly hint: string | undefined;
}

/** Names of toolchains by the imports they leave. Tested against `module.name`, cut to 200 characters. */
const TOOLCHAINS: readonly (readonly [RegExp, string])[] = [
  [
    /^env\.(?:_?emscripten_|__syscall_|_embind_|_emval_|invoke_|__cxa_|__assert_fail$|_abort_js$)/,
    "The module was built by Emscripten for its own JavaScript; link it with -sSTANDALONE_WASM, or build it with wasi-sdk or the WASIX toolchain.",
  ],
  [
    /^(?:__wbindgen_|wbg\.|\.\/.*_bg\.js\.)/,
    "The module was built by wasm-bindgen for its own JavaScript; build it for the target wasm32-wasip1 instead of wasm32-unknown-unknown.",
  ],
  [
    /^(?:gojs|go)\./,
    "The module was built by Go for JavaScript; build it with GOOS=wasip1 GOARCH=wasm.",
  ],
  [
    /^env\.(?:abort|seed|trace|console\.log)$/,
    "The module was built by AssemblyScript for JavaScript; compile it with @assemblyscript/wasi-shim.",
  ],
  [
    /^(?:\[export\])?[a-z]+:[a-z-]+\/[a-z-]+/,
    "The module is part of a component (WASI 0.2 or later); build the program for wasm32-wasip1 or WASIX.",
  ],
];

/** What an import is, for a message: `function (i32) -> i32`, `memory`, `table`… */
function describeKind(entry: ModuleImport): string {
  if (entry.kind === "function" || entry.kind === "tag") {
    return `${entry.kind} ${formatFunctionType(entry.type)}`;
  }
  return entry.kind === "global" ? `global ${entry.type.type}` : entry.kind;
}

function nameOf(entry: { module: string; name: string }): string {
  return printable(`${entry.module}.${entry.name}`);
}

/** Programs with a 64-bit memory have a module of their own, whose pointers are as wide: other modules' structures would be too narrow. */
function checkWidth(entry: ModuleImport, description: ModuleDescription): string | undefined {
  const isWide = description.memory.limits?.memory64 === true;
  if (isWide === (entry.module === WIDE_MODULE) || !description.wasiModules.includes(entry.module))
    return undefined;
  const memory = `a ${isWide ? "64" : "32"}-bit memory`;
  return `import ${nameOf(entry)} is not for ${memory}: a program with a 64-bit memory imports all calls from ${WIDE_MODULE}, and no other does`;
}

function sameTypes(first: readonly string[], second: readonly string[]): boolean {
  return first.length === second.length && first.every((type, index) => type === second[index]);
}

/** Longest name that a suggestion is sought for, and for how many imports: both bound the time. */
const SUGGESTION_LENGTH = 64;
const SUGGESTION_COUNT = 30;

/** Edits between two short strings (Levenshtein). */
function editDistance(first: string, second: string): number {
  let row = Array.from({ length: second.length + 1 }, (_, column) => column);
  for (let line = 1; line <= first.length; line++) {
    const next = [line];
    for (let column = 1; column <= second.length; column++) {
      const change = first[line - 1] === second[column - 1] ? 0 : 1;
      next.push(Math.min(row[column] + 1, next[column - 1] + 1, row[column - 1] + change));
    }
    row = next;
  }
  return row[second.length];
}

/** The same name in another module, or the nearest name in any, if it is near enough to be meant. */
function findSimilar(module: string, name: string, known: KnownImports): string | undefined {
  if (name.length > SUGGESTION_LENGTH) return undefined;
  let best: string | undefined;
  let bestCost = Math.min(3, Math.floor(name.length / 3)) + 1;
  for (const candidate of known.keys()) {
    const dot = candidate.indexOf(".");
    const elsewhere = candidate.slice(0, dot) === module ? 0 : 0.5;
    const cost = editDistance(name, candidate.slice(dot + 1)) + elsewhere;
    if (cost < bestCost) {
      best = candidate;
      bestCost = cost;
    }
  }
  return best;
}

function findHint(entry: ModuleImport, description: ModuleDescription): string | undefined {
  if (description.isObjectFile) {
    return "The file is an object file: it was compiled but not linked; link it into a program first.";
  }
  const full = `${entry.module.slice(0, 100)}.${entry.name.slice(0, 100)}`;
  return TOOLCHAINS.find(([pattern]) => pattern.test(full))?.[1];
}

/**
 * Lists every import that cannot be given, in the module's order; empty when the module can be linked. Functions must be in
 * `known` with the same signature. One 32-bit memory of usual pages can be given; tables, globals and tags cannot, except
 * to a dynamically linked module, whose imports from `env` and `GOT.*` are the linker's to resolve.
 */
export function checkImports(description: ModuleDescription, known: KnownImports): LinkProblem[] {
  const problems: LinkProblem[] = [];
  let memories = 0;
  for (const entry of description.imports) {
    const { module, name } = entry;
    const report = (reason: LinkProblem["reason"], message: string) =>
      problems.push({ module, name, reason, message, hint: findHint(entry, description) });
    if (entry.kind === "memory") {
      const refusal =
        memories++ > 0
          ? "a module can be given only one memory"
          : entry.type.pageSize !== 65_536
            ? "a memory with pages of another size cannot be given"
            : undefined;
      if (refusal) report("unsupported", `import ${nameOf(entry)} (memory): ${refusal}`);
      continue;
    }
    if (description.isDynamic && /^(?:env|GOT\.mem|GOT\.func)$/.test(module)) continue;
    const width = checkWidth(entry, description);
    if (width !== undefined) {
      report("unsupported", width);
      continue;
    }
    const expected = known.get(`${module}.${name}`);
    const title = `import ${nameOf(entry)} (${describeKind(entry)})`;
    if (expected === undefined) {
      const similar =
        entry.kind === "function" && problems.length < SUGGESTION_COUNT
          ? findSimilar(module, name, known)
          : undefined;
      report(
        "missing",
        `${title} is not provided by Weft${similar ? `; did you mean ${similar}?` : ""}`,
      );
    } else if (
      entry.kind !== "function" ||
      !sameTypes(entry.type.parameters, expected.parameters) ||
      !sameTypes(entry.type.results, expected.results)
    ) {
      report(
        "signature",
        `${title} has the wrong signature: Weft provides function ${formatFunctionType(expected)}`,
      );
    }
  }
  return problems;
}

/** All problems as text, a line each, the hints once each after them; at most `limit` lines of problems. */
export function formatLinkProblems(problems: readonly LinkProblem[], limit = 20): string {
  const lines = problems.slice(0, limit).map((problem) => problem.message);
  if (problems.length > limit) lines.push(`and ${problems.length - limit} more imports`);
  const hints = new Set(problems.map((problem) => problem.hint));
  for (const hint of hints) if (hint) lines.push(hint);
  return lines.join("\n");
}
