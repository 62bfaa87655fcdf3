/**
 * Headroom: whether the agent's stack has room for a syscall.
 *
 * Guest and kernel share one stack, and a guest may call when it has used up nearly all of it. A handler that ran out of stack half-way would leave locks
 * held and records half changed. JavaScript cannot ask how much is left, but engines check it before they enter a function whose frame is large. So each
 * call first enters such a function, which does nothing: where there is no room, the engine throws its stack overflow there, and the guest traps as if it had
 * recursed once more.
 *
 * The function is WebAssembly, since engines keep the size of its frame whatever they optimise: many vectors that live across a call on a path never
 * taken. They come from and go to functions of an empty table, which no engine knows anything of and no start has to pay for, as it would for imports.
 * Entering it takes 4 to 10 ns (Node 20 and 26).
 */

/** Vectors of 16 bytes in the frame: 24 KiB. A path_open on a host directory, the deepest of the calls, needs about 10 KiB. */
const VECTORS = 1536;
/** How many of them a call makes or takes: with many at once the function is short, and compiled in a third of a millisecond. */
const AT_ONCE = 32;

let probe: ((never: number) => void) | undefined;

/**
 * The function to call with 0 where at least 24 KiB of stack are needed; it throws the engine's stack overflow where they are not there. Made once per
 * agent, on first use.
 */
export function headroomProbe(): (zero: number) => void {
  if (probe === undefined) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(probeModule()));
    probe = exports.p as (zero: number) => void;
  }
  return probe;
}

/**
 *     (module
 *       (type $make (func (result v128 …)))
 *       (type $take (func (param v128 …)))
 *       (table 0 funcref)
 *       (func $probe (export "p") (param i32)
 *         (if (local.get 0) (then
 *           (call_indirect (type $make) (i32.const 0)) …
 *           (call $probe (i32.const 0))
 *           (call_indirect (type $take) (i32.const 0)) …))))
 */
function probeModule(): Uint8Array<ArrayBuffer> {
  const vectors = String.fromCharCode(AT_ONCE) + "\x7b".repeat(AT_ONCE);
  const callOften = (type: string) => `\x41\0\x11${type}\0`.repeat(VECTORS / AT_ONCE);
  const code = `\0\x20\0\x04\x40${callOften("\0")}\x41\0\x10\0${callOften("\x01")}\x0b\x0b`;
  const text = [
    "\0asm\x01\0\0\0",
    section(1, `\x03\x60\0${vectors}\x60${vectors}\0\x60\x01\x7f\0`),
    section(3, "\x01\x02"),
    section(4, "\x01\x70\0\0"),
    section(7, "\x01\x01p\0\0"),
    section(10, `\x01${withLength(code)}`),
  ].join("");
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

const section = (id: number, content: string) => String.fromCharCode(id) + withLength(content);

/** A text after its length, which takes one or two bytes. */
function withLength(content: string): string {
  const { length } = content;
  return (
    String.fromCharCode(...(length < 128 ? [length] : [(length & 127) | 128, length >>> 7])) +
    content
  );
}
