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

/** An absolute path to a directory that was reached by `given` from `before`: without `..` where leaving them out leads to the same place. */
function pathTo(
  context: SyscallContext,
  directory: number,
  before: Uint8Array,
  given: Uint8Array,
): Uint8Array {
  const { memory, process, secondWalk } = context;
  // One character for each byte, so that names that are no UTF-8 come through.
  const characters = (bytes: Uint8Array) =>
    Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const whole = `/${characters(given).startsWith("/") ? "" : characters(before)}/${characters(given)}`;
  const parts = whole.split("/").filter((part) => part !== "" && part !== ".");
  const toBytes = (names: readonly string[]) =>
    Uint8Array.from(`/${names.join("/")}`, (character) => character.charCodeAt(0));
  if (!parts.includes("..")) return toBytes(parts);

  const short: string[] = [];
  for (const part of parts) {
    if (part === "..") short.pop();
    else short.push(part);
  }
  const candidate = toBytes(short);
  const root = Process.rootDirectory.get(memory, process);
  let walked = secondWalk.begin(root, root, candidate, 0, candidate.length);
  if (walked === 0) walked = secondWalk.enter();
  const same = walked === 0 && secondWalk.directory === directory;
  secondWalk.end();
  return same ? candidate : toBytes(parts);
}
