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
  I64,
  Kind,
  limits,
  seededRandom,
  SHARED,
  unsigned,
} from "../../tests/support/wasm-builder.ts";
import { describeModule } from "./module-description.ts";
import { armStopPoints } from "./stop-module.ts";
import { addStopPoints, originalOffset } from "./stop-points.ts";
import { canSuspendStacks } from "./suspension.ts";
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

test("waits reach the host with their place in memory, in bytes and nanoseconds", async () => {
  const calls: unknown[][] = [];
  const program = startRewritten(
    rewrite(await assemble(WAITS)),
    makeHost({
      wait32: (...parameters) => (calls.push(parameters), 2),
      wait64: (...parameters) => (calls.push(parameters), 0),
    }),
  );
  const words = new Int32Array((program.memory as unknown as WebAssembly.Memory).buffer);
  words[1020 / 4] = -3;
  assert.equal(program.wait32(64, 0, 5_000_000_000n), 2);
  assert.equal(program.wait32_far(20, -3, -1n), 2);
  assert.equal(program.wait64_far(0, 0n, 2n ** 62n), 0);
  assert.deepEqual(calls, [
    [64, 0, 5e9],
    [1020, -3, -1],
    [65_528, 0n, 2 ** 62],
  ]);
});

test("a wait for a word that is another already is answered without the host", async () => {
  const refuse = () => assert.fail("the host was asked");
  const host = { wait32: refuse, wait64: refuse, pass: refuse };
  const program = startRewritten(rewrite(await assemble(WAITS)), host);
  for (let round = 0; round < 300; round++) {
    assert.equal(program.wait32(0, 1, -1n), 1);
    assert.equal(program.wait32_far(0, -1, -1n), 1);
    assert.equal(program.wait64_far(0, 2n ** 32n, -1n), 1);
  }
});

test("a notify is the engine's own: it wakes whoever waits with the engine's means", async () => {
  const program = startRewritten(rewrite(await assemble(WAITS)), makeHost());
  const words = new Int32Array((program.memory as unknown as WebAssembly.Memory).buffer);
  const waits = [5000, 5000, 5000].map((timeout) => Atomics.waitAsync(words, 16, 0, timeout).value);
  assert.equal(program.notify(60, 2), 2);
  assert.equal(program.notify(60, -1), 1);
  assert.equal(program.notify(60, -1), 0);
  assert.deepEqual(await Promise.all(waits), ["ok", "ok", "ok"]);
});

test("waits trap as the engine's do, before the host is asked", async () => {
  const bytes = await assemble(WAITS);
  const stops = rewrite(bytes);
  const refuse = () => assert.fail("the host was asked");
  const program = startRewritten(stops, makeHost({ wait32: refuse, wait64: refuse }));
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
    }),
  );
  assert.equal(program.wait(8n, 0), 0);
  assert.equal(program.notify(12n), 0);
  assert.deepEqual(calls, [[1032, 0, -1]]);
  assert.equal(trap(() => program.beyond()).kind, "memory access out of bounds");
  assert.equal(trap(() => program.wait(2n ** 63n, 0)).kind, "memory access out of bounds");
});

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

/** How many stop points a call passes: the host is asked at each after the first hundred. */
function countPoints(program: Exports, counter: { count: number }, run: () => unknown): number {
  for (let step = 0; step < 200; step++) program.step();
  const before = counter.count;
  run();
  return counter.count - before;
}

/** Starts a rewritten module of text, to which a function `step` is added, and gives how many stop points each export passes. */
async function startCounting(text: string) {
  const step = `(func (export "step") (loop))`;
  const bytes = await assemble(`(module ${text} ${step})`);
  const counter = { count: 0 };
  const program = startRewritten(rewrite(bytes), makeHost({ pass: () => (counter.count++, 1) }));
  const original = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
  return (name: string, ...parameters: number[]) => {
    let result: number | undefined;
    const points = countPoints(program, counter, () => (result = program[name](...parameters)));
    assert.equal(result, original[name](...parameters), name);
    return points;
  };
}

