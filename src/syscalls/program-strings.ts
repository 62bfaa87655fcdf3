/** The arguments and the environment that a program gives to another, in the two forms that calls have for them. */
import { Errno } from "../abi/errno.ts";
import { dropStringList, makeStringList, type PackedStrings } from "../kernel/index.ts";
import type { KernelMemory } from "../shm/index.ts";
import type { SyscallContext } from "./context.ts";

/** Most bytes of arguments, and of environment: a fourth of an 8 MiB stack, as on Linux. */
const LONGEST_STRINGS = 2 ** 21;
const NEWLINE = 10;
const EQUALS = 61;

/**
 * Reads strings that follow each other with a line feed after each, which the last may lack. Unlike the reference's they may be empty and hold carriage
 * returns, as the C library passes them.
 *
 * @returns EMEMVIOLATION or E2BIG negated where that cannot be
 */
export function readLines(
  { guest }: SyscallContext,
  start: number,
  length: number,
): PackedStrings | number {
  length >>>= 0;
  if (!guest.has(start, length)) return -Errno.EMEMVIOLATION;
  if (length > LONGEST_STRINGS) return -Errno.E2BIG;
  const isEnded = length === 0 || guest.u8[(start >>> 0) + length - 1] === NEWLINE;
  const bytes = new Uint8Array(isEnded ? length : length + 1);
  bytes.set(guest.u8.subarray(start >>> 0, (start >>> 0) + length));
  let count = isEnded ? 0 : 1;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    bytes[at] = 0;
    count++;
  }
  return { bytes, count };
}

/**
 * Reads an environment of the same form. A value may hold line feeds: a line that is no `NAME=value` belongs to the one before it. Errors as `readLines`.
 */
export function readEnvironment(
  context: SyscallContext,
  start: number,
  length: number,
): PackedStrings | number {
  const lines = readLines(context, start, length);
  if (typeof lines === "number") return lines;
  const { bytes } = lines;
  let { count } = lines;
  for (let at = 0, end: number; at < bytes.length; at = end + 1) {
    end = bytes.indexOf(0, at);
    if (at === 0 || isAssignment(bytes, at, end)) continue;
    bytes[at - 1] = NEWLINE;
    count--;
  }
  return { bytes, count };
}

function isAssignment(bytes: Uint8Array, start: number, end: number): boolean {
  const equals = bytes.indexOf(EQUALS, start);
  return equals > start && equals < end;
}

/** Reads an array of pointers to strings, each with a NUL after it. Errors as `readLines`. */
export function readStrings(
  { guest }: SyscallContext,
  pointers: number,
  count: number,
): PackedStrings | number {
  count >>>= 0;
  const { pointerBytes } = guest;
  if (!guest.has(pointers, count * pointerBytes)) return -Errno.EMEMVIOLATION;
  const pieces: Uint8Array[] = [];
  let total = 0;
  for (let index = 0; index < count; index++) {
    const start = guest.pointerAt((pointers >>> 0) + index * pointerBytes);
    const end = guest.u8.indexOf(0, start);
    if (end < 0) return -Errno.EMEMVIOLATION;
    total += end + 1 - start;
    if (total > LONGEST_STRINGS) return -Errno.E2BIG;
    pieces.push(guest.u8.slice(start, end + 1));
  }
  return { bytes: joinBytes(pieces, total), count };
}

/** Whether each string is of the form NAME=value. */
function areAssignments({ bytes }: PackedStrings): boolean {
  for (let at = 0, end: number; at < bytes.length; at = end + 1) {
    end = bytes.indexOf(0, at);
    if (!isAssignment(bytes, at, end)) return false;
  }
  return true;
}

/** Some strings, and after them those of a list without its first. */
export function replaceFirst(first: readonly Uint8Array[], list: PackedStrings): PackedStrings {
  const rest = list.count === 0 ? list.bytes : list.bytes.subarray(list.bytes.indexOf(0) + 1);
  const pieces = first.flatMap((string) => [string, Uint8Array.of(0)]);
  pieces.push(rest);
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { bytes: joinBytes(pieces, total), count: first.length + Math.max(0, list.count - 1) };
}

function joinBytes(pieces: readonly Uint8Array[], total: number): Uint8Array {
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * Makes the lists of strings that a program is called with.
 *
 * @param environment undefined for the one that the process has: then 0 stands for it
 * @returns an errno: EINVAL (an environment without `=`), ENOMEM
 */
export function makeLists(
  memory: KernelMemory,
  given: PackedStrings,
  environment: PackedStrings | undefined,
): { arguments: number; environment: number } | number {
  if (environment !== undefined && !areAssignments(environment)) return Errno.EINVAL;
  const list = makeStringList(memory, given);
  const variables = environment === undefined ? 0 : makeStringList(memory, environment);
  if (list !== 0 && (environment === undefined || variables !== 0))
    return { arguments: list, environment: variables };
  dropStringList(memory, list);
  dropStringList(memory, variables);
  return Errno.ENOMEM;
}
