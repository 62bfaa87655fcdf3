// Programs of a few lines of text, rewritten with stop points and run on an instance of their own, beside the same program as it was.

import assert from "node:assert/strict";
import { armStopPoints, type StopHost, stopModuleBytes } from "../../src/loader/stop-module.ts";
import { addStopPoints, type StopPoints } from "../../src/loader/stop-points.ts";
import { describeTrap } from "./trap.ts";

/** Makes a module of text. */
export async function assemble(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const { default: loadWabt } = await import("wabt");
  const wabt = await loadWabt();
  const features = {
    threads: true,
    exceptions: true,
    mutable_globals: true,
    bulk_memory: true,
    reference_types: true,
    multi_value: true,
    memory64: true,
  };
  const module = wabt.parseWat("test.wat", text, features);
  try {
    module.resolveNames();
    return new Uint8Array(module.toBinary({ write_debug_names: true }).buffer);
  } finally {
    module.destroy();
  }
}

/** What an instance has of its own, in text: globals of each number type, a table, segments; and a function that tells all that can be told of them. $begin is missing. */
export const STATE = `
  (import "env" "memory" (memory 1 1 shared))
  (import "env" "tell" (func $tell (param i64)))
  (global $i (mut i32) (i32.const 7))
  (global $l (export "l") (mut i64) (i64.const -1))
  (global $f (mut f32) (f32.const nan:0x200001))
  (global $d (mut f64) (f64.const 2.5))
  (global $fixed funcref (ref.func $begin))
  (table 4 funcref)
  (elem (i32.const 1) $begin)
  (data $one "abc")
  (data $two "defg")
  (func $tell_all
    (call $tell (i64.extend_i32_s (global.get $i)))
    (call $tell (global.get $l))
    (call $tell (i64.extend_i32_s (i32.reinterpret_f32 (global.get $f))))
    (call $tell (i64.reinterpret_f64 (global.get $d))))
`;

/** Rewrites a module that has something to rewrite. */
export function rewrite(bytes: Uint8Array): StopPoints {
  const stops = addStopPoints(bytes);
  assert(stops, "nothing was rewritten");
  return stops;
}

/** A host that counts stop points and answers stops with 0, but for what is given. */
export function makeHost(host: Partial<StopHost> = {}): StopHost {
  return { wait32: () => 0, wait64: () => 0, pass: () => 1, ...host };
}

/** An instance of the stop module for a host, which refuses to suspend unless told how. */
export function makeStops(host: StopHost, suspend: object = {}): WebAssembly.Instance {
  const refuse = () => assert.fail("the host was asked to suspend");
  const imports = {
    stops: { ...host },
    suspend: { wait32: refuse, wait64: refuse, pass: refuse, ...suspend },
  };
  return new WebAssembly.Instance(new WebAssembly.Module(stopModuleBytes()), imports);
}

/** A program's exported functions, by name. */
export type Exports = Record<string, (...parameters: (number | bigint)[]) => number>;

/** Instantiates a rewritten module, armed with a host. */
export function startRewritten(
  stops: StopPoints,
  host: StopHost,
  imports?: WebAssembly.Imports,
  suspend?: object,
): Exports {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(stops.bytes), imports);
  armStopPoints(instance, stops.tableName, makeStops(host, suspend));
  return instance.exports as Exports;
}

/** A program with waits and notifies of all kinds. */
export const WAITS = `(module
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

/** What `run` throws, described. */
export function trap(run: () => unknown) {
  try {
    run();
  } catch (error) {
    return describeTrap(error);
  }
  assert.fail("nothing was thrown");
}
