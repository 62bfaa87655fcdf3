import assert from "node:assert/strict";
import test from "node:test";
import {
  buildModule,
  customSection,
  exportEntry,
  functionType,
  F64,
  FUNCREF,
  I32,
  importEntry,
  Kind,
  limits,
  text,
  unsigned,
  vector,
} from "../../tests/support/wasm-builder.ts";
import { describeTrap } from "../../tests/support/trap.ts";
import type { TrapKind } from "./trap-description.ts";

/** Runs `code` two frames deep: `outer` (function 2) calls function 1, which holds it; function 0 is imported. */
function trapOf(code: number[], name?: string, host: () => void = () => {}) {
  const named = name === undefined ? [] : vector([[...unsigned(1), ...text(name)]]);
  const bytes = buildModule({
    types: [functionType([], []), functionType([I32], [I32]), functionType([F64], [])],
    imports: [importEntry("env", "host", Kind.function, [0])],
    functions: [
      { type: 0, code },
      { type: 0, code: [0x10, 1] },
    ],
    tables: [[FUNCREF, ...limits(2)]],
    memories: [limits(1, 1)],
    exports: [exportEntry("outer", Kind.function, 2)],
    after: name === undefined ? [] : [customSection("name", [1, named.length, ...named])],
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { host } });
  try {
    (exports.outer as () => void)();
  } catch (error) {
    return describeTrap(error);
  }
  assert.fail("did not trap");
}

test("this engine's traps are told apart", () => {
  const cases: [TrapKind, number[]][] = [
    ["unreachable", [0x00]],
    ["memory access out of bounds", [0x41, 0x7f, 0x28, 2, 0, 0x1a]],
    ["stack overflow", [0x10, 1, 0x10, 1]],
    ["integer divide by zero", [0x41, 1, 0x41, 0, 0x6d, 0x1a]],
    ["integer divide by zero", [0x41, 1, 0x41, 0, 0x70, 0x1a]],
    ["integer overflow", [0x41, 0x80, 0x80, 0x80, 0x80, 0x78, 0x41, 0x7f, 0x6d, 0x1a]],
    ["invalid conversion to integer", [0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 0xaa, 0x1a]],
    ["indirect call to null or type mismatch", [0x41, 0, 0x11, 0, 0]],
    ["table access out of bounds", [0x41, 9, 0x11, 0, 0]],
    ["unaligned atomic access", [0x41, 1, 0xfe, 0x10, 2, 0, 0x1a]],
  ];
  for (const [kind, code] of cases) assert.equal(trapOf(code).kind, kind);
});

test("frames have names, indexes and offsets, the innermost first", () => {
  const { frames, text: shown } = trapOf([0x00], "std::fail(void (*)(int), a (b))");
  assert.deepEqual(
    frames.map((frame) => [frame.function, frame.index]),
    [
      ["std::fail(void (*)(int), a (b))", 1],
      ["wasm-function[2]", 2],
    ],
  );
  assert(frames[0].offset! > 8 && frames[0].offset! < frames[1].offset!);
  const [title, first] = shown.split("\n");
  assert.equal(title, "unreachable");
  assert.match(first, /^ {4}at std::fail\(.*\) \(function 1, offset 0x[0-9a-f]+\)$/);
});

test("a function without any name is shown by its index", () => {
  assert.equal(trapOf([0x00]).frames[0].function, "wasm-function[1]");
});

test("an error of a host function is not taken for a trap", () => {
  const described = trapOf([0x10, 0], "caller", () => {
    throw new TypeError("Cannot read properties of null");
  });
  assert.equal(described.kind, "host error");
  assert.match(described.text, /^host error: Cannot read properties of null\n {4}at caller /);
});

test("an exception that nothing caught", () => {
  const tag = new WebAssembly.Tag({ parameters: [] });
  assert.equal(describeTrap(new WebAssembly.Exception(tag, [])).kind, "uncaught exception");
});

/** An error as another engine makes it. */
function foreignError(name: string, message: string, stack: string): Error {
  const error = new Error(message);
  error.name = name;
  error.stack = stack;
  return error;
}

test("frames of V8 from an address, and below asynchronous calls", () => {
  const stack = [
    "RuntimeError: unreachable",
    "    at a.wasm.inner (http://localhost:80/a.wasm:wasm-function[12]:0x1a2b)",
    "    at http://localhost:80/a.wasm:wasm-function[3]:0x10",
    "    at Object.call (file:///x.js:1:2)",
    "    at async outer (wasm://wasm/name-0a1b:wasm-function[4]:0x20)",
  ].join("\n");
  const { frames } = describeTrap(foreignError("RuntimeError", "unreachable", stack));
  assert.deepEqual(frames, [
    { function: "a.wasm.inner", index: 12, offset: 0x1a2b },
    { function: "wasm-function[3]", index: 3, offset: 0x10 },
    { function: "outer", index: 4, offset: 0x20 },
  ]);
});

