// Which instance a thread gets: a new one, or one in which another has ended.

import assert from "node:assert/strict";
import test from "node:test";
import { assemble } from "../../tests/support/stop-fixture.ts";
import { FixtureMachine } from "../../tests/support/syscall-fixture.ts";
import { allocate, free } from "../shm/index.ts";
import { furtherReading } from "./further-reading.ts";
import { InstanceGroup } from "./instance.ts";
import { compileProgramSync, provideFurtherReading } from "./program.ts";

const NO_THREADS = { spawn: () => 0, parallelism: () => 1 };

const withThreads = (text: string) => `(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (func (export "_start"))
  (func (export "wasi_thread_start") (param i32 i32)) ${text})`;

/** Takes an instance for one thread after the other, and drops it as each does that ends. Returns how many there were. */
async function countInstances(text: string, ends: readonly boolean[]): Promise<number> {
  provideFurtherReading(furtherReading);
  const program = compileProgramSync(await assemble(withThreads(text)), "program", 65536);
  const machine = new FixtureMachine();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const mark = allocate(machine.memory, 16);
  const group = new InstanceGroup(machine.kernel, program, memory, NO_THREADS, mark, undefined);
  const seen = new Set<WebAssembly.Instance>();
  for (const isWhole of ends) {
    seen.add(group.take());
    group.drop(isWhole);
    assert.equal(group.current, undefined);
    group.prepare();
  }
  free(machine.memory, mark, 16);
  machine.destroy();
  return seen.size;
}

test("threads that end cleanly use one instance, one after the other", async () => {
  assert.equal(await countInstances("", [true, true, true]), 1);
});

test("an instance in which a thread trapped or was killed is not used again", async () => {
  assert.equal(await countInstances("", [true, false, false, true, true]), 3);
});

test("each thread has an instance for itself where it could leave something in it", async () => {
  const table = `(table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1))))`;
  assert.equal(await countInstances(table, [true, true, true]), 3);
});

test("where the start section fails for a later thread, that thread fails", async () => {
  const failing = `(func $count
      (if (i32.eq (i32.atomic.rmw.add (i32.const 0) (i32.const 1)) (i32.const 2)) (then unreachable)))
    (start $count)`;
  await assert.rejects(countInstances(failing, [true, true, true]), WebAssembly.RuntimeError);
});
