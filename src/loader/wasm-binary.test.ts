import assert from "node:assert/strict";
import test from "node:test";
import {
  customSection,
  HEADER,
  moduleOf,
  section,
  signed,
  text,
  unsigned,
} from "../../tests/support/wasm-builder.ts";
import { tellForeign } from "./foreign-format.ts";
import { ModuleError } from "./module-error.ts";
import { readSections, WasmReader } from "./wasm-binary.ts";

const reader = (...bytes: number[]) => new WasmReader(Uint8Array.from(bytes));

function refusal(run: () => unknown): ModuleError {
  try {
    run();
  } catch (error) {
    assert(error instanceof ModuleError, String(error));
    return error;
  }
  assert.fail("was accepted");
}

test("unsigned numbers: every width, padding, and what does not fit", () => {
  for (const value of [0, 1, 127, 128, 65_536, 2 ** 31, 2 ** 32 - 1]) {
    assert.equal(reader(...unsigned(value)).unsigned(), value);
  }
  for (const value of [2 ** 32, 2 ** 48, 2 ** 53]) {
    assert.equal(reader(...unsigned(value)).unsigned(64), value);
  }
  assert.equal(reader(...unsigned(2n ** 64n - 1n)).unsigned(64), 2 ** 64);
  assert.equal(reader(0x83, 0x80, 0x80, 0x80, 0x00).unsigned(), 3);
  const tooWide = refusal(() => reader(0xff, 0xff, 0xff, 0xff, 0x1f).unsigned());
  assert.match(tooWide.message, /does not fit in 32 bits/);
  assert.equal(tooWide.offset, 0);
  refusal(() => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).unsigned());
  refusal(() => reader(...unsigned(2n ** 64n)).unsigned(64));
  refusal(() => reader(0x80, 0x80).unsigned());
});

test("signed numbers: sign, extremes, and what does not fit", () => {
  for (const value of [0n, -1n, 63n, 64n, -64n, -65n, 2n ** 31n - 1n, -(2n ** 31n)]) {
    assert.equal(reader(...signed(value)).signed(32), value);
  }
  for (const value of [2n ** 63n - 1n, -(2n ** 63n)]) {
    assert.equal(reader(...signed(value)).signed(64), value);
  }
  assert.equal(reader(0xff, 0xff, 0xff, 0xff, 0x7f).signed(32), -1n);
  refusal(() => reader(0xff, 0xff, 0xff, 0xff, 0x0f).signed(32));
  refusal(() => reader(...signed(2n ** 31n)).signed(32));
  refusal(() => reader(...signed(2n ** 63n)).signed(64));
});

test("a count never exceeds the bytes that could hold it", () => {
  assert.match(
    refusal(() => reader(...unsigned(4_000_000_000), 0, 0).count("imports")).message,
    /4000000000 imports are announced in 2 bytes/,
  );
  const limit = refusal(() => reader(3, 0, 0, 0).count("fields", 2));
  assert.equal(limit.code, "ERR_MODULE_LIMIT");
});

test("names: UTF-8 is checked, a byte order mark is kept, shared bytes are read", () => {
  assert.equal(reader(...text("naïve\ufeff 🧵")).text(), "naïve\ufeff 🧵");
  assert.equal(reader(...text("\ufeffx")).text(), "\ufeffx");
  assert.match(refusal(() => reader(2, 0xc3, 0x28).text()).message, /not UTF-8/);
  assert.equal(reader(2, 0xc3, 0x28).text(true), "\ufffd(");
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  shared.set(text("memory"));
  assert.equal(new WasmReader(shared).text(), "memory");
});

test("sections are walked by their headers", () => {
  const bytes = moduleOf(customSection("a", [1, 2]), section(1, [0]), section(10, [0]));
  const found = [...readSections(bytes)];
  assert.deepEqual(
    found.map(({ id, header, start, end }) => [id, header, end - start]),
    [
      [0, 8, 4],
      [1, 14, 1],
      [10, 17, 1],
    ],
  );
  assert.equal(found[2].end, bytes.length);
});

test("sections cut off, unknown, repeated or out of order are refused with their place", () => {
  const cut = refusal(() => [...readSections(moduleOf([1, 200, 1, 0]))]);
  assert.equal(cut.code, "ERR_MALFORMED");
  assert.equal(cut.offset, 8);
  assert.match(cut.message, /type section announces 200 bytes, 1 are left.*0x8/);
  assert.match(
    refusal(() => [...readSections(moduleOf([99, 0]))]).message,
    /section number 99 is not known/,
  );
  for (const sections of [
    [section(1, [0]), section(1, [0])],
    [section(3, [0]), section(2, [0])],
    [section(6, [0]), section(13, [0])],
    [section(12, [0]), section(12, [0])],
  ]) {
    assert.match(
      refusal(() => [...readSections(moduleOf(...sections))]).message,
      /repeated or out of order|second dataCount/,
    );
  }
});

test("a file that is no module is named for what it is", () => {
  const bytes = (content: string) => new TextEncoder().encode(content);
  const gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0];
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /an empty file/],
    [Uint8Array.from(gzip), /gzip-compressed/],
    [bytes("PK\x03\x04......"), /ZIP archive/],
    [bytes("\x7fELF\x02\x01\x01"), /ELF file.*build the program for wasm32-wasi/],
    [bytes("MZ\x90"), /Windows executable/],
    [bytes("\0webc001"), /WEBC package/],
    [bytes("!<arch>\nfoo"), /static library/],
    [bytes("#!/bin/sh\n"), /script/],
    [bytes("\ufeff ;; comment\n (module (func))"), /WebAssembly text: assemble it/],
    [bytes("(module)"), /WebAssembly text/],
    [bytes("\n<!DOCTYPE html><title>404"), /HTML page/],
    [bytes("hello"), /begins with 68 65 6c 6c instead of/],
  ];
  for (const [content, expected] of cases) {
    const error = refusal(() => [...readSections(content)]);
    assert.equal(error.code, "ERR_NOT_WASM");
    const told = tellForeign(error, content);
    assert.match((told as ModuleError).message, expected);
  }
});

test("a module cut inside its header, a component and another version are told apart", () => {
  const told = (bytes: Uint8Array) =>
    tellForeign(
      refusal(() => [...readSections(bytes)]),
      bytes,
    ) as ModuleError;
  for (let length = 1; length < 8; length++) {
    const cut = told(Uint8Array.from(HEADER.slice(0, length)));
    assert.equal(cut.code, "ERR_MALFORMED");
    assert.match(cut.message, /cut off inside its header/);
  }
  const header = (...tail: number[]) => Uint8Array.from([0, 0x61, 0x73, 0x6d, ...tail]);
  const component = told(header(0x0d, 0, 1, 0));
  assert.equal(component.code, "ERR_COMPONENT");
  assert.match(component.message, /is a component.*wasm32-wasip1/);
  assert.equal(told(header(2, 0, 0, 0)).code, "ERR_WASM_VERSION");
});
