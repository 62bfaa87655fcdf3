import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import test from "node:test";
import { compileGuest, listGuests } from "./compile.ts";

const load = async (path: string) => new WebAssembly.Module(await readFile(path));
const importNames = (module: WebAssembly.Module) =>
  WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
const exportNames = (module: WebAssembly.Module) =>
  WebAssembly.Module.exports(module).map((entry) => entry.name);

test("a program with the C library brings its own memory", async () => {
  const module = await load(await compileGuest("hello"));
  assert.ok(importNames(module).includes("wasi_snapshot_preview1.fd_write"));
  assert.deepEqual(exportNames(module).sort(), ["_start", "memory"]);
});

test("a threaded program imports its memory and exports the entry of its threads", async () => {
  const module = await load(await compileGuest("threads_hello"));
  assert.ok(importNames(module).includes("env.memory"));
  assert.ok(importNames(module).includes("wasix_32v1.thread_spawn_v2"));
  assert.ok(exportNames(module).includes("wasi_thread_start"));
  assert.ok(exportNames(module).includes("__stack_pointer"));
});

test("further flags give another module, compiled once for all who ask at the same time", async () => {
  const flags = [`-DWEFT_OLDER_DOOR`, `-DSALT=${process.pid}`];
  const paths = await Promise.all([1, 2, 3].map(() => compileGuest("threads_hello", { flags })));
  assert.equal(new Set(paths).size, 1);
  assert.notEqual(paths[0], await compileGuest("threads_hello"));
  assert.ok(importNames(await load(paths[0]!)).includes("wasi.thread-spawn"));
  await rm(paths[0]!);
});

test("a program in text form is assembled", async () => {
  const module = await load(await compileGuest("exit_code"));
  assert.deepEqual(importNames(module), ["wasi_snapshot_preview1.proc_exit"]);
});

test("what cannot be compiled is told with the compiler's words", async () => {
  await assert.rejects(compileGuest("no_such_program"), /no guest program no_such_program/);
  await assert.rejects(
    compileGuest("hello", { flags: ["-DEOF", "-Dprintf=not_declared("] }),
    /tests\/programs\/hello\.c does not compile:[^]*error:/,
  );
});

test("all programs are listed", async () => {
  const names = await listGuests();
  for (const name of ["echo_arguments", "exit_code", "hello", "threads_hello"]) {
    assert.ok(names.includes(name), name);
  }
});
