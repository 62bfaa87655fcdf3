import assert from "node:assert/strict";
import test from "node:test";
import { assemble, makeHost, rewrite, startRewritten } from "../../tests/support/stop-fixture.ts";
import {
  buildModule,
  functionType,
  I32,
  limits,
  SHARED,
} from "../../tests/support/wasm-builder.ts";
import { addStopPoints } from "./stop-points.ts";

/** A module whose function `run` has two parameters and this code; the word at 64 is what other threads would change. */
const programOf = (code: string) => `(module
  (memory (export "memory") 1 1 shared)
  (global $state (mut i32) (i32.const 0))
  (table 1 funcref)
  (func $nothing)
  (func $isDone (result i32) (i32.load (i32.const 64)))
  (func $isDoneAt (param i32) (result i32) (i32.load (local.get 0)))
  (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "run") (param $first i32) (param $second i32) (local $count i32) (local $value i32)
    ${code}))`;

/** Loops that would not end while nobody else runs; in each other, if several are counted. */
const SPINS: Readonly<Record<string, string>> = {
  "a volatile flag": `(loop $l (br_if $l (i32.eqz (i32.load (i32.const 64)))))`,
  "a flag of 8 bits, at an address that was given": `(loop $l (br_if $l (i32.eqz (i32.load8_u (local.get $first)))))`,
  "a flag of 64 bits, by its offset": `(loop $l (br_if $l (i64.eqz (i64.load offset=64 (i32.const 0)))))`,
  "the loop's exit in its middle": `(block $out (loop $l (br_if $out (i32.load (i32.const 64))) (call $nothing) (br $l)))`,
  "a flag, with a count": `(loop $l
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (br_if $l (i32.eqz (i32.load (i32.const 64)))))`,
  "a flag that is kept in a local first, with a count": `(loop $l
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (local.set $value (i32.load (i32.const 64)))
    (br_if $l (i32.eqz (local.get $value))))`,
  "a flag, while memory is written": `(loop $l
    (i32.store (local.get $second) (i32.add (i32.load (local.get $second)) (i32.const 1)))
    (br_if $l (i32.ne (i32.and (i32.load (i32.const 64)) (i32.const 1)) (i32.const 1))))`,
  "a flag through a pointer, while calls work": `(i32.store (i32.const 32) (i32.const 60)) (loop $l
    (local.set $count (call $twice (local.get $count)))
    (br_if $l (i32.eqz (i32.load offset=4 (i32.load (i32.const 32))))))`,
  "a value that is waited for, while memory is written": `(local.set $count (i32.const 1)) (loop $l
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
    (br_if $l (i32.ne (i32.load (i32.const 64)) (local.get $count))))`,
  "unoptimised code, each value in a local of its own": `(loop $l
    (local.set $value (i32.const 64)) (local.set $value (i32.load (local.get $value)))
    (local.set $first (i32.const 1)) (local.set $value (i32.and (local.get $value) (local.get $first)))
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get $first)))
    (br_if $l (i32.eqz (local.get $value))))`,
  "a function that looks": `(loop $l (br_if $l (i32.eqz (call $isDone))))`,
  "a function that looks, with a count": `(loop $l
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (br_if $l (i32.eqz (call $isDoneAt (local.get $first)))))`,
  "a flag, with a pause that counts": `(loop $l
    (local.set $count (i32.const 3))
    (loop $pause (br_if $pause (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (br_if $l (i32.eqz (i32.load (i32.const 64)))))`,
};

test("a loop that only another thread can end is ended by what runs at its spin point", async () => {
  for (const [name, code] of Object.entries(SPINS)) {
    const stops = addStopPoints(await assemble(programOf(code)));
    assert(stops, name);
    let yields = 0;
    const program = startRewritten(
      stops,
      makeHost({
        yield: () => {
          const memory = program.memory as unknown as WebAssembly.Memory;
          if (++yields === 5) new Int32Array(memory.buffer)[16] = 1;
          assert(yields < 10, "the loop goes on");
          return 10;
        },
      }),
    );
    program.run(64, 128);
    assert.equal(yields, 5, name);
  }
});

