/** What becomes of the engine's waits and notifies in a rewritten program. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  assemble,
  type Exports,
  makeHost,
  makeStops,
  rewrite,
  startRewritten,
  trap,
  WAITS,
} from "../../tests/support/stop-fixture.ts";
import {
  buildModule,
  exportEntry,
  functionType,
  I32,
  I64,
  Kind,
  limits,
  SHARED,
} from "../../tests/support/wasm-builder.ts";
import { armStopPoints } from "./stop-module.ts";
import { addStopPoints, originalOffset } from "./stop-points.ts";

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
