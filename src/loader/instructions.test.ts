import assert from "node:assert/strict";
import test from "node:test";
import {
  body,
  exportEntry,
  FUNCREF,
  functionType,
  I32,
  i32Global,
  Kind,
  limits,
  moduleOf,
  section,
  Section,
  SHARED,
  unsigned,
  vector,
} from "../../tests/support/wasm-builder.ts";
import { readNumber, skipImmediates, skipLocals } from "./instructions.ts";

/** Bytes of one instruction with immediates that are not all zero, as text. */
const INSTRUCTIONS: Readonly<Record<string, string>> = {
  "block of nothing": "02 40",
  "loop of a type": "03 85 01",
  "if of a reference": "04 63 83 00",
  "try of i32": "06 7f",
  br_table: "0e 02 01 80 01 00",
  "br_table of one": "0e 00 05",
  "call with a padded index": "10 81 80 80 80 00",
  call_indirect: "11 05 81 00",
  delegate: "18 00",
  "select of types": "1c 02 64 01 7f",
  try_table: "1f 40 04 00 01 02 01 81 01 00 02 00 03 80 01",
  "i32.load at a far offset": "28 02 ff ff ff ff 0f",
  "i32.load of memory 1": "28 42 01 10",
  "i64.load with a padded alignment": "29 83 00 00",
  "i64.const": "42 80 80 80 80 80 80 80 80 80 7f",
  "f32.const": "43 ff ff ff ff",
  "f64.const": "44 ff ff ff ff ff ff ff ff",
  "ref.null func": "d0 70",
  br_on_cast: "fb 18 03 01 02 6b",
  "br_on_cast_fail with long types": "fb 19 00 81 01 82 01 83 01",
  "struct.get": "fb 02 81 01 05",
  "ref.cast null": "fb 17 6a",
  "memory.init": "fc 08 85 01 00",
  "memory.copy between memories": "fc 0a 01 00",
  "table.size": "fc 10 81 00",
  "i64.add128": "fc 13",
  "v128.const": "fd 0c ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff",
  "i8x16.shuffle": "fd 0d 1f 1f 1f 1f 1f 1f 1f 1f 1f 1f 1f 1f 1f 1f 1f 1f",
  "v128.load8_lane": "fd 54 00 85 01 0f",
  "v128.load8_lane of memory 1": "fd 54 40 01 05 0f",
  "i8x16.extract_lane_s": "fd 15 0f",
  "i32x4.relaxed_trunc_f32x4_s": "fd 81 02",
  "memory.atomic.wait64": "fe 02 03 88 01",
  "atomic.fence": "fe 03 00",
  "i32.atomic.rmw.add with a padded operation": "fe 9e 00 02 00",
};

test("each instruction reaches as far as its immediates", () => {
  for (const [name, text] of Object.entries(INSTRUCTIONS)) {
    const bytes = Uint8Array.from(text.split(" "), (byte) => parseInt(byte, 16));
    const padded = Uint8Array.from([...bytes, 0xff, 0xff]);
    assert.equal(skipImmediates(padded, bytes[0], 1), bytes.length, name);
  }
});

test("what is not known, or does not end, is said so", () => {
  const refused = ["ff", "27 00", "fb 7f", "fc 12", "fd 94 02", "fe 04", "fe 4f", "28 20 00"];
  // Tables that announce four billion entries.
  refused.push("0e ff ff ff ff 0f 00", "1c ff ff ff ff 0f 7f", "1f 40 ff ff ff ff 0f 00");
  for (const text of refused) {
    const bytes = Uint8Array.from(text.split(" "), (byte) => parseInt(byte, 16));
    assert.equal(skipImmediates(bytes, bytes[0], 1), -1, text);
  }
  assert.equal(skipLocals(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0x7f), 0), -1);
  assert.equal(skipLocals(Uint8Array.of(2, 0x81, 0x01, 0x7f, 1, 0x63, 0x81, 0x01, 0x0b), 0), 8);
  assert.equal(readNumber(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), 0), 0xffff_ffff);
});

/** A module with one of everything at index 0, where type 0 is `type`, and a function of this code. */
function moduleWith(type: readonly number[], code: readonly number[]): Uint8Array<ArrayBuffer> {
  return moduleOf(
    section(Section.type, vector([type, functionType([], [])])),
    section(Section.function, vector([unsigned(1)])),
    section(Section.table, vector([[FUNCREF, ...limits(1)]])),
    section(Section.memory, vector([limits(1, 1, SHARED)])),
    section(Section.tag, vector([[0, 1]])),
    section(Section.global, vector([i32Global(0, true)])),
    section(Section.export, vector([exportEntry("f", Kind.function, 0)])),
    section(Section.element, vector([[1, 0, ...vector([[0]])]])),
    section(12, unsigned(1)),
    section(Section.code, vector([body(code)])),
    section(Section.data, vector([[1, 0]])),
  );
}

test("the engine agrees how far each instruction reaches", () => {
  const types = [
    functionType([], []),
    [0x5f, 1, I32, 1],
    [0x5e, I32, 1],
    [0x5e, FUNCREF, 1],
  ].filter((type) => WebAssembly.validate(moduleWith(type, [])));
  // After `unreachable` any operands are there; what the instruction leaves has to be dropped, and a block to be ended. With a zero too few, the
  // first byte of that is read as an immediate; zeros too many are `unreachable` again.
  const suffixes = [[], [0x1a], [0x1a, 0x1a], [0x0b]];
  const isValid = (instruction: readonly number[], zeros: number, suffix: readonly number[]) =>
    types.some((type) => {
      const code = [0x00, ...instruction, ...Array<number>(zeros).fill(0), ...suffix];
      return WebAssembly.validate(moduleWith(type, code));
    });
  const prefixed = [0xfb, 0xfc, 0xfd, 0xfe].flatMap((prefix) =>
    Array.from({ length: 0x120 }, (_, operation) => [prefix, ...unsigned(operation)]),
  );
  const single = Array.from({ length: 0xfb }, (_, opcode) => [opcode]);
  let agreed = 0;
  for (const opcode of [...single, ...prefixed]) {
    // The alignment of atomic instructions has to be the natural one.
    for (const first of opcode[0] === 0xfe ? [[0], [1], [2], [3]] : [[]]) {
      const instruction = [...opcode, ...first];
      const name = Buffer.from(instruction).toString("hex");
      const padded = Uint8Array.from([...instruction, ...Array<number>(24).fill(0)]);
      const next = skipImmediates(padded, instruction[0], 1);
      const zeros = next - instruction.length;
      const suffix = suffixes.find((bytes) => zeros >= 0 && isValid(instruction, zeros, bytes));
      if (suffix === undefined) {
        assert(!isValid(instruction, zeros + 20, []), `${name} is longer, or not known`);
      } else {
        assert(zeros === 0 || !isValid(instruction, zeros - 1, suffix), `${name} is shorter`);
        agreed++;
      }
    }
  }
  assert(agreed > 500, `only ${agreed} instructions were valid`);
});
