import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { inspectProgram } from "../../src/api/inspection.ts";
import { instrumentProgram } from "../../src/api/instrument.ts";
import { compileGuest } from "../support/compile.ts";
import { run } from "./command.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "weft-instrument-"));
});
after(() => rm(directory, { recursive: true }));

test("instrument gives a program asyncify, and it still runs", async () => {
  const target = join(directory, "hello.wasm");
  const { code, stdout, stderr } = await run(["instrument", await compileGuest("hello"), target]);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.match(stdout, /hello\.wasm: .* with asyncify/);
  const { asyncify, exports } = inspectProgram(await readFile(target));
  assert.ok(asyncify);
  assert.ok(exports.some(({ name }) => name === "__stack_pointer"));
  const ran = await run([target]);
  assert.equal(ran.code, 0);
  assert.equal(ran.stdout, (await run([await compileGuest("hello")])).stdout);
});

test("threads, shared memory and exports stay as they are", async () => {
  const bytes = await readFile(await compileGuest("threads_hello"));
  const plain = inspectProgram(bytes);
  const instrumented = inspectProgram(await instrumentProgram(bytes));
  assert.deepEqual(instrumented.memory, plain.memory);
  assert.deepEqual(instrumented.threads, plain.threads);
  assert.deepEqual(instrumented.imports, plain.imports);
  for (const { name } of plain.exports)
    assert.ok(
      instrumented.exports.some((entry) => entry.name === name),
      name,
    );
  const target = join(directory, "threads.wasm");
  await writeFile(target, await instrumentProgram(bytes));
  const path = await compileGuest("threads_hello");
  assert.deepEqual((await run([target])).stdout.length, (await run([path])).stdout.length);
});

test("what cannot be instrumented is told with what to do, and no file is left", async () => {
  const instrumented = join(directory, "once.wasm");
  await run(["instrument", await compileGuest("hello"), instrumented]);
  const noise = join(directory, "noise.wasm");
  await writeFile(noise, "no module");
  const exits = join(directory, "empty.wasm");
  // (module (func (export "_start")))
  await writeFile(
    exits,
    Buffer.from("0061736d0100000001040160000003020100070a01065f737461727400000a040102000b", "hex"),
  );
  const target = join(directory, "out.wasm");
  for (const [path, words] of [
    [instrumented, /instrumented already/],
    [noise, /not a WebAssembly module/],
    [exits, /-Wl,--export=__stack_pointer/],
  ] as const) {
    const { code, stderr } = await run(["instrument", path, target]);
    assert.equal(code, 126);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /bug/);
  }
  const unwritable = await run(["instrument", await compileGuest("hello"), join(noise, "x.wasm")]);
  assert.equal(unwritable.code, 126);
  assert.match(unwritable.stderr, /cannot be written/);
  assert.ok(!(await readdir(directory)).some((name) => name.startsWith("out.wasm")));
});

test("the command line is checked", async () => {
  const { code, stderr } = await run(["instrument", "one.wasm"]);
  assert.equal(code, 2);
  assert.match(stderr, /where the result goes/);
  assert.match((await run(["instrument", "--help"])).stdout, /npm install --save-dev binaryen/);
});
