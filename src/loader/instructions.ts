/**
 * Instructions of WebAssembly code as bytes: how far each reaches. Nothing is validated: for code that an engine accepts the answers are right; for
 * other code they end, somewhere, and the engine says what is wrong.
 *
 * Source: WebAssembly Core Specification 3.0, "Instructions"; the proposals "Threads", "Legacy Exception Handling", "Relaxed SIMD", "Wide
 * Arithmetic".
 */

/** Opcodes that others name. */
export const Opcode = {
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  branch: 0x0c,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callReference: 0x14,
  returnCallReference: 0x15,
  drop: 0x1a,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableGet: 0x25,
  tableSet: 0x26,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Equal: 0x46,
  i32NotEqual: 0x47,
  i32LessSigned: 0x48,
  i64NotEqual: 0x52,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32And: 0x71,
  i32Or: 0x72,
  i64Add: 0x7c,
  f64ConvertI32Unsigned: 0xb8,
  f64ConvertI64Signed: 0xb9,
  f64ConvertI64Unsigned: 0xba,
  refIsNull: 0xd1,
  garbageCollection: 0xfb,
  miscellaneous: 0xfc,
  atomic: 0xfe,
} as const;

/** Operations behind the atomic prefix that others name. */
export const AtomicOperation = {
  wait32: 0x01,
  wait64: 0x02,
  load32: 0x10,
  load64: 0x11,
} as const;

/** Operations behind the miscellaneous prefix that others name. */
export const MiscellaneousOperation = {
  memoryInit: 0x08,
  dataDrop: 0x09,
  tableInit: 0x0c,
  elementDrop: 0x0d,
  tableCopy: 0x0e,
  tableGrow: 0x0f,
  tableSize: 0x10,
  tableFill: 0x11,
} as const;

/** Whether a miscellaneous operation changes what a table or a segment of one holds. */
export function changesTable(operation: number): boolean {
  const { tableInit, tableSize, tableFill } = MiscellaneousOperation;
  return operation >= tableInit && operation <= tableFill && operation !== tableSize;
}

/** The type of a block without parameters and results. */
export const EMPTY_BLOCK = 0x40;

/** What follows an opcode. */
const Shape = {
  unknown: 0,
  none: 1,
  /** One number, of whatever width and sign: they all end at the first byte below 0x80. */
  number: 2,
  numbers2: 3,
  /** Alignment and offset, and a memory where bit 6 of the alignment is set. */
  memory: 5,
  /** The same, and the number of a lane. */
  memoryLane: 6,
  blockType: 7,
  branchTable: 8,
  bytes1: 9,
  bytes4: 10,
  bytes8: 11,
  bytes16: 12,
  types: 13,
  tryTable: 14,
  castBranch: 15,
  prefixed: 16,
} as const;

/** Fills a table from `[first, last, value]`; an entry may be given again, the later one counts. */
function makeTable(size: number, entries: readonly (readonly number[])[]): Uint8Array {
  const table = new Uint8Array(size);
  for (const [first, last, value] of entries) table.fill(value, first, last + 1);
  return table;
}

const SHAPES = makeTable(256, [
  [0x00, 0x01, Shape.none], // unreachable, nop
  [0x02, 0x04, Shape.blockType], // block, loop, if
  [0x05, 0x05, Shape.none], // else
  [0x06, 0x06, Shape.blockType], // try
  [0x07, 0x09, Shape.number], // catch, throw, rethrow
  [0x0a, 0x0b, Shape.none], // throw_ref, end
  [0x0c, 0x0d, Shape.number], // br, br_if
  [0x0e, 0x0e, Shape.branchTable],
  [0x0f, 0x0f, Shape.none], // return
  [0x10, 0x10, Shape.number], // call
  [0x11, 0x11, Shape.numbers2], // call_indirect
  [0x12, 0x12, Shape.number], // return_call
  [0x13, 0x13, Shape.numbers2], // return_call_indirect
  [0x14, 0x15, Shape.number], // call_ref, return_call_ref
  [0x18, 0x18, Shape.number], // delegate
  [0x19, 0x1b, Shape.none], // catch_all, drop, select
  [0x1c, 0x1c, Shape.types], // select with types
  [0x1f, 0x1f, Shape.tryTable],
  [0x20, 0x26, Shape.number], // locals, globals, table.get, table.set
  [0x28, 0x3e, Shape.memory], // loads and stores
  [0x3f, 0x42, Shape.number], // memory.size, memory.grow, i32.const, i64.const
  [0x43, 0x43, Shape.bytes4],
  [0x44, 0x44, Shape.bytes8],
  [0x45, 0xc4, Shape.none], // arithmetic
  [0xd0, 0xd0, Shape.number], // ref.null
  [0xd1, 0xd1, Shape.none], // ref.is_null
  [0xd2, 0xd2, Shape.number], // ref.func
  [0xd3, 0xd4, Shape.none], // ref.eq, ref.as_non_null
  [0xd5, 0xd6, Shape.number], // br_on_null, br_on_non_null
  [0xfb, 0xfe, Shape.prefixed],
]);

