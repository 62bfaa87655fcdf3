import assert from "node:assert/strict";
import test from "node:test";
import { text, unsigned, vector } from "../../tests/support/wasm-builder.ts";
import { readGlobalNames } from "./tool-sections.ts";
import { WasmReader } from "./wasm-binary.ts";

const subsection = (kind: number, ...entries: [number, string][]) => {
  const content = vector(entries.map(([index, name]) => [...unsigned(index), ...text(name)]));
  return [kind, ...unsigned(content.length), ...content];
};

const read = (content: number[]) =>
  readGlobalNames(new WasmReader(Uint8Array.from(content), 0, content.length));

test("names of globals are read, those of functions and of the module are passed over", () => {
  const moduleName = [0, 2, ...text("m")];
  const functions = subsection(1, [0, "main"]);
  const globals = subsection(7, [0, "__stack_pointer"], [3, "__heap_base"]);
  assert.deepEqual(
    read([...moduleName, ...functions, ...globals]),
    new Map([
      [0, "__stack_pointer"],
      [3, "__heap_base"],
    ]),
  );
});

test("a broken name section reads as far as it goes", () => {
  const whole = subsection(7, [0, "first"], [1, "second"]);
  assert.deepEqual(read([7, 200, 1]), new Map());
  const overrunning = [7, whole.length - 2, 9, ...whole.slice(3)];
  const found = read(overrunning);
  assert.deepEqual([found.get(0), found.get(1)], ["first", "second"]);
});
