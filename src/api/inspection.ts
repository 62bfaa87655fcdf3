/**
 * Looking at a program without running it, and at what Weft provides: for the command, and for tools that must decide before they run something. An entry
 * of its own, `weft/inspect`.
 */
import { signatures, wasiUnstableNames } from "../abi/signatures.ts";
import { readDylinkSection } from "../loader/dylink-section.ts";
import { tellForeign } from "../loader/foreign-format.ts";
import { checkImports, type LinkProblem } from "../loader/link-check.ts";
import {
  describeModule,
  type ModuleDescription,
  type ModuleExport,
  type ModuleImport,
} from "../loader/module-description.ts";
import { knownImports } from "../loader/program.ts";
import { tellUnfit } from "../loader/unfit-program.ts";
import { describeTools, type ToolDescription } from "../loader/tool-sections.ts";
import { formatFunctionType, provideRareTypes } from "../loader/wasm-types.ts";
import { rareTypes } from "../loader/rare-types.ts";
import { listSyscalls } from "../syscalls/table-list.ts";
import type { Support } from "../syscalls/service.ts";
import { findSyscall } from "../syscalls/table.ts";
import { programError } from "./program.ts";

provideRareTypes(rareTypes);

/** What a module is: a program to start, one that is initialised and then called, a library, an unlinked object file, or none of these. */
export type ModuleKind = "command" | "reactor" | "library" | "object" | "module";

/** One import of a module. */
export interface InspectedImport {
  readonly module: string;
  readonly name: string;
  readonly kind: "function" | "memory" | "table" | "global" | "tag";
  /** As text: `(i32, i32) -> i32`, `shared memory, 17 to 4096 pages`. */
  readonly type: string;
  /** How much of it works; "missing" stops the program from being linked. */
  readonly support: Support | "missing";
  /** What is different or wrong. */
  readonly note: string | undefined;
}

/** One export of a module. */
export interface InspectedExport {
  readonly name: string;
  readonly kind: InspectedImport["kind"];
  readonly type: string;
}

/** What a module is and needs. Plain data: `JSON.stringify` keeps all of it. */
export interface Inspection {
  readonly name: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly kind: ModuleKind;
  /** Whether Weft can run it. */
  readonly runs: boolean;
  /** Why not, a sentence each. */
  readonly problems: readonly string[];
  /** What it calls the system with: "WASIX", "WASI preview 1", "WASI unstable", or nothing. */
  readonly system: "WASIX" | "WASI preview 1" | "WASI unstable" | "none";
  readonly memory:
    | {
        readonly source: "imported" | "exported" | "both" | "own";
        readonly shared: boolean;
        readonly is64Bit: boolean;
        /** Bytes. */
        readonly initial: number;
        /** Bytes; null without a limit of its own. */
        readonly maximum: number | null;
      }
    | undefined;
  readonly threads: {
    /** It may start threads. */
    readonly starts: boolean;
    /** It exports the function that threads begin with. */
    readonly hasEntry: boolean;
    readonly sharesMemory: boolean;
  };
  readonly asyncify: boolean;
  /** Names of the libraries a dynamically linked module needs; undefined for static ones. */
  readonly libraries: readonly string[] | undefined;
  readonly imports: readonly InspectedImport[];
  readonly exports: readonly InspectedExport[];
  /** Functions of its own. */
  readonly functionCount: number;
  /** Features of the format that its compiler used. */
  readonly features: readonly string[];
  /** Tools that made it. */
  readonly producers: readonly {
    readonly field: string;
    readonly name: string;
    readonly version: string;
  }[];
  readonly customSections: readonly string[];
}

/** One import that Weft provides. */
export interface ProvidedImport {
  readonly module: string;
  readonly name: string;
  /** As text: `(fd: fd, iovs: pointer<iovec>, …) -> errno`. */
  readonly signature: string;
  readonly support: Support;
  readonly note: string | undefined;
}

/**
 * Reads what a module is and what of it Weft supports. Code is not looked at.
 *
 * @param name what messages call it
 * @throws WeftError with code ERR_PROGRAM_INVALID for bytes that are no WebAssembly module
 */
