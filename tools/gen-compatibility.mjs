// Writes the table of system calls in docs/compatibility.md, between its two markers, from the table that the program itself uses.
//
//   node tools/gen-compatibility.mjs [--check]
//
// Needs a build. With --check nothing is written: it fails where the page is not up to date.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const page = fileURLToPath(new URL("../docs/compatibility.md", import.meta.url));
const built = new URL("../build/src/syscalls/table-list.js", import.meta.url);
const begin = "<!-- system calls: written by tools/gen-compatibility.mjs -->";
const end = "<!-- end of system calls -->";

if (!existsSync(built)) throw new Error("no build: run npm run build first");
const { listSyscalls } = await import(built);

/** Modules in the order of the table, under the heading each has in the page. */
const headings = {
  wasi_snapshot_preview1: "WASI preview 1 (`wasi_snapshot_preview1`, also in `wasix_32v1`)",
  wasix_32v1: "WASIX (`wasix_32v1`)",
  wasi: "Threads of wasi-threads (`wasi`)",
};

/** The rows of a module without those that repeat preview 1. */
function rowsOf(module) {
  const all = listSyscalls();
  const preview1 = new Set(
    all.filter((call) => call.module === "wasi_snapshot_preview1").map((call) => call.name),
  );
  return all
    .filter((call) => call.module === module)
    .filter((call) => module !== "wasix_32v1" || !preview1.has(call.name))
    .sort((a, b) => a.name.localeCompare(b.name, "en"));
}

const words = { full: "yes", partial: "in part", none: "no" };

function tableOf(module) {
  const rows = rowsOf(module).map(
    ({ name, support, note }) => `| \`${name}\` | ${words[support]} | ${note ?? ""} |`,
  );
  return [
    `### ${headings[module]}`,
    "",
    "| call | works | note |",
    "| --- | --- | --- |",
    ...rows,
  ].join("\n");
}

function countsOf(support) {
  return Object.keys(headings)
    .flatMap(rowsOf)
    .filter((call) => call.support === support).length;
}

const text = [
  begin,
  "",
  `${countsOf("full")} calls work, ${countsOf("partial")} work in part, ${countsOf("none")} only answer an errno. ` +
    "`wasi_unstable`, the first snapshot of WASI, has the calls of preview 1 without `sock_accept`, with its own layouts.",
  "",
  ...Object.keys(headings).flatMap((module) => [tableOf(module), ""]),
  end,
].join("\n");

const old = readFileSync(page, "utf8");
const from = old.indexOf(begin);
const to = old.indexOf(end);
if (from < 0 || to < from)
  throw new Error(`docs/compatibility.md lacks its markers: ${begin} … ${end}`);
const { format, resolveConfig } = await import("prettier");
const options = { ...(await resolveConfig(page)), filepath: page };
const updated = await format(old.slice(0, from) + text + old.slice(to + end.length), options);
if (updated === old) {
  console.log("docs/compatibility.md is up to date");
} else if (process.argv.includes("--check")) {
  console.error("docs/compatibility.md is not up to date: run node tools/gen-compatibility.mjs");
  process.exitCode = 1;
} else {
  writeFileSync(page, updated);
  console.log("docs/compatibility.md written");
}
