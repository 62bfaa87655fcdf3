// Threads that share an instance of a rewritten module, beside the same threads with an instance each.

import assert from "node:assert/strict";
import test from "node:test";
import { assemble, makeHost, makeStops, STATE } from "../../tests/support/stop-fixture.ts";
import { armStopPoints } from "./stop-module.ts";
import { addStopPoints } from "./stop-points.ts";
import { canSuspendStacks } from "./suspension.ts";
import { ThreadStates } from "./thread-state.ts";
import { describeTrap } from "../../tests/support/trap.ts";

/** What of a program has state: all that the threads can tell. `step` does what its number says and answers what it sees. */
const PROGRAM = `(module
  ${STATE}
  (func $begin
    (global.set $i (i32.add (global.get $i) (i32.const 1)))
    (call $tell (i64.const 1000))
    (data.drop $two))
  (start $begin)
  (func (export "wasi_thread_start") (param $tid i32) (param $what i32)
    (call $tell_all)
    (loop $once)
    (global.set $l (i64.extend_i32_s (local.get $tid)))
    (global.set $f (f32.reinterpret_i32 (i32.add (i32.const 0x7fa00000) (local.get $tid))))
    (global.set $d (f64.convert_i32_s (local.get $what)))
    (if (i32.eq (local.get $what) (i32.const 1)) (then (data.drop $one)))
    (if (i32.eq (local.get $what) (i32.const 2))
      (then (memory.init $one (i32.const 0) (i32.const 0) (i32.const 3))))
    (if (i32.eq (local.get $what) (i32.const 3))
      (then (memory.init $two (i32.const 0) (i32.const 0) (i32.const 0))
        (memory.init $two (i32.const 0) (i32.const 0) (i32.const 1))))
    (if (i32.eq (local.get $what) (i32.const 4))
      (then (data.drop $one) (memory.init $one (i32.const 65536) (i32.const 0) (i32.const 0))
        (memory.init $one (i32.const 65537) (i32.const 0) (i32.const 0))))
    (call $tell_all)))`;

interface Run {
  readonly told: bigint[];
  readonly trap: unknown;
}

const newMemory = () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

/** Runs a thread and gathers what it tells, and its trap. */
function watch(told: bigint[], run: () => unknown): Run {
  told.length = 0;
  let trap: unknown;
  try {
    run();
  } catch (error) {
    trap = describeTrap(error).kind;
  }
  return { told: [...told], trap };
}

test("threads that share an instance see what threads with an instance each see", async (t) => {
  if (!canSuspendStacks) return t.skip("an engine with shared carriers has two memories");
  const bytes = await assemble(PROGRAM);
  const stops = addStopPoints(bytes, true);
  assert(stops?.state);
  const told: bigint[] = [];
  const env = { memory: newMemory(), tell: (value: bigint) => told.push(value) };
  const shared = new WebAssembly.Instance(new WebAssembly.Module(stops.bytes), { env });
  armStopPoints(shared, stops.tableName, makeStops(makeHost()));
  assert.deepEqual(told, [], "the start section ran with no thread");
  const states = new ThreadStates(shared, stops.state);
  const original = new WebAssembly.Module(bytes);
  for (const [tid, what] of [0, 1, 2, 3, 4, 2, 1, 0].entries()) {
    const place = states.add();
    const found = watch(told, () => states.begin(tid, what));
    states.remove(place);
    const expected = watch(told, () => {
      const { exports } = new WebAssembly.Instance(original, { env });
      (exports.wasi_thread_start as (tid: number, what: number) => void)(tid, what);
    });
    assert.deepEqual(found, expected, `thread ${tid} with ${what}`);
  }
});

test("what was put by comes back, for thousands of threads", async (t) => {
  if (!canSuspendStacks) return t.skip("an engine with shared carriers has two memories");
  const stops = addStopPoints(await assemble(PROGRAM), true);
  assert(stops?.state);
  const told: bigint[] = [];
  const env = { memory: newMemory(), tell: (value: bigint) => told.push(value) };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(stops.bytes), { env });
  const states = new ThreadStates(instance, stops.state);
  const global = instance.exports.l as WebAssembly.Global<"i64">;
  const places: number[] = [];
  for (let tid = 0; tid < 9000; tid++) {
    places.push(states.add());
    states.begin(tid, 0);
    states.save(places[tid]);
  }
  assert.equal(new Set(places).size, places.length);
  for (const tid of [0, 8999, 4500, 1]) {
    states.load(places[tid]);
    assert.equal(global.value, BigInt(tid));
  }
  states.remove(places[17]);
  assert.equal(states.add(), places[17]);
  assert.equal(global.value, -1n);
});

const head = `(import "env" "memory" (memory 1 1 shared))
  (func (export "wasi_thread_start") (param i32 i32) (loop $once))`;

/** Modules whose instances differ in more than numbers. */
const OTHERS: Readonly<Record<string, string>> = {
  "a table that is written to": `(table 1 funcref) (func (table.set 0 (i32.const 0) (ref.null func)))`,
  "a table that grows": `(table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1))))`,
  "a table that is filled": `(table 1 funcref) (func (table.fill 0 (i32.const 0) (ref.null func) (i32.const 1)))`,
  "a table that is copied": `(table 1 funcref) (func (table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 0)))`,
  "segments of a table": `(table 1 funcref) (elem $e func) (func (elem.drop $e))`,
  "a table of the host's objects": `(table 1 externref)`,
  "a reference that changes": `(global (mut funcref) (ref.null func))`,
  "an object of the host": `(global externref (ref.null extern))`,
  "many segments": `(data "") `.repeat(33),
};

for (const [what, text] of Object.entries(OTHERS)) {
  test(`no shared instance: ${what}`, async () => {
    const bytes = await assemble(`(module ${head} ${text})`);
    const stops = addStopPoints(bytes, true);
    assert(stops);
    assert.equal(stops.state, undefined);
    assert.deepEqual(stops, addStopPoints(bytes));
  });
}

test("a program of plain state is rewritten the old way where nobody asks", async () => {
  const bytes = await assemble(`(module ${head})`);
  assert.equal(addStopPoints(bytes)?.state, undefined);
  assert(addStopPoints(bytes, true)?.state);
});
