import assert from "node:assert/strict";
import test from "node:test";
import { callNames, callType } from "./call-types.ts";
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
