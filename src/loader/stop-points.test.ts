/** Where a rewritten program passes stop points, and how often. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  assemble,
  type Exports,
  makeHost,
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
} from "../../tests/support/wasm-builder.ts";

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
