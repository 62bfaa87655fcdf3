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

/** Bytes as text. Those that are no ASCII are made when the agent runs: some of the bundles' files are read as ASCII. */
const bytesOf = (...bytes: number[]) => String.fromCharCode(...bytes);

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
  const vectors = bytesOf(AT_ONCE) + "\x7b".repeat(AT_ONCE);
  const callOften = (type: string) => `\x41\0\x11${type}\0`.repeat(VECTORS / AT_ONCE);
  /** What instructions on memory that is shared begin with. */
  const atomic = bytesOf(0xfe);
  const two = `\x20\0\x20\x01`;
  /** Number of the type, then the code. */
  const functions = [
    `\x02\x20\0\x04\x40${callOften("\0")}\x41\0\x10\0${callOften("\x01")}\x0b`,
    `\x03\x3f\0`,
    `\x04\x20\0${atomic}\x10\x02\0`,
    `\x05${two}${atomic}\x17\x02\0`,
    ...["\x1e", "\x2c", "\x33", "\x41"].map((code) => `\x06${two}${atomic}${code}\x02\0`),
    `\x07${two}\x20\x02${atomic}\x48\x02\0`,
    `\x05\x20\0\x41\0\x20\x01${bytesOf(0xfc)}\x0b\0`,
  ];
  const count = bytesOf(functions.length);
  const text = [
    "\0asm\x01\0\0\0",
    section(
      1,
      `\x08\x60\0${vectors}\x60${vectors}\0\x60\x01\x7f\0\x60\0\x01\x7f\x60\x01\x7f\x01\x7f` +
        "\x60\x02\x7f\x7f\0\x60\x02\x7f\x7f\x01\x7f\x60\x03\x7f\x7f\x7f\x01\x7f",
    ),
    section(2, `\x01\x01m\x01m\x02\x03\0${bytesOf(0x80, 0x80)}\x04`),
    section(3, count + functions.map((code) => code[0]).join("")),
    section(4, "\x01\x70\0\0"),
    section(7, count + functions.map((_, index) => `\x01${index}\0${bytesOf(index)}`).join("")),
    section(10, count + functions.map((code) => withLength(`\0${code.slice(1)}\x0b`)).join("")),
  ].join("");
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

const section = (id: number, content: string) => bytesOf(id) + withLength(content);

/** A text after its length, which takes one or two bytes. */
function withLength(content: string): string {
  const { length } = content;
  return bytesOf(...(length < 128 ? [length] : [(length & 127) | 128, length >>> 7])) + content;
}
