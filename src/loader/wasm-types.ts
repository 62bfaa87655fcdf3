/**
 * Types as the binary format writes them: value types, function types, limits, and the constant expressions that
 * initialise globals. Definitions are walked once to learn where each begins; what is asked for is decoded from there.
 *
 * Source: WebAssembly Core Specification 3.0, "Types" and "Constant Expressions"; threads, memory64, garbage collection and
 * exception handling included, because current engines accept them.
 */
import { Limit, type WasmReader } from "./wasm-binary.ts";

/** A value type as text writes it: `i32`, `i64`, `f32`, `f64`, `v128`, `funcref`, `externref`, `(ref null 3)`… */
export type ValueType = string;

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Limits of a memory, in its pages. */
export interface MemoryType {
  readonly minimum: number;
  readonly maximum: number | undefined;
  readonly shared: boolean;
  /** Addresses are 64 bits wide. */
  readonly memory64: boolean;
  /** Bytes in a page: 65,536 unless the module asks otherwise. */
  readonly pageSize: number;
}

export interface TableType {
  readonly element: ValueType;
  readonly minimum: number;
  readonly maximum: number | undefined;
  readonly table64: boolean;
}

export interface GlobalType {
  readonly type: ValueType;
  readonly mutable: boolean;
  /** The initial value, when it is a plain `i32.const` (as a number) or `i64.const` (as a bigint). */
  readonly value: number | bigint | undefined;
}

const NUMBER_TYPES: Readonly<Record<number, string>> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x78: "i8",
  0x77: "i16",
};

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

/** Reads one value type. */
export function readValueType(reader: WasmReader): ValueType {
  const start = reader.offset;
  const byte = reader.byte();
  if (byte === 0x63) return `(ref null ${readHeapType(reader)})`;
  if (byte === 0x64) return `(ref ${readHeapType(reader)})`;
  const heapType = HEAP_TYPES[byte];
  if (heapType !== undefined) return `${heapType}ref`;
  return (
    NUMBER_TYPES[byte] ?? reader.fail(`0x${byte.toString(16)} is not a known value type`, start)
  );
}

function readValueTypes(reader: WasmReader, into?: ValueType[]): void {
  for (let left = reader.count("values of a function type", Limit.parameters); left > 0; left--) {
    const type = readValueType(reader);
    into?.push(type);
  }
}

/** Decodes the function type whose parameters begin at the reader's place. */
export function readFunctionType(reader: WasmReader): FunctionType {
  const parameters: ValueType[] = [];
  const results: ValueType[] = [];
  readValueTypes(reader, parameters);
  readValueTypes(reader, results);
  return { parameters, results };
}

function skipField(reader: WasmReader): void {
  readValueType(reader);
  if (reader.byte() > 1) reader.fail("a field is neither constant nor variable", reader.offset - 1);
}

/**
 * Walks a type section. Returns, for each type index, the offset where that function type's parameters begin, or 0 when
 * the type is a structure, an array or a continuation.
 */
