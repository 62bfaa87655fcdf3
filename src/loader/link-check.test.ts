import assert from "node:assert/strict";
import test from "node:test";
import {
  buildModule,
  customSection,
  FUNCREF,
  functionType,
  I32,
  I64,
  importEntry,
  Kind,
  limits,
  unsigned,
  WIDE,
} from "../../tests/support/wasm-builder.ts";
import { checkImports, formatLinkProblems } from "./link-check.ts";
import { describeModule } from "./module-description.ts";

const I32_TO_I32 = { parameters: ["i32"], results: ["i32"] };
const known = new Map([
  ["wasi_snapshot_preview1.fd_close", I32_TO_I32],
  ["wasi_snapshot_preview1.fd_fdstat_get", { parameters: ["i32", "i32"], results: ["i32"] }],
  ["wasix_32v1.proc_exit2", { parameters: ["i32"], results: [] }],
  ["wasi.thread-spawn", I32_TO_I32],
]);

const TYPES = [
  functionType([I32], [I32]),
  functionType([I64, I32], []),
  functionType([], [I32, I64]),
];

const callOf = (module: string, name: string, type = 0) =>
  importEntry(module, name, Kind.function, unsigned(type));

function check(imports: number[][], after: number[][] = []) {
  return checkImports(describeModule(buildModule({ types: TYPES, imports, after })), known);
}

const messages = (imports: number[][]) => check(imports).map((problem) => problem.message);

test("a module whose imports are all known has no problems", () => {
  assert.deepEqual(
    check([
      callOf("wasi_snapshot_preview1", "fd_close"),
      callOf("wasi", "thread-spawn"),
      importEntry("env", "memory", Kind.memory, limits(1, 2, 2)),
    ]),
    [],
  );
});

test("each missing import is named with its signature", () => {
  assert.deepEqual(
    messages([
      callOf("wasix_32v1", "quantum_leap", 1),
      callOf("wasi_snapshot_preview1", "fd_close"),
      callOf("a.b", "c", 2),
    ]),
    [
      "import wasix_32v1.quantum_leap (function (i64, i32) -> ()) is not provided by Weft",
      "import a.b.c (function () -> (i32, i64)) is not provided by Weft",
    ],
  );
});

test("a near name is suggested, in the same module first, then in another", () => {
  assert.match(
    messages([callOf("wasi_snapshot_preview1", "fd_fdstat_gte")])[0],
    /; did you mean wasi_snapshot_preview1\.fd_fdstat_get\?$/,
  );
  assert.match(
    messages([callOf("wasi_unstable", "fd_close")])[0],
    /did you mean wasi_snapshot_preview1\.fd_close\?$/,
  );
});

test("a wrong signature shows what is expected and what was found", () => {
  const [problem] = check([callOf("wasi_snapshot_preview1", "fd_close", 1)]);
  assert.equal(problem.reason, "signature");
  assert.equal(
    problem.message,
    "import wasi_snapshot_preview1.fd_close (function (i64, i32) -> ()) has the wrong signature: " +
      "Weft provides function (i32) -> i32",
  );
});

test("a known name imported as something else is a wrong signature", () => {
  assert.deepEqual(messages([importEntry("wasi", "thread-spawn", Kind.global, [I32, 1])]), [
    "import wasi.thread-spawn (global i32) has the wrong signature: Weft provides function (i32) -> i32",
  ]);
});

test("memories, tables, globals and tags that cannot be given", () => {
  const problems = check([
    importEntry("env", "memory", Kind.memory, limits(1, 2, WIDE)),
    importEntry("env", "second", Kind.memory, limits(1)),
    importEntry("env", "table", Kind.table, [FUNCREF, ...limits(1)]),
    importEntry("env", "base", Kind.global, [I32, 0]),
    importEntry("env", "tag", Kind.tag, [0, 1]),
  ]);
  assert.deepEqual(
    problems.map(({ reason, message }) => `${reason}: ${message}`),
    [
      "unsupported: import env.second (memory): a module can be given only one memory",
      "missing: import env.table (table) is not provided by Weft",
      "missing: import env.base (global i32) is not provided by Weft",
      "missing: import env.tag (tag (i64, i32) -> ()) is not provided by Weft",
    ],
  );
});

