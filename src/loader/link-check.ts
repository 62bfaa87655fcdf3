/**
 * What is told of imports that cannot be given. An engine stops at the first import that it misses and tells little; this lists them all, each with a
 * sentence that names it. A part of its own: programs that run do not need it.
 */
import { WIDE_MODULE } from "../abi/call-types.ts";
import { findLinkFaults, type KnownImports, type LinkFault } from "./link-faults.ts";
import type { ModuleDescription, ModuleImport } from "./module-description.ts";
import { printable } from "./printable.ts";
import { formatFunctionType } from "./wasm-types.ts";

/** An import that cannot be given, in words. */
export interface LinkProblem {
  readonly module: string;
  readonly name: string;
  readonly reason: LinkFault["reason"];
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
function tellWidth(entry: ModuleImport, isWide: boolean): string {
  const memory = `a ${isWide ? "64" : "32"}-bit memory`;
  return `import ${nameOf(entry)} is not for ${memory}: a program with a 64-bit memory imports all calls from ${WIDE_MODULE}, and no other does`;
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

/** Lists every import that cannot be given, as `findLinkFaults` does, in words. */
export function checkImports(
  description: ModuleDescription,
  known: KnownImports,
  given?: ReadonlySet<string>,
): LinkProblem[] {
  return findLinkFaults(description, known, given).map((fault, index) => {
    const { entry, reason, refusal, expected, isWide } = fault;
    const { module, name } = entry;
    const title = `import ${nameOf(entry)} (${describeKind(entry)})`;
    const similar =
      reason === "missing" && entry.kind === "function" && index < SUGGESTION_COUNT
        ? findSimilar(module, name, known)
        : undefined;
    const message =
      refusal !== undefined
        ? `import ${nameOf(entry)} (memory): ${refusal}`
        : isWide !== undefined
          ? tellWidth(entry, isWide)
          : expected !== undefined
            ? `${title} has the wrong signature: Weft provides function ${formatFunctionType(expected)}`
            : `${title} is not provided by Weft${similar ? `; did you mean ${similar}?` : ""}`;
    return { module, name, reason, message, hint: findHint(entry, description) };
  });
}

/** All problems as text, a line each, the hints once each after them; at most `limit` lines of problems. */
export function formatLinkProblems(problems: readonly LinkProblem[], limit = 20): string {
  const lines = problems.slice(0, limit).map((problem) => problem.message);
  if (problems.length > limit) lines.push(`and ${problems.length - limit} more imports`);
  const hints = new Set(problems.map((problem) => problem.hint));
  for (const hint of hints) if (hint) lines.push(hint);
  return lines.join("\n");
}
