import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { type LoadedProgram, Machine } from "../../src/api/node.ts";
import { loadTools, readToolFiles, runTool } from "./toolchain.ts";

const MAIN = `
#include <stdio.h>
int twice(int number);
int main(int count, char **words) {
  for (int index = 1; index < count; index++) printf("%s\\n", words[index]);
  printf("%d\\n", twice(21));
  return 5;
}
`;
const TWICE = "int twice(int number) { return 2 * number; }\n";

/** Compiles two files, puts one into a library, links both, looks at what came out, and runs it. */
async function buildAndRun(
  machine: Machine,
  tools: LoadedProgram,
  directory: string,
): Promise<void> {
  const run = (name: string, ...args: string[]) =>
    runTool(machine, tools, directory, name, ...args);
  await run("clang", "-O1", "-c", "main.c", "-o", "main.o");
  await run("clang", "-O1", "-g", "-c", "twice.c", "-o", "twice.o");
  await run("ar", "crs", "libtwice.a", "twice.o");
  await run("ranlib", "libtwice.a");
  assert.equal((await run("ar", "t", "libtwice.a")).stdout, "twice.o\n");
  const libraries = ["-L.", "-ltwice", "-L/usr/lib/wasm32-wasip1", "-lc"];
  const builtins = "/usr/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a";
  const start = "/usr/lib/wasm32-wasip1/crt1-command.o";
  await run("wasm-ld", start, "main.o", ...libraries, builtins, "-o", "program.wasm");

  assert.match((await run("objdump", "-d", "twice.o")).stdout, /<twice>:/);
  assert.match((await run("nm", "main.o", "twice.o")).stdout, /U twice[^]* T twice/);
  assert.match((await run("size", "program.wasm")).stdout, /text.*\n.*program\.wasm/);
  assert.match(
    (await run("addr2line", "-f", "-e", "twice.o", "0x2")).stdout,
    /^twice\n.*twice\.c:1/,
  );
  assert.equal((await run("c++filt", "_ZN3one3twoEi")).stdout, "one::two(int)\n");

  const program = await machine.load(await machine.fs.readFile(`${directory}/program.wasm`));
  const result = await machine.run(program, { args: ["one", "two"] });
  assert.equal(result.stdout, "one\ntwo\n42\n");
  assert.equal(result.exitCode, 5);
}

test("LLVM's tools build a program in memory and in a directory of the host", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-clang-"));
  try {
    await writeFile(join(directory, "main.c"), MAIN);
    await writeFile(join(directory, "twice.c"), TWICE);
    const files = { ...(await readToolFiles()), "/memory/main.c": MAIN, "/memory/twice.c": TWICE };
    const machine = await Machine.create({ files, mounts: { "/host": directory }, debug: true });
    try {
      const tools = await loadTools(machine);
      await buildAndRun(machine, tools, "/memory");
      await buildAndRun(machine, tools, "/host");

      const made = await readFile(join(directory, "program.wasm"));
      assert.deepEqual(Uint8Array.from(made), await machine.fs.readFile("/memory/program.wasm"));
      const missing = await machine.run(tools, {
        name: "clang",
        args: ["-c", "no.c"],
        cwd: "/host",
      });
      assert.equal(missing.exitCode, 1);
      assert.match(missing.stderr, /no such file or directory: 'no\.c'/);
    } finally {
      await machine.close();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});