const PREFIXED_SHAPES: readonly Uint8Array[] = [
  // garbage collection
  makeTable(0x1f, [
    [0x00, 0x01, Shape.number], // struct.new
    [0x02, 0x05, Shape.numbers2], // struct.get, struct.set
    [0x06, 0x07, Shape.number], // array.new
    [0x08, 0x0a, Shape.numbers2], // array.new_fixed, _data, _elem
    [0x0b, 0x0e, Shape.number], // array.get, array.set
    [0x0f, 0x0f, Shape.none], // array.len
    [0x10, 0x10, Shape.number], // array.fill
    [0x11, 0x13, Shape.numbers2], // array.copy, array.init
    [0x14, 0x17, Shape.number], // ref.test, ref.cast
    [0x18, 0x19, Shape.castBranch], // br_on_cast
    [0x1a, 0x1e, Shape.none], // conversions, i31
  ]),
  // miscellaneous
  makeTable(0x17, [
    [0x00, 0x07, Shape.none], // saturating truncation
    [0x08, 0x08, Shape.numbers2], // memory.init
    [0x09, 0x09, Shape.number], // data.drop
    [0x0a, 0x0a, Shape.numbers2], // memory.copy
    [0x0b, 0x0b, Shape.number], // memory.fill
    [0x0c, 0x0c, Shape.numbers2], // table.init
    [0x0d, 0x0d, Shape.number], // elem.drop
    [0x0e, 0x0e, Shape.numbers2], // table.copy
    [0x0f, 0x11, Shape.number], // table.grow, table.size, table.fill
    [0x13, 0x16, Shape.none], // wide arithmetic
  ]),
  // vector
  makeTable(0x114, [
    [0x00, 0x0b, Shape.memory],
    [0x0c, 0x0d, Shape.bytes16], // v128.const, i8x16.shuffle
    [0x0e, 0x14, Shape.none],
    [0x15, 0x22, Shape.bytes1], // lanes
    [0x23, 0x53, Shape.none],
    [0x54, 0x5b, Shape.memoryLane],
    [0x5c, 0x5d, Shape.memory],
    [0x5e, 0x113, Shape.none],
  ]),
  // atomic
  makeTable(0x4f, [
    [0x00, 0x02, Shape.memory], // notify, wait
    [0x03, 0x03, Shape.bytes1], // fence
    [0x10, 0x4e, Shape.memory],
  ]),
];

/** Steps over one number. */
export function skipNumber(bytes: Uint8Array, offset: number): number {
  while (bytes[offset++] > 0x7f);
  return offset;
}

/** Reads an unsigned number of 32 bits; wider ones come out as something else. */
export function readNumber(bytes: Uint8Array, offset: number): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[offset++];
    value |= (byte & 0x7f) << shift;
    if (!(byte > 0x7f) || shift > 28) return value >>> 0;
  }
}

/** Steps over a value type: `ref` and `ref null` are followed by what they refer to. */
function skipType(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset];
  return byte === 0x63 || byte === 0x64 ? skipNumber(bytes, offset + 1) : skipNumber(bytes, offset);
}

/** Steps over the declarations of locals that open a function. Returns -1 where they do not end within the bytes. */
export function skipLocals(bytes: Uint8Array, offset: number): number {
  const count = readNumber(bytes, offset);
  offset = skipNumber(bytes, offset);
  for (let left = count; left > 0; left--) {
    if (offset >= bytes.length) return -1;
    offset = skipType(bytes, skipNumber(bytes, offset));
  }
  return offset;
}