test("each loop passes a stop point in each round, whatever it does", async () => {
  const pointsOf = await startCounting(`
    (memory 1 1 shared)
    (func (export "grid") (param $n i32) (result i32) (local $i i32) (local $j i32) (local $sum i32)
      (local.set $i (local.get $n))
      (loop $outer
        (local.set $j (local.get $n))
        (loop $inner
          (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $i) (local.get $j))))
          (br_if $inner (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
        (br_if $outer (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (local.get $sum))
    (func (export "result") (param $n i32) (result i32)
      (i32.add (i32.const 1000)
        (loop $again (result i32)
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $again (i32.const 0) (local.get $n))
          (drop)
          (i32.load (i32.const 8)))))
    (func (export "parameters") (param $n i32) (result i32)
      (i32.const 1) (local.get $n)
      (loop $again (param i32 i32) (result i32)
        (local.set $n)
        (i32.const 3) (i32.mul)
        (local.get $n) (i32.const 1) (i32.sub) (local.tee $n)
        (local.get $n)
        (br_if $again)
        (drop)))
    (func (export "table") (param $n i32) (result i32)
      (block $out
        (loop $even
          (loop $odd
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_table $odd $even $out
              (select (i32.const 2) (i32.and (local.get $n) (i32.const 1)) (i32.eqz (local.get $n)))))))
      (local.get $n))
    (func (export "volatile") (param $n i32) (result i32)
      (i32.store (i32.const 0) (local.get $n))
      (loop $again
        (i32.store (i32.const 0) (i32.sub (i32.load (i32.const 0)) (i32.const 1)))
        (br_if $again (i32.load (i32.const 0))))
      (i32.load (i32.const 0)))
    (func (export "atomic") (param $n i32) (result i32)
      (i32.atomic.store (i32.const 0) (local.get $n))
      (drop (i32.atomic.load (i32.const 0)))
      (loop $again
        (br_if $again (i32.ne (i32.atomic.rmw.sub (i32.const 0) (i32.const 1)) (i32.const 1))))
      (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 0)))
    (func (export "try") (param $n i32) (result i32)
      (loop $again
        (if (local.tee $n (i32.sub (local.get $n) (i32.const 1)))
          (then (block (loop (block (br 2))))))
        (br_if $again (local.get $n)))
      (local.get $n))
    (func (export "straight") (param $n i32) (result i32)
      (block (br_if 0 (local.get $n)) (drop (i32.load (i32.const 0))))
      (local.get $n))`);
  assert.equal(pointsOf("grid", 10), 10 * 10 + 10);
  assert.equal(pointsOf("result", 10), 10);
  assert.equal(pointsOf("parameters", 10), 10);
  // From 9 on down: odd numbers go to the outer loop, which enters the inner one again.
  assert.equal(pointsOf("table", 10), 2 + 9 + 5);
  assert.equal(pointsOf("volatile", 10), 10);
  assert.equal(pointsOf("atomic", 10), 10);
  assert.equal(pointsOf("try", 10), 19);
  assert.equal(pointsOf("straight", 10), 0);
});

test("calls that can lead back pass a stop point, others none", async () => {
  const pointsOf = await startCounting(`
    (memory 1 1 shared)
    (table 2 2 funcref)
    (elem (i32.const 0) func $self_by_table $twice)
    (func $fib (export "fib") (param $n i32) (result i32)
      (if (result i32) (i32.lt_u (local.get $n) (i32.const 2)) (then (local.get $n))
        (else (i32.add
          (call $fib (i32.sub (local.get $n) (i32.const 1)))
          (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
    (func $even (export "even") (param $n i32) (result i32)
      (if (result i32) (local.get $n)
        (then (call $odd (i32.sub (local.get $n) (i32.const 1)))) (else (i32.const 1))))
    (func $odd (param $n i32) (result i32)
      (if (result i32) (local.get $n)
        (then (call $even (i32.sub (local.get $n) (i32.const 1)))) (else (i32.const 0))))
    (func $self_by_table (export "by_table") (param $n i32) (result i32)
      (if (result i32) (local.get $n)
        (then (call_indirect (param i32) (result i32)
          (i32.sub (local.get $n) (i32.const 1)) (i32.const 0)))
        (else (i32.const 5))))
    (func (export "forward") (param $n i32) (result i32) (call $twice (local.get $n)))
    (func $twice (param $n i32) (result i32) (i32.add (local.get $n) (local.get $n)))`);
  // fib(10) is 55; it takes 177 calls, all but the first from within.
  assert.equal(pointsOf("fib", 10), 176);
  assert.equal(pointsOf("even", 10), 5);
  assert.equal(pointsOf("by_table", 10), 10);
  assert.equal(pointsOf("forward", 10), 0);
});

