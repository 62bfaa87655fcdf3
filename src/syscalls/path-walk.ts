/** From a descriptor and a path in guest memory to a walk that stands before the last name. */
import { Errno } from "../abi/errno.ts";
import { Filetype } from "../abi/enums.ts";
import { CoveredPreopen, coveredPreopen, Process } from "../kernel/index.ts";
import { dropFile, keepFile, OpenFile, type PathWalk } from "../vfs/index.ts";
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
  const covered = coveredBase(context, fd, path, length);
  const file = covered === 0 ? context.lookup(fd, rights) : lookupCovered(context, covered, rights);
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

/**
 * The preopened directory behind a descriptor, if the path goes by that: an absolute one does, and any of preview 1, whose library drops the slash. 0 where it
 * goes by what the descriptor stands for.
 */
export function coveredBase(
  { files, guest, isPreview1, memory }: SyscallContext,
  fd: number,
  path: number,
  length: number,
): number {
  const covered = coveredPreopen(memory, files, fd);
  if (covered === 0) return 0;
  const isAbsolute = length !== 0 && guest.u8[path >>> 0] === SLASH;
  return isAbsolute || isPreview1 ? covered : 0;
}

function lookupCovered(context: SyscallContext, covered: number, rights: number): number {
  const { memory } = context;
  if ((CoveredPreopen.rightsLow.get(memory, covered) & rights) !== rights)
    return -Errno.ENOTCAPABLE;
  return keepFile(memory, CoveredPreopen.file.get(memory, covered));
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
