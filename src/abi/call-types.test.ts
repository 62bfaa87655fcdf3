import assert from "node:assert/strict";
import test from "node:test";
import { callType } from "./call-types.ts";
import { findSignature, signatures, wasiUnstableNames } from "./signatures.ts";

test("the type of each import is that of its signature", () => {
  const unstable = wasiUnstableNames().map((name) => ({ module: "wasi_unstable", name }));
  for (const { module, name } of [...signatures(), ...unstable]) {
    const { parameters, result } = findSignature(module, name)!;
    const expected = {
      parameters: parameters.map(({ wasm }) => wasm),
      results: result === "errno" || result === "i32" ? ["i32"] : [],
    };
    assert.deepEqual(callType(module, name), expected, `${module}.${name}`);
  }
});
