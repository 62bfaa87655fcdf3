/** Arguments, environment and randomness. */
import { Errno } from "../abi/errno.ts";
import { Process, StringList, stringsOf } from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";

/** Writes the number of arguments and the bytes they take with their ends. */
export function args_sizes_get(context: SyscallContext, count: number, bytes: number): number {
  return writeSizes(context, count, bytes, Process.arguments.get(context.memory, context.process));
}

/** Writes the arguments, and a pointer to each. */
export function args_get(context: SyscallContext, pointers: number, buffer: number): number {
  const { memory, process } = context;
  return writeStrings(context, pointers, buffer, Process.arguments.get(memory, process));
}

/** Writes the number of `NAME=value` strings and the bytes they take with their ends. */
export function environ_sizes_get(context: SyscallContext, count: number, bytes: number): number {
  const { memory, process } = context;
  return writeSizes(context, count, bytes, Process.environment.get(memory, process));
}

/** Writes the `NAME=value` strings, and a pointer to each. */
export function environ_get(context: SyscallContext, pointers: number, buffer: number): number {
  const { memory, process } = context;
  return writeStrings(context, pointers, buffer, Process.environment.get(memory, process));
}

function writeSizes(context: SyscallContext, first: number, second: number, list: number): number {
  const { guest, memory } = context;
  const { pointerBytes } = guest;
  if (!guest.has(first, pointerBytes) || !guest.has(second, pointerBytes))
    return Errno.EMEMVIOLATION;
  guest.setPointer(first, StringList.count.get(memory, list));
  guest.setPointer(second, StringList.length.get(memory, list));
  return 0;
}

function writeStrings(
  context: SyscallContext,
  pointers: number,
  buffer: number,
  list: number,
): number {
  const { guest, memory } = context;
  const count = StringList.count.get(memory, list);
  const length = StringList.length.get(memory, list);
  const { pointerBytes } = guest;
  if (!guest.has(pointers, count * pointerBytes) || !guest.has(buffer, length))
    return Errno.EMEMVIOLATION;
  const strings = stringsOf(list);
  const target = buffer >>> 0;
  guest.u8.set(memory.u8.subarray(strings, strings + length), target);
  let at = 0;
  for (let index = 0; index < count; index++) {
    guest.setPointer((pointers >>> 0) + index * pointerBytes, target + at);
    while (memory.u8[strings + at] !== 0) at++;
    at++;
  }
  return 0;
}

/** The host's generators refuse shared memory: bytes are made here, then copied. */
const RANDOM_PIECE = 65536;
let randomScratch: Uint8Array | undefined;

/** Fills a buffer with bytes fit for keys. */
export function random_get(context: SyscallContext, buffer: number, length: number): number {
  const { guest } = context;
  length >>>= 0;
  if (!guest.has(buffer, length)) return Errno.EMEMVIOLATION;
  randomScratch ??= new Uint8Array(RANDOM_PIECE);
  for (let done = 0; done < length; done += RANDOM_PIECE) {
    const piece = randomScratch.subarray(0, Math.min(RANDOM_PIECE, length - done));
    context.kernel.randomness.fill(piece);
    guest.u8.set(piece, (buffer >>> 0) + done);
  }
  return 0;
}