export function inspectProgram(bytes: Uint8Array, name = "program.wasm"): Inspection {
  let description: ModuleDescription;
  let tools: ToolDescription;
  let problems: LinkProblem[];
  let libraries: readonly string[] | undefined;
  try {
    description = describeModule(bytes);
    tools = describeTools(bytes);
    problems = checkImports(description, knownImports());
    const { dylink } = description;
    libraries = dylink && readDylinkSection(bytes, dylink.start, dylink.end).needed;
  } catch (cause) {
    throw programError(name, tellForeign(cause, bytes));
  }
  const reasons = problemsOf(description, problems);
  const refused = new Map(
    problems.map((problem) => [`${problem.module}.${problem.name}`, problem]),
  );
  const shared = description.memory.limits?.shared === true;
  return {
    name,
    size: bytes.length,
    kind: kindOf(description),
    runs: reasons.length === 0,
    problems: reasons,
    system: systemOf(description),
    memory: memoryOf(description),
    threads: {
      starts: description.importsThreadSpawn,
      hasEntry: description.hasThreadEntry,
      sharesMemory: shared && description.memory.importName !== undefined,
    },
    asyncify: description.asyncify,
    libraries,
    imports: description.imports.map((entry) => inspectImport(description, entry, refused)),
    exports: description.exports.map((entry) => ({
      name: entry.name,
      kind: entry.kind,
      type: formatType(entry),
    })),
    functionCount: description.functionCount,
    features: tools.targetFeatures,
    producers: tools.producers.flatMap(({ field, values }) =>
      values.map(({ name: tool, version }) => ({ field, name: tool, version })),
    ),
    customSections: description.customSections,
  };
}

/** Every import that Weft provides, `wasi_unstable` last. */
export function listProvidedImports(): readonly ProvidedImport[] {
  const texts = new Map(
    signatures().map(({ module, name, parameters, result }) => [
      `${module}.${name}`,
      `(${parameters.map((parameter) => `${parameter.name}: ${parameter.type}`).join(", ")})` +
        (result === "none" || result === "noreturn" ? "" : ` -> ${result}`),
    ]),
  );
  for (const name of wasiUnstableNames()) {
    texts.set(`wasi_unstable.${name}`, texts.get(`wasi_snapshot_preview1.${name}`) ?? "");
  }
  return listSyscalls().map(({ module, name, support, note }) => ({
    module,
    name,
    signature: texts.get(`${module}.${name}`) ?? "",
    support,
    note,
  }));
}

function kindOf(description: ModuleDescription): ModuleKind {
  if (description.isObjectFile) return "object";
  if (description.isCommand) return "command";
  if (description.isReactor) return "reactor";
  return description.isDynamic ? "library" : "module";
}

function systemOf({ wasiModules }: ModuleDescription): Inspection["system"] {
  if (wasiModules.some((module) => module.startsWith("wasix"))) return "WASIX";
  if (wasiModules.includes("wasi_unstable")) return "WASI unstable";
  return wasiModules.length > 0 ? "WASI preview 1" : "none";
}

function memoryOf(description: ModuleDescription): Inspection["memory"] {
  const { source, limits: outer } = description.memory;
  const limits = outer ?? description.memories[0];
  if (limits === undefined) return undefined;
  return {
    source: source === "none" ? "own" : source,
    shared: limits.shared,
    is64Bit: limits.memory64,
    initial: limits.minimum * limits.pageSize,
    maximum: limits.maximum === undefined ? null : limits.maximum * limits.pageSize,
  };
}

/** Why it cannot be run: the same reasons that loading it would give. */
function problemsOf(description: ModuleDescription, problems: readonly LinkProblem[]): string[] {
  const reasons = problems.map((problem) => problem.message);
  const hints = new Set(problems.map((problem) => problem.hint));
  for (const hint of hints) if (hint !== undefined) reasons.push(hint);
  const unfit = tellUnfit(description, "It", false);
  // The hint for an object file says the same.
  if (unfit !== undefined && !(description.isObjectFile && reasons.length > 0))
    reasons.push(unfit.message);
  return reasons;
}

function inspectImport(
  { isDynamic }: ModuleDescription,
  entry: ModuleImport,
  refused: ReadonlyMap<string, LinkProblem>,
): InspectedImport {
  const { module, name, kind } = entry;
  const base = { module, name, kind, type: formatType(entry) };
  const problem = refused.get(`${module}.${name}`);
  if (problem !== undefined) {
    const note = problem.reason === "missing" ? "Weft does not provide it" : problem.message;
    return { ...base, support: "missing", note };
  }
  const syscall = kind === "function" ? findSyscall(module, name) : undefined;
  if (syscall !== undefined) return { ...base, support: syscall.support, note: syscall.note };
  if (kind === "memory") return { ...base, support: "full", note: undefined };
  return {
    ...base,
    support: "none",
    note: isDynamic ? "The dynamic linker's to give: there is none yet" : undefined,
  };
}

function formatLimits(minimum: number, maximum: number | undefined): string {
  return maximum === undefined ? `from ${minimum}` : `${minimum} to ${maximum}`;
}

function formatType(entry: ModuleImport | ModuleExport): string {
  switch (entry.kind) {
    case "function":
    case "tag":
      return formatFunctionType(entry.type);
    case "memory": {
      const { minimum, maximum, shared, memory64 } = entry.type;
      return `${shared ? "shared " : ""}${memory64 ? "64-bit " : ""}memory, ${formatLimits(minimum, maximum)} pages`;
    }
    case "table":
      return `table of ${entry.type.element}, ${formatLimits(entry.type.minimum, entry.type.maximum)} entries`;
    case "global":
      return `${entry.type.mutable ? "mutable " : ""}${entry.type.type}`;
  }
}
