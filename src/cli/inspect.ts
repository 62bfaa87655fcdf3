/** `weft inspect`: what a module is and needs, as text to read or as JSON. */
import { basename } from "node:path";
import { inspectProgram, type InspectedImport, type Inspection } from "../api/command.ts";
import { readGivenFile } from "./given-file.ts";
import { withReasons } from "./run.ts";
import { alignColumns, formatBytes, printable } from "./terminal-text.ts";

/** Describes a file; the text to print. Throws Failure for a file that is no module. */
export function inspectFile(path: string, json: boolean): string {
  const bytes = readGivenFile(path);
  const inspection = withReasons(() => inspectProgram(bytes, printable(basename(path))));
  // What is not there is null in JSON, so that every name is always there.
  if (json) return JSON.stringify(inspection, (_key, value: unknown) => value ?? null, 2) + "\n";
  return formatInspection(inspection);
}

const KINDS: Readonly<Record<Inspection["kind"], string>> = {
  command: "a program",
  reactor: "a reactor (initialised, then its exports are called)",
  library: "a dynamically linked library",
  object: "an object file, compiled but not linked",
  module: "a module that is no program",
};

function formatInspection(inspection: Inspection): string {
  const { name, kind, system, size, runs, problems } = inspection;
  const forSystem = system === "none" ? "" : ` for ${system}`;
  let text = `${name}: ${KINDS[kind]}${forSystem}, ${formatBytes(size)}\n`;
  text += runs ? "Weft can run it.\n" : "Weft cannot run it:\n";
  for (const problem of problems) text += `  ${printable(problem)}\n`;
  text += "\n" + alignColumns(summarize(inspection), "  ");
  text += formatImports(inspection.imports);
  text += formatExports(inspection);
  return text;
}

/** One line for each property: its name and what it is. */
function summarize(inspection: Inspection): string[][] {
  const { threads, asyncify, libraries, functionCount, features, producers } = inspection;
  const threadText = threads.starts
    ? `yes${threads.hasEntry ? "" : ", but it lacks wasi_thread_start"}${threads.sharesMemory ? "" : ", but its memory is not shared"}`
    : "no";
  const rows = [
    ["memory", formatMemory(inspection.memory)],
    ["threads", threadText],
    ["asyncify", asyncify ? "yes" : "no"],
    [
      "linking",
      libraries === undefined
        ? "static"
        : `dynamic; needs ${libraries.map(printable).join(", ") || "no library"}`,
    ],
    ["functions", String(functionCount)],
  ];
  if (features.length > 0)
    rows.push([
      "features",
      features.map((feature) => printable(feature.replace(/^\+/, ""))).join(", "),
    ]);
  if (producers.length > 0) {
    const tools = producers.map(({ name, version }) =>
      printable(version === "" ? name : `${name} ${version}`),
    );
    rows.push(["made by", [...new Set(tools)].join(", ")]);
  }
  return rows;
}

function formatMemory(memory: Inspection["memory"]): string {
  if (memory === undefined) return "none";
  const { source, shared, is64Bit, initial, maximum } = memory;
  const where = {
    imported: "imported",
    exported: "its own, exported",
    both: "imported and exported",
    own: "its own",
  }[source];
  const limit = maximum === null ? "without a limit of its own" : `at most ${formatBytes(maximum)}`;
  return `${where}${shared ? ", shared" : ""}${is64Bit ? ", 64-bit" : ""}, ${formatBytes(initial)} at first, ${limit}`;
}

const SUPPORT: Readonly<Record<InspectedImport["support"], string>> = {
  full: "works",
  partial: "in part",
  none: "refused",
  missing: "MISSING",
};

function formatImports(imports: readonly InspectedImport[]): string {
  if (imports.length === 0) return "\nIt imports nothing.\n";
  const counts = Object.entries(SUPPORT)
    .map(([support, word]) => [imports.filter((entry) => entry.support === support).length, word])
    .filter(([count]) => count !== 0)
    .map(([count, word]) => `${count} ${word}`);
  let text = `\n${countOf(imports.length, "import")} (${counts.join(", ")}):\n`;
  for (const module of new Set(imports.map((entry) => entry.module))) {
    text += `  ${printable(module)}\n`;
    const rows = imports
      .filter((entry) => entry.module === module)
      .map((entry) => [
        printable(entry.name),
        SUPPORT[entry.support],
        entry.note === undefined ? entry.type : `${entry.type}  ${printable(entry.note)}`,
      ]);
    text += alignColumns(rows, "    ");
  }
  return text;
}

function formatExports({ exports }: Inspection): string {
  if (exports.length === 0) return "\nIt exports nothing.\n";
  const rows = exports.map(({ name, kind, type }) => [
    printable(name),
    kind === "memory" || kind === "table" ? type : `${kind} ${type}`,
  ]);
  return `\n${countOf(exports.length, "export")}:\n${alignColumns(rows, "  ")}`;
}

const countOf = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