function skipMemory(bytes: Uint8Array, offset: number): number {
  const flags = readNumber(bytes, offset);
  // Bit 5 announces a memory ordering, which engines do not take yet.
  if (flags > 0x7f || (flags & 0x20) !== 0) return -1;
  offset = skipNumber(bytes, offset);
  if ((flags & 0x40) !== 0) offset = skipNumber(bytes, offset);
  return skipNumber(bytes, offset);
}

/** Steps over the immediates of an instruction, which begin at `offset`. Returns -1 for an instruction that is not known, or whose tables do not end. */
export function skipImmediates(bytes: Uint8Array, opcode: number, offset: number): number {
  return skipShape(bytes, SHAPES[opcode], opcode, offset);
}

function skipShape(bytes: Uint8Array, shape: number, opcode: number, offset: number): number {
  switch (shape) {
    case Shape.none:
      return offset;
    case Shape.number:
      while (bytes[offset++] > 0x7f);
      return offset;
    case Shape.memory:
      // Nearly all: memory 0, and an alignment in one byte.
      if (bytes[offset] < 0x20) {
        offset++;
        while (bytes[offset++] > 0x7f);
        return offset;
      }
      return skipMemory(bytes, offset);
    case Shape.blockType:
      return skipType(bytes, offset);
    case Shape.prefixed: {
      const shapes = PREFIXED_SHAPES[opcode - Opcode.garbageCollection];
      const operation = readNumber(bytes, offset);
      return skipShape(bytes, shapes[operation] ?? 0, opcode, skipNumber(bytes, offset));
    }
    case Shape.numbers2:
      return skipNumber(bytes, skipNumber(bytes, offset));
    case Shape.branchTable:
      return skipEach(bytes, offset, 1, skipNumber);
    case Shape.bytes1:
      return offset + 1;
    case Shape.bytes4:
      return offset + 4;
    case Shape.bytes8:
      return offset + 8;
    case Shape.bytes16:
      return offset + 16;
    case Shape.memoryLane: {
      const next = skipMemory(bytes, offset);
      return next < 0 ? -1 : next + 1;
    }
    case Shape.types:
      return skipEach(bytes, offset, 0, skipType);
    case Shape.tryTable:
      return skipEach(bytes, skipType(bytes, offset), 0, skipCatch);
    case Shape.castBranch:
      return skipNumber(bytes, skipNumber(bytes, skipNumber(bytes, offset + 1)));
    default:
      return -1;
  }
}

/** Steps over a count and that many entries, and `more`. */
function skipEach(
  bytes: Uint8Array,
  offset: number,
  more: number,
  skip: (bytes: Uint8Array, offset: number) => number,
): number {
  const count = readNumber(bytes, offset) + more;
  offset = skipNumber(bytes, offset);
  for (let left = count; left > 0; left--) {
    if (offset >= bytes.length) return -1;
    offset = skip(bytes, offset);
  }
  return offset;
}

/** catch and catch_ref name a tag and a label, catch_all and catch_all_ref a label. */
function skipCatch(bytes: Uint8Array, offset: number): number {
  const kind = bytes[offset++];
  return skipNumber(bytes, kind < 2 ? skipNumber(bytes, offset) : offset);
}

/** The highest table that an instruction names, or -1 for one that names none. Its immediates begin at `offset`. */
export function highestTable(bytes: Uint8Array, opcode: number, offset: number): number {
  const second = (from: number): number => readNumber(bytes, skipNumber(bytes, from));
  switch (opcode) {
    case Opcode.tableGet:
    case Opcode.tableSet:
      return readNumber(bytes, offset);
    case Opcode.callIndirect:
    case Opcode.returnCallIndirect:
      return second(offset);
    case Opcode.miscellaneous: {
      const operation = readNumber(bytes, offset);
      const immediates = skipNumber(bytes, offset);
      const { tableInit, tableCopy, tableGrow, tableFill } = MiscellaneousOperation;
      if (operation === tableInit) return second(immediates);
      if (operation === tableCopy)
        return Math.max(readNumber(bytes, immediates), second(immediates));
      return operation >= tableGrow && operation <= tableFill ? readNumber(bytes, immediates) : -1;
    }
    default:
      return -1;
  }
}
