/**
 * Types and constant expressions that few modules have: references, structures and arrays, groups of types, vectors, arithmetic. Also the words for what no module may have in
 * their place. See `wasm-types.ts`, whose source this shares.
 */
import { Limit, type WasmReader } from "./wasm-binary.ts";
import {
  FUNCTION,
  type RareTypes,
  readConstantExpression,
  readTableType,
  readValueType,
  readValueTypes,
} from "./wasm-types.ts";

/** Types of fields that are smaller than a value. */
const PACKED_TYPES: Readonly<Record<number, string>> = { 0x78: "i8", 0x77: "i16" };

const HEAP_TYPES: Readonly<Record<number, string>> = {
  0x75: "nocont",
  0x74: "noexn",
  0x73: "nofunc",
  0x72: "noextern",
  0x71: "none",
  0x70: "func",
  0x6f: "extern",
  0x6e: "any",
  0x6d: "eq",
  0x6c: "i31",
  0x6b: "struct",
  0x6a: "array",
  0x69: "exn",
  0x68: "cont",
};

function readHeapType(reader: WasmReader): string {
  const start = reader.offset;
  const type = Number(reader.signed(33));
  return type >= 0
    ? String(type)
    : (HEAP_TYPES[type + 0x80] ?? reader.fail("a heap type is not known", start));
}

function skipField(reader: WasmReader): void {
  readValueType(reader);
  if (reader.byte() > 1) reader.fail("a field is neither constant nor variable", reader.offset - 1);
}

/** Walks one type, which may be of a group. */
function readType(reader: WasmReader, offsets: number[]): void {
  const start = reader.offset;
  let form = reader.byte();
  if (form === 0x50 || form === 0x4f) {
    for (let left = reader.count("supertypes"); left > 0; left--) reader.unsigned();
    form = reader.byte();
  }
  offsets.push(form === FUNCTION ? reader.offset : 0);
  if (form === FUNCTION) {
    readValueTypes(reader);
    readValueTypes(reader);
  } else if (form === 0x5f) {
    for (let left = reader.count("fields"); left > 0; left--) skipField(reader);
  } else if (form === 0x5e) {
    skipField(reader);
  } else if (form === 0x5d) {
    readHeapType(reader);
  } else {
    reader.fail(`0x${form.toString(16)} does not open a known type`, start);
  }
}

export const rareTypes: RareTypes = {
  readValueType(reader, byte) {
    const start = reader.offset - 1;
    if (byte === 0x63) return `(ref null ${readHeapType(reader)})`;
    if (byte === 0x64) return `(ref ${readHeapType(reader)})`;
    const heapType = HEAP_TYPES[byte];
    if (heapType !== undefined) return `${heapType}ref`;
    return (
      PACKED_TYPES[byte] ?? reader.fail(`0x${byte.toString(16)} is not a known value type`, start)
    );
  },

  readTypes(reader, offsets) {
    let members = 1;
    const room = Limit.entries - offsets.length;
    if (reader.left > 0 && reader.bytes[reader.offset] === 0x4e) {
      reader.byte();
      members = reader.count("types of a recursive group", room);
    }
    for (; members > 0; members--) readType(reader, offsets);
  },

  readFilledTable(reader) {
    reader.byte();
    if (reader.byte() !== 0)
      reader.fail("a table definition of an unknown form", reader.offset - 1);
    const type = readTableType(reader);
    readConstantExpression(reader);
    return type;
  },

  skipOperands(reader, opcode) {
    const start = reader.offset - 1;
    switch (opcode) {
      case 0x43: // f32.const
        return reader.skip(4);
      case 0x44: // f64.const
        return reader.skip(8);
      case 0xd0: // ref.null
        readHeapType(reader);
        return;
      case 0x6a: // i32.add, sub, mul
      case 0x6b:
      case 0x6c:
      case 0x7c: // i64.add, sub, mul
      case 0x7d:
      case 0x7e:
        return;
      case 0xfd: // v128.const
        if (reader.unsigned() !== 0x0c) reader.fail("a vector instruction is not constant", start);
        return reader.skip(16);
      case 0xfb: {
        const operation = reader.unsigned();
        // struct.new, struct.new_default, array.new, array.new_default, array.new_fixed name a type; the conversions and
        // ref.i31 name nothing.
        if ([0, 1, 6, 7, 8].includes(operation)) reader.unsigned();
        else if (![0x1a, 0x1b, 0x1c].includes(operation)) {
          reader.fail("a reference instruction is not constant", start);
        }
        if (operation === 8) reader.unsigned();
        return;
      }
      default:
        reader.fail(`opcode 0x${opcode.toString(16)} is not constant`, start);
    }
  },
};