/** Loops that another thread has no part in, and loops that nothing ends; with how many stop points each needs. */
const LOOPS: readonly (readonly [count: number, name: string, code: string])[] = [
  [1, "without end", `(loop $l (br $l))`],
  [1, "without end, with a call", `(loop $l (call $nothing) (br $l))`],
  [
    2,
    "without end, twice",
    `(loop $outer (loop $inner (br_if $inner (i32.load (i32.const 0)))) (br $outer))`,
  ],
  [
    0,
    "a count",
    `(loop $l (br_if $l (local.tee $count (i32.add (local.get $count) (i32.const 1)))))`,
  ],
  [
    0,
    "a sum over memory",
    `(loop $l
      (local.set $count (i32.add (local.get $count) (i32.load (local.get $first))))
      (br_if $l (i32.lt_u (local.tee $first (i32.add (local.get $first) (i32.const 4))) (local.get $second))))`,
  ],
  [
    0,
    "memory filled",
    `(loop $l (i32.store (local.get $first) (i32.const 0))
      (br_if $l (local.tee $first (i32.sub (local.get $first) (i32.const 4)))))`,
  ],
  [
    0,
    "a bound in memory, while memory is written",
    `(loop $l
      (i32.store (local.get $count) (i32.const 7))
      (br_if $l (i32.lt_u (local.tee $count (i32.add (local.get $count) (i32.const 4))) (i32.load (i32.const 64)))))`,
  ],
  [0, "a list", `(loop $l (br_if $l (local.tee $first (i32.load (local.get $first)))))`],
  [
    0,
    "a count of calls",
    `(loop $l
      (drop (call $add (local.get $count) (local.get $first)))
      (br_if $l (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))`,
  ],
  [
    0,
    "a global that changes",
    `(loop $l
      (global.set $state (i32.add (global.get $state) (i32.const 1)))
      (br_if $l (i32.lt_u (global.get $state) (i32.const 10))))`,
  ],
  [
    0,
    "a parameter of the loop that changes",
    `(i32.const 5) (loop $l (param i32) (result i32)
      (i32.sub (i32.const 1)) (local.tee $value) (br_if $l (local.get $value))) (drop)`,
  ],
  [
    0,
    "a local that one of two ways sets",
    `(loop $l
      (if (local.get $count) (then (local.set $first (i32.sub (local.get $first) (i32.const 1)))) (else (local.set $count (i32.const 1))))
      (br_if $l (local.get $first)))`,
  ],
  [
    1,
    "a count inside a loop that begins it anew",
    `(loop $outer
      (local.set $count (i32.const 9))
      (loop $inner (br_if $inner (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
      (br_if $outer (call $isDone)))`,
  ],
  [
    0,
    "counts in each other",
    `(loop $outer
      (local.set $count (i32.const 9))
      (loop $inner (br_if $inner (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
      (br_if $outer (local.tee $first (i32.sub (local.get $first) (i32.const 1)))))`,
  ],
  [
    0,
    "read inside an inner loop, set behind it",
    `(loop $outer
      (loop $inner
        (local.set $count (i32.add (local.get $count) (local.get $value)))
        (br_if $inner (i32.lt_u (local.get $count) (i32.const 9))))
      (local.set $value (i32.const 2))
      (br_if $outer (i32.lt_u (local.get $count) (i32.const 100))))`,
  ],
];

test("loops get the stop points they need, and no others", async () => {
  for (const [count, name, code] of LOOPS) {
    const bytes = await assemble(programOf(code));
    const found = addStopPoints(bytes);
    // Each edit is four numbers behind the first two.
    const edits = found ? (found.map.length - 2) / 4 : 0;
    assert.equal(edits && edits - (await otherEdits()), count, name);
  }
});

/** Edits of a module whose only stop point is one loop, but for that one. */
async function otherEdits(): Promise<number> {
  const { map } = rewrite(await assemble(programOf("(loop $l (br $l))")));
  return (map.length - 2) / 4 - 1;
}

test("loops in each other by the thousand: each gets what it needs", () => {
  const depth = 20_000;
  const points = (inside: readonly number[]): number => {
    const code = [
      ...Array<number[]>(depth).fill([0x03, 0x40]).flat(),
      ...Array<readonly number[]>(1000).fill(inside).flat(),
      ...Array<number>(depth).fill(0x0b),
    ];
    const bytes = buildModule({
      types: [functionType([I32, I32], [])],
      memories: [limits(1, 1, SHARED)],
      functions: [{ type: 0, code }],
    });
    const needle = String.fromCharCode(0x10, 1);
    const rewritten = addStopPoints(bytes)?.bytes ?? [];
    return (
      Array.from(rewritten, (byte) => String.fromCharCode(byte))
        .join("")
        .split(needle).length - 1
    );
  };
  const none = 0;
  const list = [0x20, 0, 0x28, 2, 0, 0x21, 0];
  assert.equal(points(list), none);
  const tableBranchByParameter = [0x20, 1, 0x21, 1, 0x20, 0, 0x0e, 0, 0];
  assert.equal(points(tableBranchByParameter), none);
  const flag = [0x41, 0, 0x28, 2, 0, 0x0d, 0];
  assert.equal(points([...list, ...flag]), depth);
});
