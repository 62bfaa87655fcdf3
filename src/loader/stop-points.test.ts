import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { createRequire } from "node:module";
import { compileGuest, listGuests } from "../../tests/support/compile.ts";
import {
  assemble,
  type Exports,
  makeHost,
  makeStops,
  rewrite,
  startRewritten,
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
import { armStopPoints } from "./stop-module.ts";
import { addStopPoints, originalOffset } from "./stop-points.ts";
import { describeTrap } from "./trap-description.ts";

/** What `run` throws, described. */
function trap(run: () => unknown) {
  try {
    run();
  } catch (error) {
    return describeTrap(error);
  }
  assert.fail("nothing was thrown");
}

const WAITS = `(module
  (memory (export "memory") 1 1 shared)
  (func $wait32 (export "wait32") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
  (func $wait32_far (export "wait32_far") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 offset=1000 (local.get 0) (local.get 1) (local.get 2)))
  (func $wait64_far (export "wait64_far") (param i32 i64 i64) (result i32)
    (memory.atomic.wait64 offset=65528 (local.get 0) (local.get 1) (local.get 2)))
  (func $wait_farthest (export "wait_farthest") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 offset=4294967292 (local.get 0) (local.get 1) (local.get 2)))
  (func $notify (export "notify") (param i32 i32) (result i32)
    (memory.atomic.notify offset=4 (local.get 0) (local.get 1))))`;

test("waits and notifies reach the host with their place in memory, in bytes and nanoseconds", async () => {
  const calls: unknown[][] = [];
  const program = startRewritten(
    rewrite(await assemble(WAITS)),
    makeHost({
      wait32: (...parameters) => (calls.push(parameters), 2),
      wait64: (...parameters) => (calls.push(parameters), 0),
      notify: (...parameters) => (calls.push(parameters), 7),
    }),
  );
  const words = new Int32Array((program.memory as unknown as WebAssembly.Memory).buffer);
  words[1020 / 4] = -3;
  assert.equal(program.wait32(64, 0, 5_000_000_000n), 2);
  assert.equal(program.wait32_far(20, -3, -1n), 2);
  assert.equal(program.wait64_far(0, 0n, 2n ** 62n), 0);
  assert.equal(program.notify(60, -1), 7);
  assert.deepEqual(calls, [
    [64, 0, 5e9],
    [1020, -3, -1],
    [65_528, 0n, 2 ** 62],
    [64, -1],
  ]);
});

test("a wait for a word that is another already is answered without the host, and is a spin point", async () => {
  let yields = 0;
  const program = startRewritten(
    rewrite(await assemble(WAITS)),
    makeHost({
      wait32: () => assert.fail("the host was asked"),
      yield: () => ++yields && 1,
    }),
  );
  for (let round = 0; round < 110; round++) assert.equal(program.wait32(0, 1, -1n), 1);
  assert.equal(yields, 11, "the first after 100 points, then after each");
});

test("waits and notifies trap as the engine's do, before the host is asked", async () => {
  const bytes = await assemble(WAITS);
  const stops = rewrite(bytes);
  const refuse = () => assert.fail("the host was asked");
  const program = startRewritten(stops, {
    ...makeHost(),
    wait32: refuse,
    wait64: refuse,
    notify: refuse,
  });
  const original = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
  const cases: [string, ...(number | bigint)[]][] = [
    ["wait32", 2, 0, 0n],
    ["wait32", 65_536, 0, 0n],
    ["wait32", -4, 0, 0n],
    ["wait32_far", 65_000, 0, 0n],
    ["wait64_far", 4, 0n, 0n],
    ["wait64_far", 8, 0n, 0n],
    ["wait_farthest", 4, 0, 0n],
    ["notify", 1, 0],
    ["notify", 65_532, 0],
  ];
  for (const [name, ...parameters] of cases) {
    const found = trap(() => program[name](...parameters));
    const expected = trap(() => original[name](...parameters));
    assert.equal(found.kind, expected.kind, `${name} ${parameters.join()}`);
    const frames = found.frames.filter((frame) => frame.index! < stops.firstHelper);
    assert.equal(frames[0].function, name);
    assert.equal(originalOffset(stops.map, frames[0].offset!), expected.frames[0].offset);
  }
});

test("waits on a memory that is not shared, or not the first, stay", async () => {
  const unshared = WAITS.replace("1 1 shared", "1 1");
  assert.equal(addStopPoints(await assemble(unshared)), undefined);
});

test("before a host is there, and after, the engine's instructions are used", async () => {
  const text = `(module
    (memory (export "memory") 1 1 shared)
    (func $start
      (i32.store (i32.const 8) (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 1000)))
      (i32.store (i32.const 12) (memory.atomic.notify (i32.const 0) (i32.const 1)))
      (i32.store (i32.const 16) (i32.const 1000))
      (loop $again
        (drop (i32.atomic.rmw.add (i32.const 20) (i32.const 1)))
        (i32.store (i32.const 16) (i32.sub (i32.load (i32.const 16)) (i32.const 1)))
        (br_if $again (i32.load (i32.const 16)))))
    (start $start)
    (func (export "wait") (param i64) (result i32)
      (memory.atomic.wait32 (i32.const 0) (i32.const 0) (local.get 0))))`;
  const stops = rewrite(await assemble(text));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(stops.bytes));
  const program = instance.exports as Exports;
  const words = new Int32Array((instance.exports.memory as WebAssembly.Memory).buffer);
  assert.deepEqual([...words.subarray(2, 6)], [2, 0, 0, 1000]);
  assert.equal(program.wait(1000n), 2);
  const host = makeStops(makeHost({ wait32: () => 0 }));
  armStopPoints(instance, stops.tableName, host);
  assert.equal(program.wait(-1n), 0);
  armStopPoints(instance, stops.tableName, undefined);
  assert.equal(program.wait(1000n), 2);
});

