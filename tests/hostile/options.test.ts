/** Options without sense, as JavaScript can give them: an error that names the option, nothing left, and the machine goes on. */
import assert from "node:assert/strict";
import test from "node:test";
import { Machine, type ProgramSource, type SpawnOptions, WeftError } from "../../src/api/node.ts";
import type { MachineOptions } from "../../src/api/options.ts";
import { compileGuest } from "../support/compile.ts";
import { isWell, withMachine } from "./support.ts";

/** Sees that something fails with ERR_OPTION and a message that begins with a name. */
function named(name: string, action: () => Promise<unknown>): Promise<void> {
  return assert.rejects(action, (error: unknown) => {
    assert.ok(error instanceof WeftError, `${name}: ${String(error)}`);
    assert.equal(error.code, "ERR_OPTION", error.message);
    assert.ok(error.message.startsWith(name), error.message);
    return true;
  });
}

test("options of a process that have no sense are named", async () => {
  const wrong: Record<string, unknown[]> = {
    args: ["text", [1], {}],
    name: [5],
    cwd: ["here", 5],
    stdin: ["some text", 5, null, {}, { text: 1 }],
    stdout: ["file", null],
    stderr: [2],
    timeout: [-1, NaN, "10"],
    maxBuffer: [-1],
    signal: [{}, null],
    trace: [5, {}],
  };
  await withMachine({}, async (machine) => {
    const program = await machine.load(await compileGuest("hello"));
    for (const [name, values] of Object.entries(wrong))
      for (const value of values) {
        const options = { [name]: value } as SpawnOptions;
        await named(`${name}: must be `, () => machine.run(program, options));
      }
    await isWell(machine);
  });
});

test("options of a machine that have no sense are named", async () => {
  const wrong: Record<string, unknown[]> = {
    maxThreads: [0, "4", NaN],
    maxProcesses: [0],
    maxMemory: [-5],
    maxKernelMemory: ["1GiB"],
    mounts: [{ "/x": 5 }, { "/x": null }, { x: "." }],
  };
  for (const [name, values] of Object.entries(wrong))
    for (const value of values)
      await named(`${name}: `, () => Machine.create({ [name]: value } as MachineOptions));
});

test("what is no source of a program is refused, and what cannot be fetched", async () => {
  await withMachine({}, async (machine) => {
    const nothing = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    for (const value of [undefined, null, 5, {}, [], new WebAssembly.Module(nothing)])
      await named("a program is a path", () => machine.run(value as ProgramSource));
    const gone = Promise.reject(new TypeError("fetch failed"));
    await assert.rejects(
      () => machine.run(gone),
      (error: unknown) =>
        error instanceof WeftError &&
        error.code === "ERR_PROGRAM_NOT_FOUND" &&
        error.message.endsWith("fetch failed"),
    );
    await isWell(machine);
  });
});

test("a time limit longer than timers go is one", async () => {
  await withMachine({}, async (machine) => {
    const program = await machine.load(await compileGuest("hello"));
    for (const timeout of [2 ** 31, 1e15, Infinity])
      assert.equal((await machine.run(program, { timeout })).exitCode, 0);
  });
});

test("a stream that fails as stdin is told to those who wait for the program, which reads what came before", async () => {
  await withMachine({}, async (machine) => {
    const program = await machine.load(await compileGuest("copy_input"));
    let pulls = 0;
    const stdin = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(new TextEncoder().encode("first line\n"));
        else controller.error(new Error("the cable was pulled out"));
      },
    });
    const process = await machine.spawn(program, { stdin });
    assert.equal(await process.stdout!.text(), "first line\n");
    await assert.rejects(process.wait(), (error: WeftError) => {
      assert.equal(error.code, "ERR_INPUT");
      assert.match(error.message, /stdin.*the cable was pulled out/);
      return error.cause instanceof Error;
    });
    const silent = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error() });
    await assert.rejects(machine.run(program, { stdin: silent }), { code: "ERR_INPUT" });
    await isWell(machine);
  });
});
