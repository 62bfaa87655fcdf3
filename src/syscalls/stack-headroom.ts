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
  const vectors = [AT_ONCE, ...new Array<number>(AT_ONCE).fill(0x7b)];
  const callOften = (type: number) => {
    const calls: number[] = [];
    for (let made = 0; made < VECTORS; made += AT_ONCE) calls.push(0x41, 0, 0x11, type, 0);
    return calls;
  };
  const code = [
    0x20,
    0,
    0x04,
    0x40,
    ...callOften(0),
    0x41,
    0,
    0x10,
    0,
    ...callOften(1),
    0x0b,
    0x0b,
  ];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [3, 0x60, 0, ...vectors, 0x60, ...vectors, 0, 0x60, 1, 0x7f, 0]),
    ...section(3, [1, 2]),
    ...section(4, [1, 0x70, 0, 0]),
    ...section(7, [1, 1, 0x70, 0, 0]),
    ...section(10, [1, ...leb(code.length + 1), 0, ...code]),
  ]);
}

function section(id: number, content: number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}
