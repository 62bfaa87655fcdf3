import assert from "node:assert/strict";
import test from "node:test";
import loadWabt from "wabt";
import { readAsyncify } from "./asyncify.ts";
import { describeModule } from "./module-description.ts";
import { rareTypes } from "./rare-types.ts";
import { provideRareTypes } from "./wasm-types.ts";

provideRareTypes(rareTypes);

/** A program with calls of two imports, a global that is not exported, and data below its stack. */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasix_32v1" "thread_sleep" (func $sleep (param i64) (result i32)))
  (memory (export "memory") 2)
  (global $pointer (mut i32) (i32.const 66560))
  (global $hidden (mut i64) (i64.const 7))
  (global $fixed i32 (i32.const 1))
  EXTRA
  (data (i32.const 1024) "0123456789")
  (data (i32.const 70000) "above the stack")
  (func $inner (param i64) (result i32)
    (global.set $hidden (local.get 0))
    (i32.add (call $yield) (i32.const 1)))
  (func (export "_start")
    (if (i32.eqz (call $inner (i64.const 5))) (then (drop (call $sleep (i64.const 1)))))))`;

async function instrument(imports: string, extra = ""): Promise<Uint8Array> {
  const wabt = await loadWabt();
  const parsed = wabt.parseWat("program.wat", PROGRAM.replace("EXTRA", extra), { simd: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  const { default: binaryen } = await import("binaryen");
  const module = binaryen.readBinary(buffer);
  module.setFeatures(binaryen.Features.MutableGlobals | binaryen.Features.SIMD128);
  binaryen.setOptimizeLevel(2);
  binaryen.setPassArgument("asyncify-imports", imports);
  module.runPasses(["asyncify"]);
  binaryen.clearPassArguments();
  return module.emitBinary();
}

function read(bytes: Uint8Array) {
  const { imports, stackPointerGlobal, stackPointer } = describeModule(bytes);
  return readAsyncify(bytes, imports, stackPointerGlobal, stackPointer ?? 0);
}

const both = "wasi_snapshot_preview1.sched_yield,wasix_32v1.thread_sleep";

test("imports that unwind are those for which the program was instrumented", async () => {
  const found = read(await instrument(both))!;
  assert.deepEqual([...found.asyncify.unwinds].sort(), both.split(","));
  const one = read(await instrument("wasix_32v1.thread_sleep"))!;
  assert.deepEqual([...one.asyncify.unwinds], ["wasix_32v1.thread_sleep"]);
});

test("globals that can change are exported, and nothing else is changed", async () => {
  const bytes = await instrument(both);
  const { asyncify, bytes: edited } = read(bytes)!;
  // The stack pointer, the hidden one, and asyncify's two.
  assert.equal(asyncify.globals.length, 4);
  assert.ok(asyncify.globals.includes(asyncify.stackPointer));
  assert.equal(asyncify.shift, edited.length - bytes.length);
  const exports = describeModule(edited).exports.map(({ name }) => name);
  for (const name of asyncify.globals) assert.ok(exports.includes(name), name);
  assert.ok(WebAssembly.validate(edited as Uint8Array<ArrayBuffer>));
  assert.equal(read(edited)!.bytes, edited);
});

test("frames have room for all locals and the number of the call", async () => {
  const { asyncify } = read(await instrument(both))!;
  const [first, second, inner] = asyncify.frameBytes;
  assert.deepEqual([first, second], [0, 0]);
  assert.ok(inner >= 4 + 8, `a parameter of 8 bytes: ${inner}`);
});

test("data below the stack ends it where no symbol does", async () => {
  assert.equal(read(await instrument(both))!.asyncify.dataEnd, 1034);
});

test("a global that holds a vector, or a program without a stack pointer, cannot be taken apart", async () => {
  const vector = "(global $wide (mut v128) (v128.const i32x4 1 2 3 4))";
  assert.equal(read(await instrument(both, vector)), undefined);
  const bytes = await instrument(both);
  assert.equal(readAsyncify(bytes, describeModule(bytes).imports, undefined, 0), undefined);
});

test("broken bytes are not understood, and that is all", async () => {
  const bytes = await instrument(both);
  for (let length = 8; length < bytes.length; length += 7) {
    const { imports } = describeModule(bytes);
    assert.doesNotThrow(() => readAsyncify(bytes.slice(0, length), imports, 0, 66560));
  }
});