export function readTypeSection(reader: WasmReader): number[] {
  const offsets: number[] = [];
  for (let groups = reader.count("types"); groups > 0; groups--) {
    let members = 1;
    const room = Limit.entries - offsets.length;
    if (reader.left > 0 && reader.bytes[reader.offset] === 0x4e) {
      reader.byte();
      members = reader.count("types of a recursive group", room);
    }
    for (; members > 0; members--) {
      const start = reader.offset;
      let form = reader.byte();
      if (form === 0x50 || form === 0x4f) {
        for (let left = reader.count("supertypes"); left > 0; left--) reader.unsigned();
        form = reader.byte();
      }
      offsets.push(form === 0x60 ? reader.offset : 0);
      if (form === 0x60) {
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
  }
  reader.finish("the type section");
  return offsets;
}

const HAS_MAXIMUM = 1;
const SHARED = 2;
const WIDE = 4;
const CUSTOM_PAGE_SIZE = 8;

/** Reads the limits of a memory. */
export function readMemoryType(reader: WasmReader): MemoryType {
  const start = reader.offset;
  const flags = reader.byte();
  if (flags > 15) reader.fail(`memory limits with unknown flags 0x${flags.toString(16)}`, start);
  const width = flags & WIDE ? 64 : 32;
  const minimum = reader.unsigned(width);
  const maximum = flags & HAS_MAXIMUM ? reader.unsigned(width) : undefined;
  const pageSizeLog2 = flags & CUSTOM_PAGE_SIZE ? reader.unsigned() : 16;
  if (pageSizeLog2 > 16) reader.fail("a memory's pages are larger than 64 KiB", start);
  return {
    minimum,
    maximum,
    shared: (flags & SHARED) !== 0,
    memory64: width === 64,
    pageSize: 2 ** pageSizeLog2,
  };
}

/** Reads the type of a table. */
export function readTableType(reader: WasmReader): TableType {
  const element = readValueType(reader);
  const start = reader.offset;
  const flags = reader.byte();
  if (flags > 7) reader.fail(`table limits with unknown flags 0x${flags.toString(16)}`, start);
  const width = flags & WIDE ? 64 : 32;
  const minimum = reader.unsigned(width);
  const maximum = flags & HAS_MAXIMUM ? reader.unsigned(width) : undefined;
  return { element, minimum, maximum, table64: width === 64 };
}

/** Reads a table definition: a type, or 0x40 0x00, a type and the expression that fills it. */
export function readTableDefinition(reader: WasmReader): TableType {
  if (reader.left === 0 || reader.bytes[reader.offset] !== 0x40) return readTableType(reader);
  reader.byte();
  if (reader.byte() !== 0) reader.fail("a table definition of an unknown form", reader.offset - 1);
  const type = readTableType(reader);
  readConstantExpression(reader);
  return type;
}

/** Reads the type of a global, without its initial value. */
export function readGlobalType(reader: WasmReader): GlobalType {
  const type = readValueType(reader);
  const mutability = reader.byte();
  if (mutability > 1) reader.fail("a global is neither constant nor variable", reader.offset - 1);
  return { type, mutable: mutability === 1, value: undefined };
}

/** Reads a global definition: its type and its initial value. */
export function readGlobalDefinition(reader: WasmReader): GlobalType {
  const type = readGlobalType(reader);
  return { ...type, value: readConstantExpression(reader) };
}

/** Reads a constant expression to its end. Returns its value when it is one `i32.const` or `i64.const`. */
export function readConstantExpression(reader: WasmReader): number | bigint | undefined {
  let value: number | bigint | undefined;
  for (let instructions = 0; ; instructions++) {
    const start = reader.offset;
    const opcode = reader.byte();
    switch (opcode) {
      case 0x0b: // end
        return instructions === 1 ? value : undefined;
      case 0x41: // i32.const
        value = Number(reader.signed(32));
        break;
      case 0x42: // i64.const
        value = reader.signed(64);
        break;
      case 0x43: // f32.const
        reader.skip(4);
        break;
      case 0x44: // f64.const
        reader.skip(8);
        break;
      case 0x23: // global.get
      case 0xd2: // ref.func
        reader.unsigned();
        break;
      case 0xd0: // ref.null
        readHeapType(reader);
        break;
      case 0x6a: // i32.add, sub, mul
      case 0x6b:
      case 0x6c:
      case 0x7c: // i64.add, sub, mul
      case 0x7d:
      case 0x7e:
        break;
      case 0xfd: // v128.const
        if (reader.unsigned() !== 0x0c) reader.fail("a vector instruction is not constant", start);
        reader.skip(16);
        break;
      case 0xfb: {
        const operation = reader.unsigned();
        // struct.new, struct.new_default, array.new, array.new_default, array.new_fixed name a type; the conversions and
        // ref.i31 name nothing.
        if ([0, 1, 6, 7, 8].includes(operation)) reader.unsigned();
        else if (![0x1a, 0x1b, 0x1c].includes(operation)) {
          reader.fail("a reference instruction is not constant", start);
        }
        if (operation === 8) reader.unsigned();
        break;
      }
      default:
        reader.fail(`opcode 0x${opcode.toString(16)} is not constant`, start);
    }
  }
}

/** A function type as messages show it: `(i32, i32) -> i32`, `() -> ()`. */
export function formatFunctionType(type: FunctionType): string {
  const results = type.results.join(", ");
  return `(${type.parameters.join(", ")}) -> ${type.results.length === 1 ? results : `(${results})`}`;
}
