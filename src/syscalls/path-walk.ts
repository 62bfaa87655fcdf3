/** From a descriptor and a path in guest memory to a walk that stands before the last name. */
import { Errno } from "../abi/errno.ts";
import { Filetype } from "../abi/enums.ts";
import { Process } from "../kernel/index.ts";
import { dropFile, OpenFile, type PathWalk } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";

const SLASH = 47;
const DOT = 46;

/**
 * Walks to the last name of a path, whose bytes were checked. A relative path starts at the descriptor's directory; `/` and the topmost
 * `..` are the process's root. The caller ends the walk, also after an error.
 *
 * @param rights what the descriptor must allow
 * @returns 0, or negated: EBADF, ENOTDIR, ENOTCAPABLE, and what `PathWalk.begin` answers
 */
export function beginWalk(
  context: SyscallContext,
  walk: PathWalk,
  fd: number,
  rights: number,
  path: number,
  length: number,
): number {
  const { guest, memory, vfs } = context;
  const file = context.lookup(fd, rights);
  if (file < 0) return file === -Errno.ENOTCAPABLE ? refuseBase(context, fd) : file;
  let answer: number = -Errno.ENOTDIR;
  if (OpenFile.type.get(memory, file) === Filetype.DIRECTORY) {
    const root = Process.rootDirectory.get(memory, context.process);
    const start = OpenFile.inode.get(memory, file);
    answer = walk.begin(root, start, guest.u8, path >>> 0, length >>> 0);
  }
  dropFile(vfs, file);
  return answer;
}

/** Why a descriptor without the rights cannot be a base: first of all, it may be no directory. */
function refuseBase(context: SyscallContext, fd: number): number {
  const file = context.lookup(fd, 0);
  if (file < 0) return file;
  const directory = OpenFile.type.get(context.memory, file) === Filetype.DIRECTORY;
  dropFile(context.vfs, file);
  return directory ? -Errno.ENOTCAPABLE : -Errno.ENOTDIR;
}

/**
 * Looks at what the last name stands for and describes it in `vfs.stat`. Goes on through a symbolic link when told to, or when a slash
 * follows it.
 *
 * @returns 0, or negated: ENOENT, ELOOP, ENOTDIR (a slash after what is no directory), and others of the filesystem
 */
export function describeLast(context: SyscallContext, walk: PathWalk, follow: boolean): number {
  const { vfs } = context;
  for (;;) {
    const filesystem = vfs.filesystemOf(walk.directory);
    if (walk.name.length === 0) return filesystem.statDirectory(vfs, walk.directory, vfs.stat);
    const answer = filesystem.statAt(vfs, walk.directory, walk.name, vfs.stat);
    if (answer < 0) return answer;
    const { type } = vfs.stat;
    if (type !== Filetype.SYMBOLIC_LINK || !(follow || walk.trailingSlash)) {
      return walk.trailingSlash && type !== Filetype.DIRECTORY ? -Errno.ENOTDIR : 0;
    }
    const followed = walk.follow();
    if (followed < 0) return followed;
  }
}

/** How many dots the last name of a path is made of, when it is `.` or `..`; 0 for any other name. */
export function countLastDots(context: SyscallContext, path: number, length: number): number {
  const { u8 } = context.guest;
  const start = path >>> 0;
  let end = start + (length >>> 0);
  while (end > start && u8[end - 1] === SLASH) end--;
  let dots = 0;
  while (end > start && u8[end - 1] === DOT) {
    end--;
    dots++;
  }
  return dots <= 2 && (end === start || u8[end - 1] === SLASH) ? dots : 0;
}
