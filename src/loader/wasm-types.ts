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

const COMMON_TYPES: Readonly<Record<number, string>> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x70: "funcref",
  0x6f: "externref",
};

/** What reads the types and expressions that few modules have: a part of its own (`rare-types.ts`). */
export interface RareTypes {
  /** The value type that begins with a byte which was read. */
  readValueType(reader: WasmReader, byte: number): ValueType;
  /** Walks what is no plain function type in a type section, and notes each type's offset. */
  readTypes(reader: WasmReader, offsets: number[]): void;
  /** A table definition with an expression that fills it. */
  readFilledTable(reader: WasmReader): TableType;
  /** Steps over the operands of an instruction whose opcode was read. */
  skipOperands(reader: WasmReader, opcode: number): void;
}

let rareTypes: RareTypes | undefined;

/** Gives this agent that part. */
export function provideRareTypes(given: RareTypes): void {
  rareTypes = given;
}

/** The agent that reads must first be given that part, or that of `program.ts`. */
export class NeedsFurtherReading extends Error {
  override name = "NeedsFurtherReading";
}

function readRare(): RareTypes {
  if (rareTypes === undefined) throw new NeedsFurtherReading();
  return rareTypes;
}

/** Reads one value type. */
export function readValueType(reader: WasmReader): ValueType {
  const byte = reader.byte();
  return COMMON_TYPES[byte] ?? readRare().readValueType(reader, byte);
}

/** Reads a vector of value types, adding them to `into` if it is given. */
export function readValueTypes(reader: WasmReader, into?: ValueType[]): void {
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

/** Opens a function type. */
export const FUNCTION = 0x60;

/**
 * Walks a type section. Returns, for each type index, the offset where that function type's parameters begin, or 0 when
 * the type is a structure, an array or a continuation.
 */
export function readTypeSection(reader: WasmReader): number[] {
  const offsets: number[] = [];
  for (let left = reader.count("types"); left > 0; left--) {
    if (reader.bytes[reader.offset] === FUNCTION && reader.left > 0) {
      reader.byte();
      offsets.push(reader.offset);
      readValueTypes(reader);
      readValueTypes(reader);
    } else readRare().readTypes(reader, offsets);
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
  return readRare().readFilledTable(reader);
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
      case 0x23: // global.get
      case 0xd2: // ref.func
        reader.unsigned();
        break;
      default:
        readRare().skipOperands(reader, opcode);
    }
  }
}

/** A function type as messages show it: `(i32, i32) -> i32`, `() -> ()`. */
export function formatFunctionType(type: FunctionType): string {
  const results = type.results.join(", ");
  return `(${type.parameters.join(", ")}) -> ${type.results.length === 1 ? results : `(${results})`}`;
}
