import assert from "node:assert/strict";
import test from "node:test";
import {
  buildModule,
  customSection,
  exportEntry,
  functionType,
  importEntry,
  Kind,
  text,
  unsigned,
  vector,
} from "../../tests/support/wasm-builder.ts";
import { functionNames } from "./tool-sections.ts";

const names = (...entries: [number, string][]) => {
  const content = vector(entries.map(([index, name]) => [...unsigned(index), ...text(name)]));
  return [1, ...unsigned(content.length), ...content];
};

const moduleWith = (content: number[]) =>
  buildModule({
    types: [functionType([], [])],
    imports: [importEntry("env", "f", Kind.function, [0])],
    functions: [
      { type: 0, code: [] },
      { type: 0, code: [] },
    ],
    exports: [
      exportEntry("_start", Kind.function, 1),
      exportEntry("run", Kind.function, 2),
      exportEntry("alias", Kind.function, 2),
    ],
    after: [customSection("name", content)],
  });

test("functions are named by the name section, then by their exports", () => {
  const moduleName = [0, 2, ...text("m")];
  assert.deepEqual(
    functionNames(moduleWith([...moduleName, ...names([0, "imported"], [1, "main"])])),
    new Map([
      [0, "imported"],
      [1, "main"],
      [2, "run"],
    ]),
  );
});

test("a broken name section reads as far as it goes", () => {
  const whole = names([0, "imported"], [1, "main"]);
  const exported = new Map([
    [1, "_start"],
    [2, "run"],
  ]);
  assert.deepEqual(functionNames(moduleWith([1, 200, 1])), exported);
  const overrunning = [1, whole.length - 2, 9, ...whole.slice(3)];
  const found = functionNames(moduleWith(overrunning));
  assert.deepEqual([found.get(0), found.get(1), found.get(2)], ["imported", "main", "run"]);
  assert.deepEqual(functionNames(Uint8Array.of(1, 2, 3)), new Map());
});
