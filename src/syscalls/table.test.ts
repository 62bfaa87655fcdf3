import assert from "node:assert/strict";
import test from "node:test";
import {
  type Argument,
  FixtureMachine,
  SyscallFixture,
  withProcess,
} from "../../tests/support/syscall-fixture.ts";
import { findSignature, type Signature } from "../abi/signatures.ts";
import * as clock from "./clock.ts";
import * as environment from "./environment.ts";
import * as fdCreate from "./fd-create.ts";
import * as fdDirectory from "./fd-directory.ts";
import * as fdStatus from "./fd-status.ts";
import * as fd from "./fd.ts";
import * as pathOpen from "./path-open.ts";
import * as path from "./path.ts";
import * as poll from "./poll.ts";
import * as process from "./process.ts";
import { listSyscalls } from "./table-list.ts";
import type { Syscall } from "./service.ts";
import { findSyscall, servedNames } from "./table.ts";
import * as thread from "./thread.ts";
import * as tty from "./tty.ts";
import * as unsupported from "./unsupported.ts";
import * as workingDirectory from "./working-directory.ts";

function signatureOf({ module, name }: Syscall): Signature {
  const signature = findSignature(module, name);
  assert.ok(signature, `${module}.${name}`);
  return signature;
}

test("every import of the ABI has a row, and every row is an import", () => {
  const listed = listSyscalls().map(({ module, name }) => `${module}.${name}`);
  assert.equal(new Set(listed).size, listed.length);
  assert.deepEqual(listed.sort(), servedNames().sort());
});

test("handlers take the parameters of their calls", () => {
  for (const syscall of listSyscalls()) {
    const { name, module, handler, support } = syscall;
    const count = signatureOf(syscall).parameters.length;
    // What only answers an errno may leave parameters alone.
    if (support === "none") assert.ok(handler.length <= count + 1, `${module}.${name}`);
    else assert.equal(handler.length, count + 1, `${module}.${name}`);
  }
});

test("every handler that is written is in the table", () => {
  const families = [
    clock,
    environment,
    fd,
    fdCreate,
    fdDirectory,
    fdStatus,
    path,
    pathOpen,
    poll,
    process,
    thread,
    tty,
    unsupported,
    workingDirectory,
  ];
  const handlers = new Set<unknown>(listSyscalls().map(({ handler }) => handler));
  for (const family of families) {
    for (const [name, value] of Object.entries(family)) {
      const abiName = findSyscall("wasix_32v1", name) ?? findSyscall("wasi", name);
      if (abiName !== undefined) assert.ok(handlers.has(value), name);
    }
  }
});

test("what is not full says why", () => {
  for (const { name, support, note } of listSyscalls()) {
    assert.equal(support === "full", note === undefined, name);
  }
});

test("names are found in their modules only", () => {
  assert.equal(findSyscall("env", "fd_write"), undefined);
  assert.equal(findSyscall("wasi_unstable", "sock_accept"), undefined);
  assert.equal(findSyscall("wasi_snapshot_preview1", "fd_dup"), undefined);
  assert.equal(findSyscall("wasi", "fd_write"), undefined);
  assert.equal(findSyscall("wasix_32v1", "constructor"), undefined);
  assert.equal(findSyscall("__proto__", "fd_write"), undefined);
  assert.equal(findSyscall("wasi_unstable", "fd_seek")?.module, "wasi_unstable");
  assert.equal(findSyscall("wasi", "thread-spawn")?.handler, thread.thread_spawn);
  assert.equal(findSyscall("wasix_32v1", "thread_spawn")?.handler, thread.thread_spawn_v2);
});

/** Numbers that make bad pointers, lengths, descriptors and flags. */
const BAD: readonly number[] = [
  -1,
  0,
  1,
  3,
  255,
  65535,
  4 * 65536 - 1,
  4 * 65536,
  0x7fffffff,
  -0x80000000,
  -8,
];

function assertAnswer(syscall: Syscall, args: readonly Argument[], outcome: unknown): void {
  const { module, name } = syscall;
  const shown = `${module}.${name}(${args.join(", ")}) = ${String(outcome)}`;
  const { result } = signatureOf(syscall);
  if (outcome === "thread exit" || outcome === "process exit") return;
  if (result === "none") assert.equal(outcome, undefined, shown);
  else if (result === "i32") assert.ok(Number.isInteger(outcome), shown);
  else
    assert.ok(
      Number.isInteger(outcome) && (outcome as number) >= 0 && (outcome as number) <= 80,
      shown,
    );
}

test("no call fails on bad arguments, whatever they are", () => {
  const machine = new FixtureMachine();
  let fixture = new SyscallFixture(machine);
  for (const syscall of listSyscalls()) {
    const { parameters } = signatureOf(syscall);
    const spread = (value: number): Argument[] =>
      parameters.map(({ wasm }) => (wasm === "i64" ? BigInt(value) : value));
    const tries = BAD.map(spread);
    for (const [index, { wasm }] of parameters.entries()) {
      for (const value of BAD) {
        // Otherwise descriptor 3 and small numbers.
        const args = parameters.map(({ wasm: kind, type }): Argument =>
          kind === "i64" ? 8n : type === "fd" ? 3 : type.startsWith("pointer") ? 1024 : 8,
        );
        args[index] = wasm === "i64" ? BigInt(value) : value;
        tries.push(args);
      }
    }
    for (const args of tries) {
      const outcome = fixture.callIn(syscall.module, syscall.name, ...args);
      assertAnswer(syscall, args, outcome);
      if (fixture.isEnding) {
        fixture.end();
        fixture = new SyscallFixture(machine);
      }
    }
  }
  fixture.end();
  machine.destroy();
});

test(
  "a bad result pointer changes nothing",
  withProcess((fixture) => {
    const out = 4 * 65536 - 1;
    fixture.do("path_create_directory", 3, ...fixture.path("d"));
    const before = fixture.openCount();
    const at = fixture.path("new");
    const calls: [string, ...Argument[]][] = [
      ["path_open", 3, 0, ...at, 1, -1n, -1n, 0, out],
      ["path_open2", 3, 0, ...at, 1, -1n, -1n, 0, 0, out],
      ["fd_dup", 1, out],
      ["fd_dup2", 1, 10, 0, out],
      ["fd_event", 0n, 0, out],
      ["fd_pipe", out, 8],
      ["fd_pipe", 8, out],
      ["fd_write", 1, ...fixture.buffers([fixture.put("lost"), 4]), out],
      ["fd_seek", 3, 0n, 0, out],
      ["poll_oneoff", 0, 0, 1, out],
    ];
    for (const [name, ...args] of calls) assert.equal(fixture.call(name, ...args), 78, name);
    assert.equal(fixture.openCount(), before);
    assert.equal(fixture.output(), "");
    assert.equal(fixture.call("path_filestat_get", 3, 0, ...at, 8), 44);
  }),
);