test("64-bit addresses and offsets", async (context) => {
  const bytes = await assemble(`(module
    (memory (export "memory") i64 1 1 shared)
    (func (export "wait") (param i64 i32) (result i32)
      (memory.atomic.wait32 offset=1024 (local.get 0) (local.get 1) (i64.const -1)))
    (func (export "beyond") (result i32)
      (memory.atomic.wait64 offset=0x100000000 (i64.const 0) (i64.const 0) (i64.const 0)))
    (func (export "notify") (param i64) (result i32)
      (memory.atomic.notify offset=4 (local.get 0) (i32.const 3))))`);
  const stops = rewrite(bytes);
  if (!WebAssembly.validate(bytes)) {
    context.skip("this engine has no 64-bit memories");
    return;
  }
  const calls: unknown[][] = [];
  const program = startRewritten(
    stops,
    makeHost({
      wait32: (...parameters) => (calls.push(parameters), 0),
      notify: (...parameters) => (calls.push(parameters), 2),
    }),
  );
  assert.equal(program.wait(8n, 0), 0);
  assert.equal(program.notify(12n), 2);
  assert.deepEqual(calls, [
    [1032, 0, -1],
    [16, 3],
  ]);
  assert.equal(trap(() => program.beyond()).kind, "memory access out of bounds");
  assert.equal(trap(() => program.wait(2n ** 63n, 0)).kind, "memory access out of bounds");
});