test("frames and words of SpiderMonkey", () => {
  const stack = [
    "inner@http://localhost/a.wasm:wasm-function[12]:0x1a2b",
    "wasm-function[3]@http://localhost/a.js line 3 > WebAssembly.Module:wasm-function[3]:0x10",
    "run@http://localhost/a.js:1:2",
  ].join("\n");
  const described = describeTrap(foreignError("RuntimeError", "index out of bounds", stack));
  assert.equal(described.kind, "memory access out of bounds");
  assert.deepEqual(described.frames, [
    { function: "inner", index: 12, offset: 0x1a2b },
    { function: "wasm-function[3]", index: 3, offset: 0x10 },
  ]);
  const kindOf = (name: string, message: string) =>
    describeTrap(foreignError(name, message, "")).kind;
  assert.equal(kindOf("InternalError", "too much recursion"), "stack overflow");
  assert.equal(kindOf("RuntimeError", "indirect call to null"), "indirect call to null");
  assert.equal(
    kindOf("RuntimeError", "indirect call signature mismatch"),
    "indirect call type mismatch",
  );
  assert.equal(kindOf("RuntimeError", "integer overflow"), "integer overflow");
});

test("frames and words of JavaScriptCore", () => {
  const stack = [
    "<?>.wasm-function[12]@[wasm code]",
    "name.wasm-function[inner]@[wasm code]",
    "wasm-stub@[wasm code]",
    "run@http://localhost/a.js:1:2",
  ].join("\n");
  const message = "Out of bounds memory access (evaluating 'table.get(null)()')";
  const described = describeTrap(foreignError("RuntimeError", message, stack));
  assert.equal(described.kind, "memory access out of bounds");
  assert.deepEqual(described.frames, [
    { function: "wasm-function[12]", index: 12, offset: undefined },
    { function: "inner", index: undefined, offset: undefined },
  ]);
  assert.match(described.text, /\n {4}at wasm-function\[12\] \(function 12\)\n {4}at inner$/);
  const newer = "inner@out.wasm:wasm-function[7]\n_start@out.wasm:wasm-function[6]\n@";
  assert.deepEqual(describeTrap(foreignError("RuntimeError", message, newer)).frames, [
    { function: "inner", index: 7, offset: undefined },
    { function: "_start", index: 6, offset: undefined },
  ]);
  const kindOf = (text: string) => describeTrap(foreignError("RuntimeError", text, "")).kind;
  assert.equal(kindOf("Unreachable code should not be executed (evaluating 'f()')"), "unreachable");
  assert.equal(
    kindOf("Out of bounds call_indirect (evaluating 'f()')"),
    "table access out of bounds",
  );
  assert.equal(
    kindOf("call_indirect to a null table entry (evaluating 'f()')"),
    "indirect call to null",
  );
  assert.equal(
    kindOf("call_indirect to a signature that does not match (evaluating 'f()')"),
    "indirect call type mismatch",
  );
});

test("memory that the host cannot give, and segments that do not fit, are told in the engine's words", () => {
  const lacking = foreignError("RangeError", "WebAssembly.Instance(): Out of memory: no room", "");
  assert.equal(
    describeTrap(lacking).text,
    "host out of memory: WebAssembly.Instance(): Out of memory: no room",
  );
  const words = "WebAssembly.Instance(): data segment 0 is out of bounds";
  const segment = describeTrap(foreignError("RuntimeError", words, ""));
  assert.equal(segment.text, `memory access out of bounds: ${words}`);
});

test("guest names cannot break out of their line, and deep stacks are cut", () => {
  const { text: shown } = trapOf([0x00], "\u001b[31mred");
  assert.match(shown, /at \\u\{1b\}\[31mred/);
  const line = "    at f (wasm://wasm/1:wasm-function[1]:0x1)\n";
  const many = foreignError("RuntimeError", "unreachable", line.repeat(10_000));
  assert.equal(describeTrap(many).frames.length, 50);
});

test("anything may be thrown", () => {
  const hostile = {
    get message(): string {
      throw new Error("no");
    },
  };
  for (const thrown of [undefined, null, 7, Symbol("s"), "text", {}, hostile]) {
    assert.equal(describeTrap(thrown).kind, "host error");
  }
  assert.match(describeTrap("text").text, /^host error: text$/);
});
