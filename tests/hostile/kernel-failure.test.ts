/** A bug in a handler is loud: the process ends, the machine says what failed, nobody hangs. */
import assert from "node:assert/strict";
import test from "node:test";
import { Worker } from "node:worker_threads";
import type { WorkerMessage } from "../../src/threads/messages.ts";
import { assemble } from "./support.ts";
import { WorkerMachine } from "./worker-machine.ts";

/** A machine in whose workers the reading of pipes throws. */
function createFailing(failure: "plain" | "locked"): WorkerMachine {
  return new WorkerMachine((start, onMessage, onDeath) => {
    const worker = new Worker(new URL("./failing-worker.js", import.meta.url), {
      workerData: { ...start, failure },
      trackUnmanagedFds: false,
    });
    worker.on("message", (message: WorkerMessage) => onMessage(message));
    worker.on("error", onDeath);
    worker.on("exit", (code) => onDeath(new Error(`ended with ${code}`)));
    return {
      post: (message) => worker.postMessage(message),
      isOutdated: () => false,
      terminate: async () => void (await worker.terminate()),
      setKeepsAlive: (keep) => (keep ? worker.ref() : worker.unref()),
    };
  });
}

/** Reads its standard input, which is a pipe, and exits with the errno. */
const READER = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 4) (i32.const 16))
    (call $exit (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))`;

/** The same, and goes on after what a call throws. */
const CATCHER = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 4) (i32.const 16))
    (try (do (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))) (catch_all))
    (call $exit (i32.const 0))))`;

for (const [name, text] of [
  ["a program", READER],
  ["a program that catches everything", CATCHER],
]) {
  for (const failure of ["plain", "locked"] as const) {
    test(`an exception in a handler, called by ${name}, ${failure}: named, and nothing hangs`, async () => {
      const machine = createFailing(failure);
      const run = machine.run(await assemble(text), { stdin: "pipe", timeout: 50_000 });
      if (failure === "plain") {
        const result = await run;
        assert.equal(result.timedOut, false);
        assert.equal(result.exitCode, 129);
        assert.match(result.message ?? "", /butter/);
      } else {
        await assert.rejects(run, { code: "ERR_KERNEL_PANIC", message: /butter/ });
      }
      await assert.rejects(machine.run(await assemble(text)), {
        code: "ERR_KERNEL_PANIC",
        message: /butter/,
      });
      await assert.rejects(() => machine.close(), { code: "ERR_KERNEL_PANIC", message: /butter/ });
      assert.equal(machine.workerCount, 0);
    });
  }
}
