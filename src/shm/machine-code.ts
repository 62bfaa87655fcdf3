/**
 * Machine code of an agent's own, as WebAssembly: what JavaScript cannot say, or engines do slowly in it. Compiled once per agent, and made an instance of for each
 * kernel heap that it attaches to.
 *
 * **Atomic operations** on words of the heap. V8 calls a function of its own for each method of `Atomics`, which takes 8 to 20 ns (Node 20 and 26); a call of these is
 * put in place, with the conversions of its numbers, and takes 3 to 5 ns. An agent with several heaps pays as much as with `Atomics`. Addresses are bytes.
 *
 * **Headroom**: whether the agent's stack has room for a syscall. Guest and kernel share one stack, and a guest may call when it has used up nearly all of it. A
 * handler that ran out of stack half-way would leave locks held and records half changed. JavaScript cannot ask how much is left, but engines check it before they
 * enter a function whose frame is large. So each call first enters such a function, which does nothing: where there is no room, the engine throws its stack overflow
 * there, and the guest traps as if it had recursed once more. Engines keep the size of its frame whatever they optimise: many vectors that live across a call on a path
 * never taken. They come from and go to functions of an empty table, which no engine knows anything of. Entering it takes 4 to 10 ns (Node 20 and 26).
 */

/** Vectors of 16 bytes in the frame: 24 KiB. A path_open on a host directory, the deepest of the calls, needs about 10 KiB. */
const VECTORS = 1536;
/** How many of them a call makes or takes: with many at once the function is short, and compiled in a third of a millisecond. */
const AT_ONCE = 32;

/** The functions by name. All on words that lie at an address which is a multiple of four, signed, and each returns the value before but for `load` and `store`. */
export interface MachineCode {
  /** Pages that these functions reach. */
  size(): number;
  load(address: number): number;
  store(address: number, value: number): void;
  add(address: number, value: number): number;
  and(address: number, bits: number): number;
  or(address: number, bits: number): number;
  exchange(address: number, value: number): number;
  /** Stores `value` if the word is `expected`. */
  compareExchange(address: number, expected: number, value: number): number;
  /** Sets bytes to zero. */
  clear(address: number, bytes: number): void;
  /** To be called with 0: throws the engine's stack overflow where 24 KiB of stack are not there. */
  requireHeadroom(zero: number): void;
}

let module: WebAssembly.Module | undefined;

/** Makes the functions for a kernel heap. */
export function makeMachineCode(heap: WebAssembly.Memory): MachineCode {
  module ??= new WebAssembly.Module(encodeModule());
  const { exports } = new WebAssembly.Instance(module, { m: { m: heap } });
  const [requireHeadroom, size, load, store, add, and, or, exchange, compareExchange, clear] =
    Object.values(exports) as ((...parameters: number[]) => number)[];
  return { requireHeadroom, size, load, store, add, and, or, exchange, compareExchange, clear };
}

const I32 = 0x7f;

/**
 *     (module
 *       (type $make (func (result v128 …)))
 *       (type $take (func (param v128 …)))
 *       (import "m" "m" (memory 0 65536 shared))
 *       (table 0 funcref)
 *       (func $headroom (export "0") (param i32)
 *         (if (local.get 0) (then
 *           (call_indirect (type $make) (i32.const 0)) …
 *           (call $headroom (i32.const 0))
 *           (call_indirect (type $take) (i32.const 0)) …)))
 *       (func (export "1") (result i32) (memory.size))
 *       (func (export "2") (param i32) (result i32) (i32.atomic.load (local.get 0)))
 *       …)
 */
function encodeModule(): Uint8Array<ArrayBuffer> {
  const vectors = [AT_ONCE, repeat(AT_ONCE, 0x7b)];
  const callOften = (type: number) => repeat(VECTORS / AT_ONCE, [0x41, 0, 0x11, type, 0]);
  const functions = [
    body([0x20, 0, 0x04, 0x40, callOften(0), 0x41, 0, 0x10, 0, callOften(1), 0x0b]),
    body([0x3f, 0]),
    body([0x20, 0, 0xfe, 0x10, 2, 0]),
    body([0x20, 0, 0x20, 1, 0xfe, 0x17, 2, 0]),
    body([0x20, 0, 0x20, 1, 0xfe, 0x1e, 2, 0]),
    body([0x20, 0, 0x20, 1, 0xfe, 0x2c, 2, 0]),
    body([0x20, 0, 0x20, 1, 0xfe, 0x33, 2, 0]),
    body([0x20, 0, 0x20, 1, 0xfe, 0x41, 2, 0]),
    body([0x20, 0, 0x20, 1, 0x20, 2, 0xfe, 0x48, 2, 0]),
    body([0x20, 0, 0x41, 0, 0x20, 1, 0xfc, 0x0b, 0]),
  ];
  const types = [
    [0x60, 0, vectors],
    [0x60, vectors, 0],
    [0x60, 1, I32, 0],
    [0x60, 0, 1, I32],
    [0x60, 1, I32, 1, I32],
    [0x60, 2, I32, I32, 0],
    [0x60, 2, I32, I32, 1, I32],
    [0x60, 3, I32, I32, I32, 1, I32],
  ];
  const text = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, types),
    section(2, [[1, 0x6d, 1, 0x6d, 2, 3, 0, 0x80, 0x80, 4]]),
    section(3, [2, 3, 4, 5, 6, 6, 6, 6, 7, 5]),
    section(4, [[0x70, 0, 0]]),
    section(
      7,
      functions.map((_, index) => [1, 0x30 + index, 0, index]),
    ),
    section(10, functions),
  ];
  return new Uint8Array(flatten(text));
}

/** Bytes in lists, which are put together in one go: a start has to wait for it. */
type Bytes = number | Bytes[];
const MOST_DEEP = 9;

function flatten(bytes: Bytes[]): number[] {
  return (bytes as unknown[]).flat(MOST_DEEP) as number[];
}

function repeat(count: number, bytes: Bytes): Bytes[] {
  return new Array<Bytes>(count).fill(bytes);
}

/** A function without variables of its own. */
function body(code: Bytes[]): Bytes[] {
  const bytes = flatten(code);
  return [leb(bytes.length + 2), 0, bytes, 0x0b];
}

function section(id: number, items: Bytes[]): Bytes[] {
  const content = flatten([items.length, items]);
  return [id, leb(content.length), content];
}

function leb(value: number): Bytes[] {
  return value < 128 ? [value] : [(value & 127) | 128, value >>> 7];
}
