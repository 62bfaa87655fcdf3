import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test from "node:test";
import { compileGuest } from "../support/compile.ts";
import { command, withDirectory } from "./command.ts";

/** Runs a copy of the command; gives what it prints. */
function runCopy(directory: string, words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [join(directory, "cli.cjs"), ...words], (error, stdout, stderr) => {
      if (error === null && stderr === "") resolve(stdout);
      else reject(new Error(stderr || error?.message));
    });
  });
}

/** Copies the bundle without the code that was kept. */
async function copyBundle(directory: string): Promise<void> {
  await cp(dirname(command), directory, { recursive: true });
  await rm(join(directory, "code"), { recursive: true, force: true });
}

test("the first run of each kind keeps the code that it compiled, and later runs use it", async () => {
  const here = await compileGuest("hello");
  const threads = await compileGuest("threads_hello");
  await withDirectory(async (directory) => {
    await copyBundle(directory);
    const runHere = async () => assert.equal(await runCopy(directory, [here]), "hello, world\n");
    const runThreads = async () =>
      assert.equal(await runCopy(directory, [threads]), "4 threads: sum 500500\n");
    await runHere();
    const [name, ...others] = await readdir(join(directory, "code"));
    assert.deepEqual(others, []);
    const readKept = () => readFile(join(directory, "code", name));
    const first = await readKept();
    assert.ok(first.length > 10_000);
    await runHere();
    assert.deepEqual(await readKept(), first);
    await runThreads();
    const both = await readKept();
    assert.notDeepEqual(both, first);
    // What has all that they need is not made again.
    await runHere();
    await runThreads();
    assert.deepEqual(await readKept(), both);
  });
});

test("kept code that does not fit is made anew; a folder that cannot be written to is no obstacle", async () => {
  const program = await compileGuest("hello");
  await withDirectory(async (directory) => {
    await copyBundle(directory);
    await runCopy(directory, [program]);
    const [name] = await readdir(join(directory, "code"));
    await writeFile(join(directory, "code", name), "not what V8 made");
    assert.equal(await runCopy(directory, [program]), "hello, world\n");
    assert.ok((await readFile(join(directory, "code", name))).length > 10_000);

    await rm(join(directory, "code"), { recursive: true });
    await writeFile(join(directory, "code"), "a file where the folder should be");
    assert.equal(await runCopy(directory, [program]), "hello, world\n");
    await rm(join(directory, "code"));
    await mkdir(join(directory, "code", name), { recursive: true });
    assert.equal(await runCopy(directory, [program]), "hello, world\n");
  });
});

test("what a worker loads when it is asked for works in the bundle too", async () => {
  const program = await compileGuest("worker_calls");
  await withDirectory(async (directory) => {
    await copyBundle(directory);
    assert.equal(await runCopy(directory, [program]), "");
  });
});

test("a worker without work keeps the code of all, and takes none that does not fit", async () => {
  const threads = await compileGuest("threads_hello");
  const run = (directory: string) => runCopy(directory, [threads]);
  await withDirectory(async (directory) => {
    await copyBundle(directory);
    const find = async () => {
      const names = await readdir(join(directory, "code"));
      return names.filter((name) => name.startsWith("worker-") && !/[.]\d+[.]\d+$/.test(name));
    };
    // Whether a worker has a moment before the program is over is chance.
    let kept: string[] = [];
    for (let runs = 0; kept.length === 0 && runs < 20; runs++) {
      assert.equal(await run(directory), "4 threads: sum 500500\n");
      kept = await find();
    }
    assert.equal(kept.length, 1);
    const file = join(directory, "code", kept[0]);
    assert.ok((await readFile(file)).length > 10_000);
    assert.equal(await run(directory), "4 threads: sum 500500\n");
    await writeFile(file, "not what V8 made");
    assert.equal(await run(directory), "4 threads: sum 500500\n");
  });
});

test("the bundles ask the engine by its own names whether it suspends stacks", async () => {
  const directory = dirname(command);
  for (const pattern of [/^command-.*\.cjs$/, /^kernel\.cjs$/, /^worker-browser\.js$/]) {
    const names = (await readdir(directory)).filter((name) => pattern.test(name)).sort();
    const texts = names.map((name) => readFile(join(directory, name), "utf8"));
    const text = (await Promise.all(texts)).join("\n");
    assert.match(text, /WebAssembly\.Suspending\b[^]*WebAssembly\.promising\b/);
  }
});

test("what the command and workers read as bytes is ASCII", async () => {
  const directory = dirname(command);
  const names = (await readdir(directory)).filter((name) => name.endsWith(".cjs"));
  assert.ok(names.length > 10);
  for (const name of names)
    assert.doesNotMatch(await readFile(join(directory, name), "latin1"), /[\x80-\xff]/, name);
});
