// Programs that the host program instantiates on its own thread.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { InstantiateOptions } from "../../src/api/node.ts";
import { compileGuest } from "../support/compile.ts";
import { withMachine } from "../support/machine-guest.ts";

type Exports = Record<string, (...parameters: number[]) => number>;

const double = (number: number) => 2 * number;

/** A module as workers import it. */
const moduleOf = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;

const THREAD_IMPORTS = moduleOf(`
  export default function ({ module, memory, post }) {
    let instances = 0;
    return {
      imports: { env: { double: (number) => (post({ number, instances }), 2 * number) } },
      onInstance(instance) {
        if (typeof instance.exports.wasi_thread_start === "function" && memory.buffer.byteLength > 0
          && WebAssembly.Module.imports(module).length > 0) instances++;
      },
    };
  }`);

async function withGuest(
  options: InstantiateOptions,
  use: (
    exports: Exports,
    guest: Awaited<ReturnType<Parameters<Parameters<typeof withMachine>[1]>[0]["instantiate"]>>,
  ) => Promise<void>,
): Promise<void> {
  const bytes = await readFile(await compileGuest("instantiated"));
  await withMachine({}, async (machine) => {
    const guest = await machine.instantiate(bytes, { imports: { env: { double } }, ...options });
    await use(guest.exports as Exports, guest);
    await guest.close();
  });
}

test("exports are called on the calling thread, with its functions and Weft's calls", () =>
  withGuest({ stdout: "pipe" }, async (exports, guest) => {
    assert.equal(exports.double_here(21), 42);
    assert.equal(exports.double_here(4), 8);
    assert.equal(exports.count_calls(), 2);
    assert.equal(exports.say(), 0);
    assert.ok(guest.memory!.buffer instanceof SharedArrayBuffer);
    await guest.close();
    assert.deepEqual(
      await guest.process.wait().then(({ exitCode, stdout }) => [exitCode, stdout]),
      [0, "said\n"],
    );
  }));

test("a thread is started although the calling thread waits for it, with imports of its own", async () => {
  const told: unknown[] = [];
  const options = {
    threadImports: THREAD_IMPORTS,
    onMessage: (value: unknown) => void told.push(value),
  };
  await withGuest(options, async (exports, guest) => {
    assert.equal(exports.double_in_thread(5), 10);
    assert.equal(exports.double_in_thread(6), 12);
    while (told.length < 2) await sleep(1);
    // Of two workers: which is heard of first is not said.
    const numbers = told.map((value) => (value as { number: number }).number);
    assert.deepEqual(numbers.sort(), [5, 6]);
    assert.ok(told.every((value) => (value as { instances: number }).instances > 0));
    await guest.close();
  });
});

test("an import that threads were not given names itself", () =>
  withGuest({}, async (exports, guest) => {
    assert.ok(exports.start_forever() > 1);
    const { exitCode, message } = await guest.process.wait();
    assert.equal(exitCode, 129);
    assert.match(message!, /env\.double is not given to threads \(threadImports\)/);
    // The process is over: what the instance computes by itself goes on, its calls do not.
    assert.equal(exports.double_here(3), 6);
    assert.throws(() => exports.say());
    assert.throws(() => exports.leave(0));
  }));

test("a module for threads that fails ends the process, also while the caller computes, and is named", () =>
  withGuest({ threadImports: moduleOf("throw new Error('no luck')") }, async (exports, guest) => {
    assert.ok(exports.start_forever() > 1);
    assert.throws(() => {
      while (exports.say() === 0);
    });
    const { exitCode, message } = await guest.process.wait();
    assert.equal(exitCode, 129);
    assert.match(message!, /threadImports \(data:text.*\) failed: no luck/);
  }));

test("a module for threads sees the host program's environment", async () => {
  process.env.WEFT_TEST_FACTOR = "3";
  const options = {
    threadImports: moduleOf(
      "export default () => ({ imports: { env: { double: (number) => number * process.env.WEFT_TEST_FACTOR } } })",
    ),
  };
  await withGuest(options, async (exports) => {
    assert.equal(exports.double_in_thread(5), 15);
  });
});

test("proc_exit ends the process, a trap is the caller's to see", () =>
  withGuest({}, async (exports, guest) => {
    assert.throws(() => exports.trap(), WebAssembly.RuntimeError);
    assert.equal(exports.double_here(1), 2);
    assert.throws(() => exports.leave(7));
    assert.equal((await guest.process.wait()).exitCode, 7);
  }));

test("closing and killing end threads that compute or wait", async () => {
  const forever = moduleOf(
    `export default () => ({ imports: { env: { double: () => { for (;;); } } } });`,
  );
  for (const end of ["close", "kill"] as const) {
    await withGuest({ threadImports: forever }, async (exports, guest) => {
      assert.ok(exports.start_forever() > 1);
      await sleep(20);
      if (end === "kill") guest.process.kill();
      await guest.close();
      assert.equal((await guest.process.wait()).exitCode, end === "kill" ? 137 : 0);
    });
  }
});

test("imports that nobody gives are told by name", async () => {
  const bytes = await readFile(await compileGuest("instantiated"));
  await withMachine({}, async (machine) => {
    await assert.rejects(machine.instantiate(bytes), {
      code: "ERR_PROGRAM_INVALID",
      message: /env\.double/,
    });
  });
});
