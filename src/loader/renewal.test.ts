// Threads one after the other in an instance that is renewed between them, beside the same threads with an instance each.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { compileGuest, listGuests } from "../../tests/support/compile.ts";
import { assemble, STATE } from "../../tests/support/stop-fixture.ts";
import {
  buildModule,
  exportEntry,
  FUNCREF,
  functionType,
  I32,
  importEntry,
  Kind,
  limits,
  SHARED,
} from "../../tests/support/wasm-builder.ts";
import { describeModule } from "./module-description.ts";
import { makeRenewable } from "./renewal.ts";
import { describeTrap } from "../../tests/support/trap.ts";

const tryRenewable = (bytes: Uint8Array) => makeRenewable(bytes, describeModule(bytes));

/** What of a program has state: all that the threads can tell. A thread does what its number says and tells what it sees before and after. */
const PROGRAM = `(module
  ${STATE}
  (func $begin
    (call $tell (i64.extend_i32_u (i32.atomic.rmw.add (i32.const 64) (i32.const 1))))
    (global.set $i (i32.add (global.get $i) (i32.const 1)))
    (data.drop $two))
  (start $begin)
  (func $innocent (param i64 i64) (result i64)
    ;; Bytes that look like data.drop, table.set and table.grow.
    (i64.xor (i64.xor (i64.const 1276) (i64.const 38)) (i64.const 2044)))
  (func (export "wasi_thread_start") (param $tid i32) (param $what i32)
    (call $tell_all)
    (global.set $l (i64.extend_i32_s (local.get $tid)))
    (global.set $f (f32.reinterpret_i32 (i32.add (i32.const 0x7fa00000) (local.get $tid))))
    (global.set $d (f64.convert_i32_s (local.get $what)))
    (drop (call $innocent (i64.const 1) (i64.const 2)))
    (if (i32.eq (local.get $what) (i32.const 1)) (then (data.drop $one)))
    (if (i32.eq (local.get $what) (i32.const 2))
      (then (memory.init $one (i32.const 0) (i32.const 0) (i32.const 3))))
    (if (i32.eq (local.get $what) (i32.const 3))
      (then (memory.init $two (i32.const 0) (i32.const 0) (i32.const 0))
        (memory.init $two (i32.const 0) (i32.const 0) (i32.const 1))))
    (if (i32.eq (local.get $what) (i32.const 4))
      (then (data.drop $one) (memory.init $one (i32.const 65536) (i32.const 0) (i32.const 0))
        (memory.init $one (i32.const 65537) (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $what) (i32.const 5)) (then (unreachable)))
    (call $tell_all)))`;

test("a renewed instance is as a new one to all that a thread can tell", async () => {
  const bytes = await assemble(PROGRAM);
  const found = tryRenewable(bytes);
  assert(found);
  const { renewal } = found;
  const told: bigint[] = [];
  const newEnv = () => ({
    memory: new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
    tell: (value: bigint) => told.push(value),
  });
  /** Runs a thread in an instance, and gathers what it tells, and its trap with frames as the given module has them. */
  const watch = (take: () => WebAssembly.Instance, tid: number, what: number, edits = {}) => {
    told.length = 0;
    let trap: unknown;
    try {
      const { exports } = take();
      (exports.wasi_thread_start as (tid: number, what: number) => void)(tid, what);
    } catch (error) {
      const { kind, frames } = describeTrap(error, edits);
      trap = { kind, frames };
    }
    return { told: [...told], trap };
  };
  const [given, edited] = [bytes, found.bytes].map((one) => ({
    module: new WebAssembly.Module(one as BufferSource),
    env: newEnv(),
  }));
  let used: WebAssembly.Instance | undefined;
  const renew = () => {
    if (used === undefined) used = new WebAssembly.Instance(edited.module, { env: edited.env });
    else (used.exports[renewal.name] as () => void)();
    return used;
  };
  const make = () => new WebAssembly.Instance(given.module, { env: given.env });
  for (const [tid, what] of [0, 1, 2, 5, 3, 4, 2, 1, 0].entries())
    assert.deepEqual(
      watch(renew, tid, what, { renewal }),
      watch(make, tid, what),
      `thread ${tid} with ${what}`,
    );
});

const head = `(import "env" "memory" (memory 1 1 shared))
  (func (export "wasi_thread_start") (param i32 i32))`;

