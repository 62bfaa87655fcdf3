import assert from "node:assert/strict";
import test from "node:test";
import { callNames, callType, pointerParameters } from "./call-types.ts";
import { findSignature, signatures, wasiUnstableNames } from "./signatures.ts";

const unstable = wasiUnstableNames().map((name) => ({ module: "wasi_unstable", name }));
const imports = [...signatures(), ...unstable];

test("the type of each import is that of its signature", () => {
  for (const { module, name } of imports) {
    const { parameters, result } = findSignature(module, name)!;
    const expected = {
      parameters: parameters.map(({ wasm }) => wasm),
      results: result === "errno" || result === "i32" ? ["i32"] : [],
    };
    assert.deepEqual(callType(module, name), expected, `${module}.${name}`);
  }
});

test("the imports are those of the ABI, and no others", () => {
  const names = new Set(callNames());
  assert.deepEqual(
    [...names].sort(),
    imports.map(({ module, name }) => `${module}.${name}`).sort(),
  );
  for (const [module, name] of [
    ["wasi", "fd_read"],
    ["wasi_unstable", "sock_accept"],
    ["wasix_32v1", "thread-spawn"],
    ["wasix_32v1", "fd_read fd_write"],
    ["wasi_snapshot_preview1", ">ii"],
    ["env", "fd_read"],
  ])
    assert.equal(callType(module, name), undefined, `${module}.${name}`);
});

test("pointers and sizes are wide in wasix_64v1, and nothing else is", () => {
  assert.deepEqual(callType("wasix_64v1", "fd_read")?.parameters, ["i32", "i64", "i64", "i64"]);
  assert.deepEqual(callType("wasix_64v1", "futex_wait")?.parameters, ["i64", "i32", "i64", "i64"]);
  assert.deepEqual(pointerParameters("wasix_64v1", "fd_seek"), [3]);
  assert.equal(callType("wasix_64v1", "thread-spawn"), undefined);
  for (const { module, name, parameters } of signatures()) {
    if (module !== "wasix_32v1") continue;
    const wide = callType("wasix_64v1", name)!.parameters;
    const pointers = pointerParameters(module, name);
    parameters.forEach(({ wasm, direction }, index) => {
      const isPointer = pointers.includes(index);
      assert.equal(wide[index], isPointer ? "i64" : wasm, name);
      if (direction !== undefined) assert.ok(isPointer, `${name}: ${index}`);
    });
  }
});
