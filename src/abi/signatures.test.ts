import assert from "node:assert/strict";
import test from "node:test";
import { findSignature, signatures, wasiUnstableNames } from "./signatures.ts";

const count = (module: string) => signatures().filter((call) => call.module === module).length;
const wasm = (module: string, name: string) =>
  findSignature(module, name)
    ?.parameters.map((parameter) => parameter.wasm)
    .join(" ");

test("every import is listed once", () => {
  assert.equal(count("wasi_snapshot_preview1"), 47);
  assert.equal(count("wasix_32v1"), 141);
  assert.equal(count("wasi"), 1);
  assert.equal(new Set(signatures().map(({ module, name }) => `${module}.${name}`)).size, 189);
});

test("a call tells the names, types and directions of its parameters", () => {
  assert.deepEqual(findSignature("wasi_snapshot_preview1", "fd_pread"), {
    module: "wasi_snapshot_preview1",
    name: "fd_pread",
    parameters: [
      { name: "fd", wasm: "i32", type: "fd" },
      { name: "iovs", wasm: "i32", type: "pointer<iovec>", direction: "in" },
      { name: "iovs_len", wasm: "i32", type: "size" },
      { name: "offset", wasm: "i64", type: "filesize" },
      { name: "retptr0", wasm: "i32", type: "pointer<size>", direction: "out" },
    ],
    result: "errno",
  });
  assert.deepEqual(findSignature("wasix_32v1", "getcwd")?.parameters[1], {
    name: "path_len",
    wasm: "i32",
    type: "pointer<pointersize>",
    direction: "inout",
  });
  assert.deepEqual(
    findSignature("wasi_snapshot_preview1", "args_get")?.parameters[0]?.type,
    "pointer<pointer<u8>>",
  );
  assert.deepEqual(
    findSignature("wasi_snapshot_preview1", "args_sizes_get")?.parameters.map(({ name }) => name),
    ["retptr0", "retptr1"],
  );
});

test("what is 64 bits wide is passed as i64", () => {
  assert.equal(wasm("wasi_snapshot_preview1", "path_open"), "i32 i32 i32 i32 i32 i64 i64 i32 i32");
  assert.equal(wasm("wasi_snapshot_preview1", "fd_seek"), "i32 i64 i32 i32");
  assert.equal(wasm("wasix_32v1", "fd_event"), "i64 i32 i32");
  assert.equal(wasm("wasix_32v1", "context_switch"), "i64");
  assert.equal(wasm("wasix_32v1", "epoll_wait"), "i32 i32 i32 i64 i32");
  assert.equal(wasm("wasix_32v1", "stack_restore"), "i32 i64");
});

test("results other than an errno are told", () => {
  const result = (module: string, name: string) => findSignature(module, name)?.result;
  assert.equal(result("wasi_snapshot_preview1", "proc_exit"), "noreturn");
  assert.equal(result("wasix_32v1", "callback_signal"), "none");
  assert.equal(result("wasix_32v1", "proc_exit2"), "none");
  assert.equal(result("wasi", "thread-spawn"), "i32");
  assert.equal(result("wasix_32v1", "proc_snapshot"), "errno");
});

test("wasix_32v1 repeats preview1, except for accept, which tells the address there", () => {
  assert.equal(wasm("wasix_32v1", "fd_write"), wasm("wasi_snapshot_preview1", "fd_write"));
  assert.equal(findSignature("wasix_32v1", "fd_write")?.module, "wasix_32v1");
  assert.equal(wasm("wasi_snapshot_preview1", "sock_accept"), "i32 i32 i32");
  assert.equal(wasm("wasix_32v1", "sock_accept"), "i32 i32 i32 i32");
});

test("the first snapshot is found under its own module name", () => {
  assert.equal(wasiUnstableNames().length, 46);
  assert.equal(findSignature("wasi_unstable", "fd_write")?.name, "fd_write");
  assert.equal(findSignature("wasi_unstable", "sock_accept"), undefined);
  assert.equal(findSignature("wasi_unstable", "fd_dup"), undefined);
  assert.equal(findSignature("env", "fd_write"), undefined);
});