test("a dynamically linked module may import from the linker, not from elsewhere", () => {
  const dylink = customSection("dylink.0", []);
  const description = describeModule(
    buildModule({
      before: [dylink],
      types: TYPES,
      imports: [
        importEntry("env", "__memory_base", Kind.global, [I32, 0]),
        importEntry("GOT.mem", "errno", Kind.global, [I32, 1]),
        callOf("env", "puts"),
        callOf("wasix_32v1", "nothing"),
      ],
    }),
  );
  const names = checkImports(description, known).map((problem) => problem.name);
  assert.deepEqual(names, ["nothing"]);
});

test("calls with 64-bit pointers are for programs with a 64-bit memory, and for no other", () => {
  const call = (module: string) => callOf(module, "sched_yield");
  const memory = (flags: number) => importEntry("env", "memory", Kind.memory, limits(1, 2, flags));
  const refusal = (...imports: ReturnType<typeof call>[]) =>
    check(imports).map(({ reason, message }) => `${reason}: ${message}`);
  const rule =
    "a program with a 64-bit memory imports all calls from wasix_64v1, and no other does";
  assert.deepEqual(refusal(memory(0), call("wasix_64v1")), [
    `unsupported: import wasix_64v1.sched_yield is not for a 32-bit memory: ${rule}`,
  ]);
  assert.deepEqual(refusal(memory(WIDE), call("wasix_32v1"), call("wasi_snapshot_preview1")), [
    `unsupported: import wasix_32v1.sched_yield is not for a 64-bit memory: ${rule}`,
    `unsupported: import wasi_snapshot_preview1.sched_yield is not for a 64-bit memory: ${rule}`,
  ]);
  const wide = check([memory(WIDE), call("wasix_64v1")]);
  assert.equal(
    wide.some(({ reason }) => reason === "unsupported"),
    false,
  );
});

test("the tool that made the module is told from its imports", () => {
  const hintOf = (module: string, name: string) => check([callOf(module, name)])[0].hint ?? "";
  assert.match(hintOf("env", "emscripten_memcpy_js"), /built by Emscripten/);
  assert.match(hintOf("env", "__syscall_openat"), /built by Emscripten/);
  assert.match(hintOf("__wbindgen_placeholder__", "__wbindgen_throw"), /built by wasm-bindgen/);
  assert.match(hintOf("./hello_bg.js", "__wbg_log"), /built by wasm-bindgen/);
  assert.match(hintOf("gojs", "runtime.wasmExit"), /GOOS=wasip1/);
  assert.match(hintOf("env", "abort"), /AssemblyScript/);
  assert.match(hintOf("wasi:cli/exit@0.2.3", "exit"), /part of a component/);
  assert.equal(hintOf("env", "my_function"), "");
  const [object] = check([callOf("env", "puts")], [customSection("linking", [2])]);
  assert.match(object.hint ?? "", /object file/);
});

test("all problems as text: hints once, long lists cut", () => {
  const problems = check([
    ...Array.from({ length: 25 }, (_, index) => callOf("env", `emscripten_${index}`)),
  ]);
  const lines = formatLinkProblems(problems).split("\n");
  assert.equal(lines.length, 22);
  assert.equal(lines[20], "and 5 more imports");
  assert.match(lines[21], /Emscripten/);
});

test("names are shown without control characters and cut", () => {
  const [message] = messages([callOf("env", `\u001b[2J\n\u202e${"x".repeat(90_000)}`)]);
  assert.match(message, /^import env\.\\u\{1b\}\[2J\\u\{a\}\\u\{202e\}x+… \(function/);
  assert(message.length < 250);
});