test("nothing to rewrite, nothing understood, no module: undefined, and never an exception", async () => {
  const plain = await assemble(`(module (memory 1) (func (export "f") (param i32) (result i32)
    (loop $l (result i32) (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get 0) (i32.const 10))) (local.get 0))))`);
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
  const fence = (locals: number[]) =>
    buildModule({
      types: [functionType([], [])],
      memories: [limits(1, 1, SHARED)],
      functions: [{ type: 0, code: [0x03, 0x40, ...locals, 0xfe, 3, 0, 0x0b] }],
    });
  assert(addStopPoints(fence([])));
  assert.equal(addStopPoints(fence([0x20, 0xff, 0xff, 0xff, 0xff, 0x0f])), undefined);
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
    (func $main (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 5))))
    (start $main)
    (data (i32.const 4) "x"))`);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  startRewritten(rewrite(bare), makeHost(), { host: { memory } });
  assert.equal(new Int32Array(memory.buffer)[0], 5);
});

test("each atomic instruction that reads is a spin point, in loops or not; a store is none", async () => {
  const text = `(module
    (memory 1 1 shared)
    (func (export "grid") (param $n i32) (result i32) (local $i i32) (local $j i32)
      (local.set $i (local.get $n))
      (loop $outer
        (local.set $j (local.get $n))
        (loop $inner
          (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
          (br_if $inner (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
        (i64.atomic.store (i32.const 8) (i64.atomic.load (i32.const 0)))
        (br_if $outer (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (atomic.fence)
      (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 0))))`;
  const bytes = await assemble(text);
  const stops = rewrite(bytes);
  const counts: number[] = [];
  const program = startRewritten(stops, makeHost({ yield: () => counts.push(0) && 1 }));
  const original = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
  program.grid(20);
  const warmup = 20 * 20 + 20 + 2;
  assert.equal(counts.length, warmup - 99);
  counts.length = 0;
  assert.equal(program.grid(10), 500);
  assert.equal(counts.length, 10 * 10 + 10 + 2);
  original.grid(20);
  assert.equal(original.grid(10), 500);
});

test("the host says how many spin points to pass until it is asked again", async () => {
  const text = `(module (memory 1 1 shared) (func (export "step") (atomic.fence)))`;
  let answer = 7;
  let asked = 0;
  const program = startRewritten(
    rewrite(await assemble(text)),
    makeHost({ yield: () => (asked++, answer) }),
  );
  const steps = (count: number) => {
    asked = 0;
    for (let step = 0; step < count; step++) program.step();
    return asked;
  };
  assert.equal(steps(100), 1);
  assert.equal(steps(70), 10);
  for (const number of [0, NaN]) {
    answer = number;
    steps(7);
    assert.equal(steps(10), 10, String(number));
  }
});

test("a trap's offset leads back to the instruction in the given module", async () => {
  const text = `(module
    (memory 1 1 shared)
    (func $inner (param i32)
      (drop (i32.atomic.load (i32.const 0)))
      (drop (memory.atomic.notify (i32.const 0) (i32.const 0)))
      (loop $spin (br_if $spin (i32.load (i32.const 0))))
      (drop (i32.div_u (i32.const 1) (local.get 0)))
      (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1))))
    (func $plain (export "plain") (param i32) (call $inner (local.get 0)))
    (func (export "main") (param i32)
      (atomic.fence) (call $plain (local.get 0)) (atomic.fence) (call $plain (i32.const 0))))`;
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

test("a host that suspends: the thread waits, others run, and its result comes back", async (context) => {
  const { Suspending, promising } = WebAssembly as unknown as {
    Suspending?: new (callback: unknown) => object;
    promising?: (callback: unknown) => (...parameters: unknown[]) => Promise<number>;
  };
  if (!Suspending || !promising) {
    context.skip("this engine cannot suspend a stack");
    return;
  }
  const text = `(module
    (memory (export "memory") 1 1 shared)
    (func (export "wait") (result i32)
      (i32.add (i32.const 100) (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const -1))))
    (func (export "spin") (result i32) (local $rounds i32)
      (loop $again
        (local.set $rounds (i32.add (local.get $rounds) (i32.const 1)))
        (br_if $again (i32.eqz (i32.atomic.load (i32.const 16)))))
      (local.get $rounds))
    (func (export "finish")
      (drop (i32.atomic.load (i32.const 16)))
      (i32.atomic.store (i32.const 16) (i32.const 1))
      (drop (memory.atomic.notify (i32.const 8) (i32.const 1)))))`;
  const waiters: ((result: number) => void)[] = [];
  const suspend = () =>
    new Promise<number>((resolve) => {
      waiters.push(resolve);
    });
  let turns = 0;
  let isNested = false;
  const finish = () => {
    isNested = true;
    program.finish();
    isNested = false;
  };
  const program: Exports = startRewritten(
    rewrite(await assemble(text)),
    {
      wait32: () => -1,
      wait64: () => -1,
      notify: () => (waiters.splice(0, 1).forEach((wake) => wake(0)), 1),
      yield: () => (isNested ? 1 : -1),
    },
    {},
    {
      wait32: new Suspending(suspend),
      wait64: new Suspending(suspend),
      yield: new Suspending(() => {
        if (++turns === 20) queueMicrotask(finish);
        return Promise.resolve(5);
      }),
    },
  );
  const waiting = promising(program.wait)();
  const spinning = promising(program.spin)();
  assert.equal(waiters.length, 1);
  assert.equal(await spinning, 100 + 19 * 5);
  assert.equal(await waiting, 100);
});

test("every guest program, and the compiler itself, is valid after it as before", async () => {
  const files = await Promise.all((await listGuests()).map((name) => compileGuest(name)));
  const compiler = dirname(createRequire(import.meta.url).resolve("@yowasp/clang"));
  for (const name of readdirSync(compiler)) {
    if (name.endsWith(".wasm")) files.push(join(compiler, name));
  }
  let rewritten = 0;
  for (const file of files) {
    const bytes = readFileSync(file);
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
  const waitAt = (offset: number) => [0x41, 0, 0x41, 0, 0xfe, 0, 2, ...unsigned(4 * offset), 0x1a];
  const notifies = (count: number) => {
    const code = Array.from({ length: count }, (_, index) => waitAt(index)).flat();
    return buildModule({
      types: [functionType([], [])],
      memories: [limits(1, 1, SHARED)],
      functions: [{ type: 0, code }],
      exports: [exportEntry("run", Kind.function, 0)],
    });
  };
  const stops = rewrite(notifies(3000));
  let calls = 0;
  startRewritten(stops, makeHost({ notify: () => ++calls })).run();
  assert.equal(calls, 1000);
  const fences = buildModule({
    types: [functionType([], [])],
    memories: [limits(1, 1, SHARED)],
    functions: Array.from({ length: 3 }, () => ({
      type: 0,
      code: Array.from({ length: 2_200_000 }, (_, index) => [0xfe, 3, 0][index % 3]).slice(0, -1),
    })),
  });
  assert.equal(addStopPoints(fences), undefined);
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
        functions: [{ type: 0, code: [0xfe, 3, 0, ...code] }],
      }),
    );
  for (const [index, bytes] of naming(0).entries()) assert(addStopPoints(bytes), String(index));
  for (const [index, bytes] of naming(1).entries())
    assert.equal(addStopPoints(bytes), undefined, String(index));
});

test("a loop that begins with a notify, whose operands are the loop's parameters", () => {
  const bytes = buildModule({
    types: [functionType([I32, I32], [I32])],
    memories: [limits(1, 1, SHARED)],
    functions: [
      {
        type: 0,
        // The branch back is decided by a word that nobody else writes, so that the loop needs a spin point.
        code: [
          ...[0x20, 0, 0x20, 1, 0x03, 0, 0xfe, 0, 2, 8],
          ...[0x41, 0, 0x41, 0, 0x28, 2, 0, 0x04, 0x40, 0, 0x0b, 0x1a, 0x0b],
        ],
      },
    ],
    exports: [exportEntry("run", Kind.function, 0)],
  });
  assert(WebAssembly.validate(bytes));
  const calls: number[][] = [];
  const host = makeHost({ notify: (...parameters) => (calls.push(parameters), 6) });
  assert.equal(startRewritten(rewrite(bytes), host).run(16, 3), 6);
  assert.deepEqual(calls, [[24, 3]]);
});

test("many functions and locals: section lengths and counts of several bytes", () => {
  const bytes = buildModule({
    types: [functionType([], []), functionType([I32], [I32])],
    memories: [limits(1, 1, SHARED)],
    functions: Array.from({ length: 126 }, (_, index) => ({
      type: 1,
      code: [...Array<number[]>(index).fill([0xfe, 3, 0]).flat(), 0x20, 0],
    })),
    exports: [exportEntry("first", Kind.function, 0), exportEntry("last", Kind.function, 125)],
  });
  let yields = 0;
  const program = startRewritten(rewrite(bytes), makeHost({ yield: () => ++yields && 1 }));
  assert.equal(program.first(5), 5);
  assert.equal(program.last(6), 6);
  assert.equal(yields, 125 - 99);
});