test("tail calls that go round pass stop points", (context) => {
  // To count down to zero: `n ? tail call(n - 1) : 9`.
  const countDown = (call: number[]) => [
    ...[0x20, 0, 0x45, 0x04, 0x40, 0x41, 9, 0x0f, 0x0b],
    ...[0x20, 0, 0x41, 1, 0x6b, ...call],
  ];
  const bytes = buildModule({
    types: [functionType([I32], [I32])],
    tables: [[FUNCREF, ...limits(3)]],
    functions: [
      { type: 0, code: countDown([0x12, 0]) },
      { type: 0, code: countDown([0x41, 1, 0x13, 0, 0]) },
      { type: 0, code: countDown([0xd2, 2, 0x15, 0]) },
      { type: 0, code: countDown([0x12, 4]) },
      { type: 0, code: countDown([0x12, 3]) },
    ],
    exports: [0, 1, 2, 3].map((index) => exportEntry(`f${index}`, Kind.function, index)),
    elements: [[0, 0x41, 0, 0x0b, 3, 0, 1, 2]],
  });
  const stops = rewrite(bytes);
  if (!WebAssembly.validate(bytes)) {
    context.skip("this engine has no tail calls");
    return;
  }
  let points = 0;
  const program = startRewritten(stops, makeHost({ pass: () => (points++, 1) }));
  program.f0(200);
  for (const [name, expected] of [
    ["f0", 100_000],
    ["f1", 100_000],
    ["f2", 100_000],
    ["f3", 50_000],
  ] as const) {
    points = 0;
    assert.equal(program[name](100_000), 9);
    assert.equal(points, expected, name);
  }
});

test("the host says how many stop points to pass until it is asked again", async () => {
  const text = `(module (memory 1 1 shared) (func (export "step") (loop)))`;
  let answer = 7;
  let asked = 0;
  const program = startRewritten(
    rewrite(await assemble(text)),
    makeHost({ pass: () => (asked++, answer) }),
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
        (br_if $again (i32.eqz (i32.load (i32.const 16)))))
      (local.get $rounds))
    (func (export "finish")
      (loop (i32.store (i32.const 16) (i32.const 1)))))`;
  const waiters: ((result: number) => void)[] = [];
  const suspend = () =>
    new Promise<number>((resolve) => {
      waiters.push(resolve);
    });
  let turns = 0;
  let isNested = false;
  const finish = () => {
    isNested = true;
    for (let round = 0; round < 200; round++) program.finish();
    isNested = false;
    waiters.splice(0, 1).forEach((wake) => {
      wake(0);
    });
  };
  const program: Exports = startRewritten(
    rewrite(await assemble(text)),
    {
      wait32: () => -1,
      wait64: () => -1,
      pass: () => (isNested ? 1 : -1),
    },
    {},
    {
      wait32: new Suspending(suspend),
      wait64: new Suspending(suspend),
      pass: new Suspending(() => {
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

test("a loop that begins with a wait, whose operands are the loop's parameters", () => {
  const bytes = buildModule({
    types: [functionType([I32, I32, I64], [I32])],
    memories: [limits(1, 1, SHARED)],
    functions: [{ type: 0, code: [0x20, 0, 0x20, 1, 0x20, 2, 0x03, 0, 0xfe, 1, 2, 8, 0x0b] }],
    exports: [exportEntry("run", Kind.function, 0)],
  });
  assert(WebAssembly.validate(bytes));
  const calls: unknown[][] = [];
  const host = makeHost({ wait32: (...parameters) => (calls.push(parameters), 6) });
  assert.equal(startRewritten(rewrite(bytes), host).run(16, 0, 3n), 6);
  assert.deepEqual(calls, [[24, 0, 3]]);
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
