/**
 * The generated part of tests/programs/hostile_random_calls.c: every import there is, with what its parameters are, made from the table of
 * signatures.
 *
 *     node build/tests/hostile/random-calls-table.js     writes it into the program
 */
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  findSignature,
  type Signature,
  signatures,
  wasiUnstableNames,
} from "../../src/abi/signatures.ts";

export const programPath = fileURLToPath(
  new URL("../../../tests/programs/hostile_random_calls.c", import.meta.url),
);

const opening = "// --- generated: imports\n";
const closing = "// --- end of what is generated\n";

/** Calls after which the thread or the process does not go on: for the runs that may end anyhow. */
const ENDING = new Set([
  "context_switch",
  "proc_exit",
  "proc_exit2",
  "proc_exec",
  "proc_exec2",
  "proc_exec3",
  "proc_exec4",
  "stack_restore",
  "thread_exit",
]);

/** Calls that take a descriptor away or lame it: their descriptors are never those that the program needs. */
const TAKES_DESCRIPTORS = new Set(["fd_close", "fd_renumber", "fd_fdstat_set_rights"]);

/** Plain results of fixed size, which may be asked for at address 0 as nothing lies there. */
const SMALL_RESULTS =
  /^pointer<(size|fd|tid|pid|timestamp|filesize|bool|filestat|fdstat|prestat|fdflagsext)>$/;

/** A letter for each parameter: the program has the key. */
function kindsOf({ name, parameters }: Signature): string {
  let before = "";
  let kinds = "";
  for (const { name: parameter, type, wasm, direction } of parameters) {
    let kind: string;
    if (type === "fd")
      kind = TAKES_DESCRIPTORS.has(name) ? "F" : name.startsWith("path_") ? "D" : "f";
    else if (type === "rights") kind = "R";
    else if (type === "signal") kind = "s";
    else if (type === "tid") kind = "t";
    else if (type === "pid") kind = "P";
    else if (name === "thread_sleep") kind = "d";
    else if (wasm === "i64") kind = "8";
    else if (parameter === "nsubscriptions") kind = "M";
    else if (type === "size" && before === "S") kind = "L";
    else if (type === "size" && (before === "V" || before === "W")) kind = "N";
    else if (type === "size" || type === "pointersize") kind = "z";
    else if (type === "pointer<u8>" && direction === "in") kind = "S";
    else if (type === "pointer<iovec>") kind = "V";
    else if (type === "pointer<ciovec>") kind = "W";
    else if (type === "pointer<subscription>") kind = "Q";
    else if (type === "pointer<option_timestamp>" && direction === "in") kind = "T";
    else if (type === "pointer<u32>") kind = "K";
    else if (type === "pointer<thread_start>" || name === "thread-spawn") kind = "H";
    else if (direction !== undefined && SMALL_RESULTS.test(type)) kind = "o";
    else if (direction === "out" || direction === "inout") kind = "O";
    else if (direction === "in") kind = "i";
    else kind = "g";
    before = kind;
    kinds += kind;
  }
  return kinds;
}

/** The generated text. */
export function makeTable(): string {
  const all = [
    ...signatures(),
    ...wasiUnstableNames().map((name) => ({
      ...findSignature("wasi_unstable", name)!,
      module: "wasi_unstable",
    })),
  ];
  const lines: string[] = [];
  const rows: string[] = [];
  all.forEach((signature, index) => {
    const { module, name, parameters, result } = signature;
    const types = parameters.map(({ wasm }) => (wasm === "i64" ? "int64_t" : "int32_t"));
    const answers = result === "errno" || result === "i32";
    const given = types.map((type, place) => `(${type})a[${place}]`).join(", ");
    lines.push(
      `IMPORT("${module}", "${name}") ${answers ? "int32_t" : "void"} i${index}(${types.join(", ") || "void"});`,
      `static int32_t c${index}(const uint64_t *a) { ${parameters.length > 0 ? "" : "(void)a; "}${answers ? "return " : ""}i${index}(${given});${answers ? "" : " return 0;"} }`,
    );
    const sort = result === "i32" ? "SPAWNS" : ENDING.has(name) ? "ENDS" : "ORDINARY";
    rows.push(
      `    {"${module}.${name}", c${index}, "${kindsOf(signature)}", ${sort}, ${name === "callback_signal"}},`,
    );
  });
  return [...lines, "static const struct call calls[] = {", ...rows, "};", ""].join("\n");
}

/** The generated part of the program as it is now. */
export function tableInProgram(): string {
  const text = readFileSync(programPath, "utf8");
  return text.slice(text.indexOf(opening) + opening.length, text.indexOf(closing));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const text = readFileSync(programPath, "utf8");
  const start = text.indexOf(opening) + opening.length;
  writeFileSync(
    programPath,
    text.slice(0, start) + makeTable() + text.slice(text.indexOf(closing)),
  );
}
