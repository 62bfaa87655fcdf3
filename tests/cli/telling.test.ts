import assert from "node:assert/strict";
import test from "node:test";
import { compileGuest } from "../support/compile.ts";
import { run } from "./command.ts";

test("inspect tells what a program is, to people", async () => {
  const { stdout, code, stderr } = await run(["inspect", await compileGuest("threads_hello")]);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.match(stdout, /a program for WASIX/);
  assert.match(stdout, /Weft can run it\./);
  assert.match(stdout, /threads +yes\n/);
  assert.match(stdout, /memory +imported, shared/);
  assert.match(stdout, /thread_spawn_v2 +works/);
  assert.match(stdout, /wasi_thread_start/);
});

test("inspect --json tells it to programs", async () => {
  const { stdout } = await run(["inspect", "--json", await compileGuest("threads_hello")]);
  const told = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual(Object.keys(told), [
    "name",
    "size",
    "kind",
    "runs",
    "problems",
    "system",
    "memory",
    "threads",
    "asyncify",
    "libraries",
    "imports",
    "exports",
    "functionCount",
    "features",
    "producers",
    "customSections",
  ]);
  assert.equal(told.kind, "command");
  assert.equal(told.runs, true);
  assert.equal(told.system, "WASIX");
  assert.deepEqual(told.threads, { starts: true, hasEntry: true, sharesMemory: true });
  assert.deepEqual(told.memory, {
    source: "imported",
    shared: true,
    is64Bit: false,
    initial: 131072,
    maximum: 268435456,
  });
  const imports = told.imports as Record<string, unknown>[];
  assert.deepEqual(
    imports.find(({ name }) => name === "thread_spawn_v2"),
    {
      module: "wasix_32v1",
      name: "thread_spawn_v2",
      kind: "function",
      type: "(i32, i32) -> i32",
      support: "full",
      note: null,
    },
  );
});

test("syscalls lists what Weft provides, to people and to programs", async () => {
  const { stdout } = await run(["syscalls"]);
  assert.match(stdout, /^wasi_snapshot_preview1: \d+ of \d+ work$/m);
  assert.match(stdout, /^ {2}fd_write +works$/m);
  const list = JSON.parse((await run(["syscalls", "--json"])).stdout) as Record<string, unknown>[];
  assert.ok(list.length > 200);
  for (const entry of list) {
    assert.deepEqual(Object.keys(entry), ["module", "name", "signature", "support", "note"]);
    assert.match(String(entry.support), /^(full|partial|none)$/);
    assert.match(String(entry.signature), /^\(/);
  }
});

test("help is printed for the command and each of its parts, in lines that fit", async () => {
  for (const words of [
    ["--help"],
    ["help"],
    ["run", "--help"],
    ["help", "run"],
    ["inspect", "-h"],
    ["syscalls", "--help"],
  ]) {
    const { stdout, code, stderr } = await run(words);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.match(stdout, /Examples\n/);
    for (const line of stdout.split("\n")) assert.ok(line.length <= 120, line);
    assert.match(stdout, /^[\n -~…]+$/);
  }
});

test("the help of run names every option that run has", async () => {
  const { stdout } = await run(["run", "--help"]);
  const { runOptions } = await import("../../src/cli/run-options.ts");
  for (const { name } of runOptions) assert.match(stdout, new RegExp(`--${name}\\b`));
});

test("--version tells the version of the package", async () => {
  const { stdout } = await run(["--version"]);
  assert.match(stdout, /^weft \d+\.\d+\.\d+ on Node \d+/);
});
