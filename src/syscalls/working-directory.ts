/**
 * The working directory. The kernel keeps both its inode, where relative paths of `chdir` start, and a path that leads there, for `getcwd`.
 */
import { Filetype } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { Process, readWorkingDirectory, setWorkingDirectory } from "../kernel/index.ts";
import { dropFile, dropInode, keepInode, OpenFile, PATH_MAX } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";
import { findDirectoryPath } from "./directory-path.ts";
import { errnoOf } from "./result.ts";

const SLASH = 47;

/**
 * Writes the path of the working directory, with a NUL after it where there is room. `length` holds the room on entry and the bytes of the path on
 * exit, also when it does not fit: ERANGE (`abi/semantics.md` §8). EINVAL for a null buffer that has room.
 */
export function getcwd(context: SyscallContext, buffer: number, length: number): number {
  const { guest, kernel, memory, process } = context;
  if (!guest.has(length, guest.pointerBytes)) return Errno.EMEMVIOLATION;
  const room = guest.pointerAt(length >>> 0);
  const { directory, path } = readWorkingDirectory(memory, process);
  dropInode(kernel.vfs, directory);
  const fits = path.length <= room;
  const written = Math.min(path.length + 1, room);
  if (fits && !guest.has(buffer, written)) return Errno.EMEMVIOLATION;
  guest.setPointer(length, path.length);
  if (!fits) return Errno.ERANGE;
  if (buffer === 0) return Errno.EINVAL;
  guest.u8.set(path, buffer >>> 0);
  if (written > path.length) guest.u8[(buffer >>> 0) + path.length] = 0;
  return 0;
}

/** Changes the working directory. Errors as chdir(2): ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG; ENOMEM. */
export function chdir(context: SyscallContext, path: number, length: number): number {
  const { guest, memory, process, walk, vfs } = context;
  const bytes = length >>> 0;
  if (!guest.has(path, bytes)) return Errno.EMEMVIOLATION;
  if (bytes > PATH_MAX) return Errno.ENAMETOOLONG;
  const given = guest.u8.slice(path >>> 0, (path >>> 0) + bytes);
  const root = Process.rootDirectory.get(memory, process);
  const before = readWorkingDirectory(memory, process);
  let answer = walk.begin(root, before.directory, given, 0, bytes);
  dropInode(vfs, before.directory);
  if (answer === 0) answer = walk.enter();
  if (answer === 0) {
    const directory = walk.takeDirectory();
    answer = setDirectory(context, directory, pathTo(context, directory, before.path, given));
  }
  walk.end();
  return errnoOf(answer);
}

/** Changes it to an open directory: fchdir(2). EBADF, ENOTDIR; ENOENT for a directory that was removed. */
export function fchdir(context: SyscallContext, fd: number): number {
  const { memory, vfs } = context;
  const file = context.lookup(fd, 0);
  if (file < 0) return -file;
  let answer: number = -Errno.ENOTDIR;
  if (OpenFile.type.get(memory, file) === Filetype.DIRECTORY) {
    const directory = OpenFile.inode.get(memory, file);
    const path = findDirectoryPath(context, directory);
    answer =
      typeof path === "number" ? path : setDirectory(context, keepInode(memory, directory), path);
  }
  dropFile(vfs, file);
  return errnoOf(answer);
}

/** Takes over the count of the directory. */
function setDirectory(context: SyscallContext, directory: number, path: Uint8Array): number {
  const answer =
    path.length > PATH_MAX
      ? -Errno.ENAMETOOLONG
      : setWorkingDirectory(context.kernel, context.process, directory, path);
  if (answer < 0) dropInode(context.vfs, directory);
  return answer;
}

/**
 * The path of a directory that was reached by `given` from `before`, without symbolic links and `..` (getcwd(3)). Where links were followed it is looked for from
 * the directory upwards; where that finds nothing, since the directory was removed or its parents cannot be listed, it is the path as it was given.
 */
function pathTo(
  context: SyscallContext,
  directory: number,
  before: Uint8Array,
  given: Uint8Array,
): Uint8Array {
  if (!context.walk.followedLinks) return joinPaths(before, given, false);
  const found = findDirectoryPath(context, directory);
  return typeof found === "number" ? joinPaths(before, given, true) : found;
}

/** One path after the other, or an absolute one alone. `..` takes a name away, unless there are links among them. */
function joinPaths(before: Uint8Array, given: Uint8Array, hasLinks: boolean): Uint8Array {
  // One character for each byte, so that names that are no UTF-8 come through.
  const characters = (bytes: Uint8Array) =>
    Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const whole = `${given[0] === SLASH ? "" : characters(before)}/${characters(given)}`;
  const names: string[] = [];
  for (const part of whole.split("/")) {
    if (part === ".." && !hasLinks) names.pop();
    else if (part !== "" && part !== ".") names.push(part);
  }
  return Uint8Array.from(`/${names.join("/")}`, (character) => character.charCodeAt(0));
}
