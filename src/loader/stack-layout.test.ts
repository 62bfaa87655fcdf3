import assert from "node:assert/strict";
import test from "node:test";
import {
  buildModule,
  exportEntry,
  i32Global,
  i64Global,
  Kind,
} from "../../tests/support/wasm-builder.ts";
import { describeModule } from "./module-description.ts";
import { ModuleError } from "./module-error.ts";
import { mainStackLayout } from "./stack-layout.ts";

/** The layout of a module that exports these constant globals. */
function layoutOf(values: Record<string, number | bigint>) {
  const names = Object.keys(values);
  const bytes = buildModule({
    globals: Object.values(values).map((value) =>
      typeof value === "bigint" ? i64Global(value) : i32Global(value, true),
    ),
    exports: names.map((name, index) => exportEntry(name, Kind.global, index)),
  });
  return mainStackLayout(describeModule(bytes));
}

const MIB = 1024 * 1024;

test("a stack before the data reaches down to 0", () => {
  const layout = layoutOf({ __stack_pointer: MIB, __data_end: MIB + 5000, __heap_base: 2 * MIB });
  assert.deepEqual(layout, { upper: MIB, lower: 0, size: MIB, guard: 0, tlsBase: 0 });
});

test("a stack after the data reaches down to the data's end", () => {
  const layout = layoutOf({ __stack_pointer: 70_000, __data_end: 4464, __tls_base: 1024 });
  assert.deepEqual(layout, { upper: 70_000, lower: 4464, size: 65_536, guard: 0, tlsBase: 1024 });
});

test("__stack_high and __stack_low come first; a lower end above the upper one is 0", () => {
  const bounds = { __stack_high: 9000, __stack_low: 800, __stack_pointer: 5000, __data_end: 700 };
  assert.deepEqual([layoutOf(bounds).upper, layoutOf(bounds).lower], [9000, 800]);
  assert.equal(layoutOf({ ...bounds, __stack_low: 9000 }).lower, 0);
});

test("addresses are unsigned, and 64-bit globals are read too", () => {
  assert.equal(layoutOf({ __stack_pointer: -65_536 }).upper, 2 ** 32 - 65_536);
  assert.equal(layoutOf({ __stack_pointer: BigInt(3 * MIB) }).upper, 3 * MIB);
});

test("a module that says nothing has the usual megabyte; a stack at address 0 is refused", () => {
  assert.equal(mainStackLayout(describeModule(buildModule({}))).upper, MIB);
  assert.equal(layoutOf({ __tls_base: 0 }).tlsBase, 0);
  assert.throws(
    () => layoutOf({ __stack_high: 0 }),
    (error) => error instanceof ModuleError && error.code === "ERR_STACK",
  );
});
