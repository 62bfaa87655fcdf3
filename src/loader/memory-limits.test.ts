import assert from "node:assert/strict";
import test from "node:test";
import {
  buildModule,
  customSection,
  exportEntry,
  functionType,
  importEntry,
  Kind,
  limits,
  SHARED,
  WIDE,
} from "../../tests/support/wasm-builder.ts";
import { limitMemory } from "./memory-limits.ts";
import { describeModule } from "./module-description.ts";
import { ModuleError } from "./module-error.ts";

const limited = (bytes: Uint8Array, pages: number) =>
  limitMemory(bytes, describeModule(bytes), pages);

/** A module with one memory, sections before and after it, and an export `grow(pages) -> i32`. */
function growing(...memories: number[][]): Uint8Array<ArrayBuffer> {
  return buildModule({
    types: [functionType([0x7f], [0x7f])],
    functions: [{ type: 0, code: [0x20, 0, 0x40, 0] }],
    memories,
    exports: [exportEntry("grow", Kind.function, 0), exportEntry("memory", Kind.memory, 0)],
    after: [customSection("tail", [1, 2, 3])],
  });
}

test("a memory without maximum gets one, and the engine keeps it", () => {
  const bytes = growing(limits(2));
  const kept = Uint8Array.from(bytes);
  const rewritten = limited(bytes, 300);
  assert.deepEqual(bytes, kept, "the given bytes are not changed");
  const description = describeModule(rewritten);
  assert.deepEqual(description.memories[0], { ...describeModule(bytes).memories[0], maximum: 300 });
  assert.deepEqual(description.customSections, ["tail"]);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(rewritten)));
  const grow = instance.exports.grow as (pages: number) => number;
  assert.equal(grow(298), 2);
  assert.equal(grow(1), -1);
});

test("a larger maximum is lowered; a smaller or equal one leaves the bytes themselves", () => {
  assert.equal(describeModule(limited(growing(limits(1, 65_536)), 64)).memories[0].maximum, 64);
  for (const maximum of [10, 64]) {
    const bytes = growing(limits(1, maximum));
    assert.equal(limited(bytes, 64), bytes);
  }
  const without = buildModule({});
  assert.equal(limited(without, 64), without);
});

test("shared, 64-bit and several memories keep what else they say", () => {
  const bytes = growing(
    limits(1, 65_536, SHARED),
    limits(5, 2 ** 48, WIDE),
    limits(7, undefined, WIDE),
    limits(3, 4),
  );
  const page = { pageSize: 65_536 };
  assert.deepEqual(describeModule(limited(bytes, 1000)).memories, [
    { minimum: 1, maximum: 1000, shared: true, memory64: false, ...page },
    { minimum: 5, maximum: 1000, shared: false, memory64: true, ...page },
    { minimum: 7, maximum: 1000, shared: false, memory64: true, ...page },
    { minimum: 3, maximum: 4, shared: false, memory64: false, ...page },
  ]);
});

test("pages of another size are counted by their bytes", () => {
  const bytes = growing([8, 100, 0]);
  const [memory] = describeModule(limited(bytes, 2)).memories;
  assert.deepEqual([memory.pageSize, memory.minimum, memory.maximum], [1, 100, 131_072]);
});

test("a limit below the start is an error with both sizes, for own and imported memories", () => {
  const refuses = (bytes: Uint8Array, message: RegExp) =>
    assert.throws(
      () => limited(bytes, 16),
      (error) =>
        error instanceof ModuleError &&
        error.code === "ERR_MEMORY_LIMIT" &&
        message.test(error.message),
    );
  refuses(growing(limits(32)), /the memory needs 32 pages \(2 MiB\).*limit is 16 pages \(1 MiB\)/);
  const importing = (minimum: number) =>
    buildModule({ imports: [importEntry("env", "memory", Kind.memory, limits(minimum, 65_536))] });
  refuses(importing(17), /the imported memory needs 17 pages/);
  const bytes = importing(16);
  assert.equal(limited(bytes, 16), bytes);
});
