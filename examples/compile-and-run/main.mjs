// Compiles a C program with threads with clang, which is itself a WebAssembly program that Weft runs, and runs what came out on four threads.
//
//   npm run example
//
// What clang needs beside itself (headers, libraries) is unpacked once to build/llvm. Nothing but Node runs: no shell, no compiler of this machine.

import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Machine } from "weft";
import { readTar } from "./tar.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const build = join(here, "../../build");
const clang = join(dirname(createRequire(import.meta.url).resolve("@yowasp/clang")), "../gen");
const threads = 4;
const limit = 2_000_000;

/** Does one step of the work and tells how long it took. */
async function step(what, action) {
  process.stdout.write(`${what} … `);
  const started = performance.now();
  const result = await action();
  console.log(`${((performance.now() - started) / 1000).toFixed(2)} s`);
  return result;
}

/** Unpacks the archive, unless that has been done. It takes its name when it is complete, so that no half of it is ever used. */
async function unpackResources(target) {
  const unfinished = `${target}.${process.pid}`;
  for await (const { path, isDirectory, content } of readTar(join(clang, "llvm-resources.tar"))) {
    const file = join(unfinished, path);
    if (isDirectory) await mkdir(file, { recursive: true });
    else {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
  }
  await rename(unfinished, target).catch(async (error) => {
    // Another run was quicker.
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    await rm(unfinished, { recursive: true });
  });
}

const exists = (path) =>
  stat(path).then(
    () => true,
    () => false,
  );

// ---------------------------------------------------------------------------------------------------------------------

const resources = join(build, "llvm");
const output = join(build, "example");
if (!(await exists(resources))) {
  await step("Unpacking clang's headers and libraries to build/llvm", () =>
    unpackResources(resources),
  );
}
await mkdir(output, { recursive: true });

const machine = await Machine.create({
  mounts: {
    "/usr": { hostPath: resources, readOnly: true },
    "/source": { hostPath: here, readOnly: true },
    "/output": output,
  },
});
try {
  const llvm = await step("Loading clang, 75 MB of WebAssembly", () =>
    machine.load(join(clang, "llvm.core.wasm")),
  );
  /** Runs one of the tools in the module: the first argument says which. What it prints goes where this program's output goes. */
  const runTool = (...args) =>
    machine.run(llvm, { name: "llvm", args, stdout: "inherit", stderr: "inherit", check: true });

  await step("clang: compiling primes.c", () =>
    runTool(
      ...["clang", "--target=wasm32-wasip1", "-O2", "-Wall", "-ffreestanding"],
      ...["-matomics", "-mbulk-memory", "-mmutable-globals"],
      ...["-c", "/source/primes.c", "-o", "/output/primes.o"],
    ),
  );
  await step("wasm-ld: linking primes.wasm", () =>
    runTool(
      ...["wasm-ld", "--import-memory", "--shared-memory", "--max-memory=67108864"],
      ...["/output/primes.o", "-o", "/output/primes.wasm"],
    ),
  );

  const primes = await machine.load(join(output, "primes.wasm"));
  const result = await step(`primes.wasm: counting on ${threads} threads`, () =>
    machine.run(primes, { args: [String(limit), String(threads)], check: true }),
  );
  console.log(`\n${result.stdout.trim()}`);
} finally {
  await machine.close();
}
