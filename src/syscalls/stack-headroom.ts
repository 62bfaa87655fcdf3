/**
 * Headroom: whether the agent's stack has room for a syscall.
 *
 * Guest and kernel share one stack, and a guest may call when it has used up nearly all of it. A handler that ran out of stack half-way would leave locks
 * held and records half changed. JavaScript cannot ask how much is left, but engines check it before they enter a function whose frame is large. So each
 * call first enters such a function, which does nothing: where there is no room, the engine throws its stack overflow there, and the guest traps as if it had
 * recursed once more.
 *
 * The function is WebAssembly, since engines keep the size of its frame whatever they optimise: many vectors that would live across a call on a path never
 * taken. Entering it takes 4 to 10 ns (Node 20 and 26).
 */

/** Vectors of 16 bytes in the frame: 24 KiB. A path_open on a host directory, the deepest of the calls, needs about 10 KiB. */
const VECTORS = 1536;

let probe: ((never: number) => void) | undefined;

/**
 * The function to call with 0 where at least 24 KiB of stack are needed; it throws the engine's stack overflow where they are not there. Made once per
 * agent, on first use.
 */
export function headroomProbe(): (zero: number) => void {
  probe ??= new WebAssembly.Instance(new WebAssembly.Module(probeModule())).exports.probe as (
    zero: number,
  ) => void;
  return probe;
}

/** (module (memory 1) (func (export "probe") (param i32) (local v128 …) (if (local.get 0) (then load all, call itself, store all)))) */
function probeModule(): Uint8Array<ArrayBuffer> {
  const body = [1, ...leb(VECTORS), 0x7b, 0x20, 0, 0x04, 0x40];
  for (let local = 1; local <= VECTORS; local++)
    body.push(0x41, 0, 0xfd, 0x00, 4, ...leb(local * 16), 0x21, ...leb(local));
  body.push(0x41, 0, 0x10, 0);
  for (let local = 1; local <= VECTORS; local++)
    body.push(0x41, 0, 0x20, ...leb(local), 0xfd, 0x0b, 4, ...leb(local * 16));
  body.push(0x0b, 0x0b);
  const name = [...new TextEncoder().encode("probe")];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [1, name.length, ...name, 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

function section(id: number, content: number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}
