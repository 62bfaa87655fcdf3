/** What rewriting leaves as it was: bytes, indexes, offsets of traps, and whatever it does not understand. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import test from "node:test";
import { compileGuest, listGuests } from "../../tests/support/compile.ts";
import {
  assemble,
  type Exports,
  makeHost,
  rewrite,
  startRewritten,
  trap,
  WAITS,
} from "../../tests/support/stop-fixture.ts";
import {
  buildModule,
  exportEntry,
  FUNCREF,
  functionType,
  I32,
  Kind,
  limits,
  seededRandom,
  SHARED,
  unsigned,
} from "../../tests/support/wasm-builder.ts";
import { describeModule } from "./module-description.ts";
import { addStopPoints, originalOffset } from "./stop-points.ts";
import { canSuspendStacks } from "./suspension.ts";

test("nothing to rewrite, nothing understood, no module: undefined, and never an exception", async () => {
  const plain = await assemble(`(module (memory 1) (func (export "f") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (block (result i32) (i32.const 7)))
      (else (i32.load (i32.const 8))))))`);
  assert.equal(addStopPoints(plain), undefined);
  assert.equal(addStopPoints(buildModule({})), undefined);
  assert.equal(addStopPoints(new Uint8Array()), undefined);
  assert.equal(addStopPoints(new TextEncoder().encode("#!/bin/sh\n")), undefined);
  const unknown = buildModule({
    types: [functionType([], [])],
    memories: [limits(1, 1, SHARED)],
    functions: [{ type: 0, code: [0xfe, 3, 0, 0x27] }],
  });
  assert.equal(addStopPoints(unknown), undefined);
});

test("indexes, exports, imports, tables and data stay what they were; what is missing is made", async () => {
  const full = `(module
    (import "host" "call" (func $imported (param i32) (result i32)))
    (import "host" "table" (table $theirs 2 funcref))
    (import "host" "global" (global $given i32))
    (memory (export "memory") 1 1 shared)
    (table $own 3 3 funcref)
    (table (export "weft.stops") 1 1 funcref)
    (global $state (export "weft.stops'") (mut i32) (i32.const 40))
    (elem (table $theirs) (i32.const 0) func $first $imported)
    (elem (table $own) (i32.const 1) func $second)
    (func $first (export "first") (result i32) (i32.const 11))
    (func $second (export "second") (param i32) (result i32)
      (global.set $state (i32.add (global.get $state) (i32.atomic.load (i32.const 64))))
      (loop (i32.store (i32.const 0) (i32.const 0)))
      (i32.add (call $imported (local.get 0)) (global.get $given)))
    (func (export "dispatch") (param i32) (result i32)
      (call_indirect $own (param i32) (result i32) (local.get 0) (i32.const 1)))
    (data (i32.const 64) "\\02\\00\\00\\00"))`;
  const bytes = await assemble(full);
  const stops = rewrite(bytes);
  assert.equal(stops.tableName, "weft.stops''");
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 2 });
  const imports = { host: { call: (value: number) => value * 2, table, global: 1 } };
  const program = startRewritten(stops, makeHost(), imports);
  assert.equal(program.dispatch(20), 41);
  assert.equal((program["weft.stops'"] as unknown as WebAssembly.Global).value, 42);
  assert.equal((table.get(0) as () => number)(), 11);
  const before = describeModule(bytes);
  const after = describeModule(stops.bytes);
  assert.deepEqual(after.exports.slice(0, -1), before.exports);
  assert.deepEqual(after.imports, before.imports);
  assert.deepEqual(after.customSections, before.customSections);
  assert.equal(stops.firstHelper, before.functionCount + 1);

  // No table, no global, no export; a start section, and sections before and after.
  const bare = await assemble(`(module
    (import "host" "memory" (memory 1 1 shared))
    (func $main (loop (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 5)))))
    (start $main)
    (data (i32.const 4) "x"))`);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  startRewritten(rewrite(bare), makeHost(), { host: { memory } });
  assert.equal(new Int32Array(memory.buffer)[0], 5);
});

// Only engines that suspend stacks ever run a rewritten program; others attribute frames of loops differently.
const only = { skip: canSuspendStacks ? false : "this engine cannot suspend a stack" };

test("a trap's offset leads back to the instruction in the given module", only, async () => {
  const text = `(module
    (memory 1 1 shared)
    (func $inner (param i32)
      (drop (memory.atomic.wait32 (i32.const 0) (i32.const 1) (i64.const 0)))
      (loop (loop))
      (loop $spin (br_if $spin (i32.load (i32.const 0))))
      (drop (i32.div_u (i32.const 1) (local.get 0)))
      (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1))))
    (func $plain (export "plain") (param i32) (call $inner (local.get 0)))
    (func (export "main") (param i32)
      (loop) (call $plain (local.get 0)) (loop (call $plain (i32.const 0)))))`;
  const bytes = await assemble(text);
  const stops = rewrite(bytes);
  const original = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
  const program = startRewritten(stops, makeHost());
  for (const argument of [0, 1]) {
    const expected = trap(() => original.main(argument));
    const found = trap(() => program.main(argument));
    assert.equal(found.kind, "integer divide by zero");
    assert.notDeepEqual(found.frames, expected.frames);
    const led = found.frames.map((frame) => ({
      ...frame,
      offset: originalOffset(stops.map, frame.offset!),
    }));
    assert.deepEqual(led, expected.frames);
  }
});

test("each byte that was kept leads back to itself", async () => {
  const bytes = await assemble(WAITS);
  const { map, bytes: rewritten } = rewrite(bytes);
  let previous = 0;
  let kept = 0;
  for (let offset = 0; offset < rewritten.length; offset++) {
    const original = originalOffset(map, offset);
    assert(original >= previous && original <= bytes.length);
    previous = original;
    if (rewritten[offset] === bytes[original]) kept++;
  }
  assert(kept > bytes.length - 60, `${kept} of ${bytes.length}`);
  assert.equal(originalOffset(map, rewritten.length - 1), bytes.length - 1);
});

test("every guest program, and the compiler itself, is valid after it as before", async () => {
  const files = await Promise.all((await listGuests()).map((name) => compileGuest(name)));
  const compiler = dirname(createRequire(import.meta.url).resolve("@yowasp/clang"));
  for (const name of readdirSync(compiler)) {
    if (name.endsWith(".wasm")) files.push(join(compiler, name));
  }
  assert(files.length > 20);
  let rewritten = 0;
  for (const file of files) {
    const bytes = readFileSync(file);
    // One with 64-bit addresses, in an engine without them.
    if (!WebAssembly.validate(bytes)) continue;
    const stops = addStopPoints(bytes);
    if (!stops) continue;
    rewritten++;
    assert(WebAssembly.validate(stops.bytes), file);
  }
  assert(rewritten > 10, `only ${rewritten} were rewritten`);
});

test("whatever the bytes: no exception, and what is valid stays valid", async () => {
  const random = seededRandom(20);
  const pick = (count: number) => Math.floor(random() * count);
  const seeds = [await assemble(WAITS), readFileSync(await compileGuest("thread_globals"))];
  let valid = 0;
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from(seeds[round % seeds.length]);
    for (let changes = 1 + pick(3); changes > 0; changes--)
      bytes[8 + pick(bytes.length - 8)] = pick(256);
    const cut = round % 7 === 0 ? bytes.subarray(0, pick(bytes.length)) : bytes;
    const stops = addStopPoints(cut);
    if (!stops || !WebAssembly.validate(cut)) continue;
    valid++;
    assert(WebAssembly.validate(stops.bytes), `round ${round}`);
  }
  assert(valid > 100, `only ${valid} were valid`);
});

test("what would take too much memory is left as it was", () => {
  const waitAt = (offset: number) => [
    ...[0x41, 0, 0x41, 0, 0x42, 0, 0xfe, 1, 2, ...unsigned(4 * offset), 0x1a],
  ];
  const waits = (count: number) =>
    buildModule({
      types: [functionType([], [])],
      memories: [limits(1, 1, SHARED)],
      functions: [
        { type: 0, code: Array.from({ length: count }, (_, index) => waitAt(index)).flat() },
      ],
      exports: [exportEntry("run", Kind.function, 0)],
    });
  let calls = 0;
  startRewritten(rewrite(waits(1000)), makeHost({ wait32: () => ++calls })).run();
  assert.equal(calls, 1000);
  assert.equal(addStopPoints(waits(1001)), undefined);
  const loops = buildModule({
    types: [functionType([], [])],
    functions: Array.from({ length: 3 }, () => ({
      type: 0,
      code: Array.from({ length: 2_100_000 }, (_, index) => [0x03, 0x40, 0x0b][index % 3]),
    })),
  });
  assert.equal(addStopPoints(loops), undefined);
});

test("the appended table stays out of the program's reach", () => {
  const naming = (table: number) =>
    [
      [0x41, 0, 0x11, 0, table],
      [0x13, 0, table],
      [0x41, 0, 0x25, table, 0x1a],
      [0x41, 0, 0xd0, 0x70, 0x26, table],
      [0xfc, 0x0c, 0, table],
      [0xfc, 0x0e, 0, table],
      [0xfc, 0x0e, table, 0],
      [0xfc, 0x0f, table],
      [0xfc, 0x10, table],
      [0xfc, 0x11, table],
    ].map((code) =>
      buildModule({
        types: [functionType([], [])],
        tables: [[FUNCREF, ...limits(1)]],
        memories: [limits(1, 1, SHARED)],
        functions: [{ type: 0, code: [0x03, 0x40, 0x0b, ...code] }],
      }),
    );
  for (const [index, bytes] of naming(0).entries()) assert(addStopPoints(bytes), String(index));
  for (const [index, bytes] of naming(1).entries())
    assert.equal(addStopPoints(bytes), undefined, String(index));
});

test("many functions and locals: section lengths and counts of several bytes", () => {
  const bytes = buildModule({
    types: [functionType([], []), functionType([I32], [I32])],
    memories: [limits(1, 1, SHARED)],
    functions: Array.from({ length: 126 }, (_, index) => ({
      type: 1,
      code: [...Array<number[]>(index).fill([0x03, 0x40, 0x0b]).flat(), 0x20, 0],
    })),
    exports: [exportEntry("first", Kind.function, 0), exportEntry("last", Kind.function, 125)],
  });
  let asked = 0;
  const program = startRewritten(rewrite(bytes), makeHost({ pass: () => ++asked && 1 }));
  assert.equal(program.first(5), 5);
  assert.equal(program.last(6), 6);
  assert.equal(asked, 125 - 99);
});
