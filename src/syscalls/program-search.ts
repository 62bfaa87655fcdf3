/** Finding the file of a program: by its path or on the guest's search path, and through `#!` lines. */
import { Filetype } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { type PackedStrings, Process, readWorkingDirectory } from "../kernel/index.ts";
import { dropFile, dropInode, NAME_MAX, Open, OpenFile, PATH_MAX, Stat } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";
import { openLast } from "./path-open.ts";
import { replaceFirst } from "./program-strings.ts";

const SLASH = 47;
const DEFAULT_PATH = "/usr/local/bin:/bin:/usr/bin";
/** Most programs that interpret one another (Linux: 5). */
const MOST_INTERPRETERS = 5;
/** How much later than a change, in milliseconds, another one surely has another time. */
const COARSEST_TIME = 100;
/** Bytes of a `#!` line that count (Linux). */
const LONGEST_LINE = 256;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A program's file, open with a count, and what it is to be called with. */
export interface FoundProgram {
  readonly file: number;
  readonly path: string;
  /** Differs where the content may differ; empty where that cannot be told. */
  readonly identity: string;
  readonly size: number;
  readonly arguments: PackedStrings;
}

/** How a call names a program: in the guest's memory. */
export interface NamedProgram {
  readonly name: number;
  readonly nameLength: number;
  /** Whether to look for a name without a slash in the directories of `path`. */
  readonly search: number;
  readonly path: number;
  readonly pathLength: number;
}

/** Finds the program that a call names in the guest's memory. */
export function findNamed(
  context: SyscallContext,
  { name, nameLength, search, path, pathLength }: NamedProgram,
  given: PackedStrings,
): FoundProgram | number {
  const { guest } = context;
  if (!guest.has(name, nameLength >>> 0)) return -Errno.EMEMVIOLATION;
  const bytes = guest.u8.slice(name >>> 0, (name >>> 0) + (nameLength >>> 0));
  const searched = search === 0 ? undefined : guest.text(path, pathLength);
  if (search !== 0 && searched === undefined) return -Errno.EINVAL;
  return findProgram(context, bytes, given, searched);
}

/**
 * Finds a program and opens its file. Relative paths start at the working directory.
 *
 * @param searched directories with colons between, to look in where the name has no slash; undefined: the name is a path
 * @returns negated: ENOENT, EACCES for what is no regular file, ENOEXEC for what begins neither as a module nor with `#!`, ELOOP for too many
 *   interpreters, and others of paths
 */
function findProgram(
  context: SyscallContext,
  name: Uint8Array,
  given: PackedStrings,
  searched: string | undefined,
): FoundProgram | number {
  let list = given.count > 0 ? given : { bytes: Uint8Array.of(...name, 0), count: 1 };
  let path = searched === undefined ? name : searchProgram(context, name, searched);
  for (let depth = 0; depth < MOST_INTERPRETERS; depth++) {
    if (typeof path === "number") return path;
    const file = openRegular(context, path);
    if (file < 0) return file;
    const line = readLine(context, file);
    if (typeof line === "number") {
      if (line === 0) return describe(context, file, path, list);
      dropFile(context.vfs, file);
      return line;
    }
    dropFile(context.vfs, file);
    const [interpreter, ...more] = line;
    list = replaceFirst([interpreter, ...more, path], list);
    path = interpreter;
  }
  return -Errno.ELOOP;
}

/** The first file of a name in some directories. One that may not be opened is EACCES where no other is found (execvp(3)). */
function searchProgram(
  context: SyscallContext,
  name: Uint8Array,
  searched: string,
): Uint8Array | number {
  if (name.length === 0) return -Errno.ENOENT;
  if (name.includes(SLASH)) return name;
  if (name.length > NAME_MAX) return -Errno.ENAMETOOLONG;
  let answer: number = -Errno.ENOENT;
  for (const directory of (searched === "" ? DEFAULT_PATH : searched).split(":")) {
    const before = directory === "" || directory.endsWith("/") ? directory : `${directory}/`;
    const path = Uint8Array.of(...encoder.encode(before), ...name);
    const file = openRegular(context, path);
    if (file >= 0) {
      dropFile(context.vfs, file);
      return path;
    }
    if (file === -Errno.EACCES) answer = file;
  }
  return answer;
}

/** Opens a regular file for reading; its address with a count, or a negated errno. */
function openRegular(context: SyscallContext, path: Uint8Array): number {
  const { memory, process, vfs, walk } = context;
  if (path.length > PATH_MAX) return -Errno.ENAMETOOLONG;
  const { directory } = readWorkingDirectory(memory, process);
  const root = Process.rootDirectory.get(memory, process);
  let answer = walk.begin(root, directory, path, 0, path.length);
  dropInode(vfs, directory);
  if (answer === 0) answer = openLast(context, walk, Open.read, true, 0);
  walk.end();
  if (answer < 0) return answer;
  if (OpenFile.type.get(memory, answer) === Filetype.REGULAR_FILE) return answer;
  dropFile(vfs, answer);
  return -Errno.EACCES;
}

/** The interpreter that a file names in its first line, with its argument; 0 for a module, ENOEXEC and others negated. */
function readLine(
  { vfs, transfer }: SyscallContext,
  file: number,
): [Uint8Array, ...Uint8Array[]] | number {
  const bytes = new Uint8Array(LONGEST_LINE);
  const length = vfs.operationsOf(file).read(vfs, file, transfer.single(bytes, 0, bytes.length), 0);
  if (length < 0) return length;
  const text = decoder.decode(bytes.subarray(0, length));
  if (text.startsWith("\0asm")) return 0;
  const [, interpreter, argument] =
    /^#![ \t]*([^ \t\n]+)[ \t]*([^\n]*?)[ \t\r]*(?:\n|$)/.exec(text) ?? [];
  if (interpreter === undefined) return -Errno.ENOEXEC;
  const words = argument === "" ? [] : [encoder.encode(argument)];
  return [encoder.encode(interpreter.replace(/\r$/, "")), ...words];
}

function describe(
  { kernel, vfs }: SyscallContext,
  file: number,
  path: Uint8Array,
  list: PackedStrings,
): FoundProgram | number {
  const stat = new Stat();
  const answer = vfs.operationsOf(file).stat(vfs, file, stat);
  if (answer < 0) {
    dropFile(vfs, file);
    return answer;
  }
  const { device, inodeHigh, inodeLow, size, changedHigh, changedLow } = stat;
  const changed = (changedHigh * 2 ** 32 + changedLow) / 1e6;
  const isOld = kernel.clock.milliseconds() - changed > COARSEST_TIME;
  const facts = [device, inodeHigh, inodeLow, size, changedHigh, changedLow];
  const identity = isOld ? facts.join(":") : "";
  return { file, path: decoder.decode(path), identity, size, arguments: list };
}