/** Modules whose instances differ in more than numbers, or do more than run the start section when they are made. */
const OTHERS: Readonly<Record<string, string>> = {
  "a table that is written to": `(table 1 funcref) (func (table.set 0 (i32.const 0) (ref.null func)))`,
  "a table that grows": `(table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1))))`,
  "a table that is filled": `(table 1 funcref) (func (table.fill 0 (i32.const 0) (ref.null func) (i32.const 1)))`,
  "a table that is copied": `(table 1 funcref) (func (table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 0)))`,
  "a table that is filled from a segment": `(table 1 funcref) (elem $e func) (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 0)))`,
  "segments of a table": `(table 1 funcref) (elem $e func) (func (elem.drop $e))`,
  "a table of the host's objects": `(table 1 externref)`,
  "a reference that changes": `(global (mut funcref) (ref.null func))`,
  "an object of the host": `(global externref (ref.null extern))`,
  "data that each new instance lays": `(data (i32.const 0) "a")`,
  "many segments": `(data "") `.repeat(33),
};

for (const [what, text] of Object.entries(OTHERS)) {
  test(`no renewal: ${what}`, async () => {
    assert.equal(tryRenewable(await assemble(`(module ${head} ${text})`)), undefined);
  });
}

test("no renewal: a memory of each instance's own, no entry, no module", async () => {
  for (const text of [
    `(memory 1) (func (export "wasi_thread_start") (param i32 i32))`,
    `(import "env" "memory" (memory 1 1 shared))`,
  ])
    assert.equal(tryRenewable(await assemble(`(module ${text})`)), undefined);
  const bytes = await assemble(`(module ${head})`);
  assert(tryRenewable(bytes));
  assert.equal(
    makeRenewable(bytes.subarray(0, bytes.length - 2), describeModule(bytes)),
    undefined,
  );
});

test("no renewal: contexts, whose stacks outlive their thread", async () => {
  const contexts = `(import "wasix_32v1" "context_create" (func (param i32 i32 i32) (result i32)))`;
  assert.equal(tryRenewable(await assemble(`(module ${contexts} ${head})`)), undefined);
});

test("instructions are found in longer encodings, and those of arrays that use segments", () => {
  const withCode = (code: readonly number[]) =>
    tryRenewable(
      buildModule({
        types: [functionType([], []), functionType([I32, I32], [])],
        imports: [importEntry("env", "memory", Kind.memory, limits(1, 1, SHARED))],
        functions: [
          { type: 1, code: [] },
          { type: 0, code },
        ],
        tables: [[FUNCREF, ...limits(1)]],
        exports: [exportEntry("wasi_thread_start", Kind.function, 0)],
      }),
    ) !== undefined;
  const set = [0x41, 0, 0xd0, 0x70, 0x26];
  assert(withCode([0x41, 0x26, 0x41, 0, 0x1a, 0x1a]), "numbers");
  assert(!withCode([...set, 0]), "table.set");
  assert(!withCode([...set, 0x80, 0]), "its table in two bytes");
  assert(!withCode([...set, 0x80, 0x80, 0x80, 0x80, 0]), "in five");
  assert(!withCode([0xfc, 0x8d, 0x80, 0, 0]), "elem.drop");
  assert(withCode([0x41, 0xfb, 0x8d, 0, 0x1a]), "a number with its bytes");
  for (const operation of [0x09, 0x12])
    assert(!withCode([0xfb, operation, 0, 0]), "array.new_data, array.init_data");
  assert(!withCode([0xfb, 0x89, 0, 0, 0]), "in two bytes");
});

test("what the compiler makes of programs with threads can be renewed, and is a module like before", async () => {
  const names = (await listGuests()).filter((name) => /^(thread|libc_thread|posix_th)/.test(name));
  let renewed = 0;
  for (const name of names) {
    const bytes = await readFile(await compileGuest(name));
    const found = tryRenewable(bytes);
    if (found === undefined) continue;
    renewed++;
    assert(WebAssembly.validate(found.bytes as BufferSource), name);
    const { exports, functionCount, ...before } = describeModule(bytes);
    const after = describeModule(found.bytes);
    assert.deepEqual(after, {
      ...before,
      exports: [...exports, after.exports.at(-1)],
      functionCount: after.functionCount,
    });
    assert(after.functionCount > functionCount, name);
    assert.equal(after.exports.at(-1)?.name, found.renewal.name);
  }
  assert(renewed >= names.length / 2, `${renewed} of ${names.length} programs`);
});
