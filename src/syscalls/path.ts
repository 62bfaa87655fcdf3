/** Names in directories: describing, making, linking, renaming and removing what a path leads to. */
import { Errno } from "../abi/errno.ts";
import { Filetype } from "../abi/enums.ts";
import { Lookupflags, Rights } from "../abi/flags.ts";
import { Filestat } from "../abi/layouts.ts";
import { Inode, isReadOnly, Mount, PATH_MAX, type PathWalk } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";
import { readTimes, writeFilestat } from "./filestat.ts";
import { beginWalk, countLastDots, describeLast } from "./path-walk.ts";
import { errnoOf } from "./result.ts";

function follows(flags: number): boolean {
  return (flags & Lookupflags.SYMLINK_FOLLOW) !== 0;
}

/** Describes what a path leads to; a symbolic link itself unless it is to be followed. */
export function path_filestat_get(
  context: SyscallContext,
  fd: number,
  flags: number,
  path: number,
  length: number,
  result: number,
): number {
  const { guest, vfs } = context;
  if (!guest.has(path, length >>> 0) || !guest.has(result, Filestat.$size)) {
    return Errno.EMEMVIOLATION;
  }
  const answer = statPath(context, fd, flags, path, length);
  if (answer < 0) return -answer;
  writeFilestat(guest, result, vfs.stat);
  return 0;
}

/** Fills `vfs.stat` for a path whose bytes were checked; 0 or a negated errno. */
export function statPath(
  context: SyscallContext,
  fd: number,
  flags: number,
  path: number,
  length: number,
): number {
  const { walk } = context;
  let answer = beginWalk(context, walk, fd, Rights.PATH_FILESTAT_GET, path, length);
  if (answer === 0) answer = describeLast(context, walk, follows(flags));
  walk.end();
  return answer;
}

/** Sets the times of what a path leads to; of a symbolic link itself unless it is to be followed. */
export function path_filestat_set_times(
  context: SyscallContext,
  fd: number,
  flags: number,
  path: number,
  length: number,
  accessed: bigint,
  modified: bigint,
  timeFlags: number,
): number {
  const { guest, memory, vfs, walk } = context;
  if (!guest.has(path, length >>> 0)) return Errno.EMEMVIOLATION;
  const refused = readTimes(vfs, accessed, modified, timeFlags);
  if (refused !== 0) return refused;
  let answer = beginWalk(context, walk, fd, Rights.PATH_FILESTAT_SET_TIMES, path, length);
  if (answer === 0) answer = describeLast(context, walk, follows(flags));
  if (answer === 0) {
    const filesystem = vfs.filesystemOf(walk.directory);
    if (isReadOnly(memory, walk.directory)) answer = -Errno.EROFS;
    else if (walk.name.length === 0) {
      answer = filesystem.setDirectoryTimes(vfs, walk.directory, vfs.times);
    } else answer = filesystem.setTimesAt(vfs, walk.directory, walk.name, vfs.times);
  }
  walk.end();
  return errnoOf(answer);
}

/** Makes a directory. EEXIST for any name that is there, `.` and `..` included. */
export function path_create_directory(
  context: SyscallContext,
  fd: number,
  path: number,
  length: number,
): number {
  const { guest, vfs, walk } = context;
  if (!guest.has(path, length >>> 0)) return Errno.EMEMVIOLATION;
  let answer = beginWalk(context, walk, fd, Rights.PATH_CREATE_DIRECTORY, path, length);
  if (answer === 0) answer = checkNewName(context, walk, true);
  if (answer === 0) {
    answer = vfs.filesystemOf(walk.directory).makeDirectoryAt(vfs, walk.directory, walk.name);
  }
  walk.end();
  return errnoOf(answer);
}

/**
 * Whether the last name of a walk can be made, in the order in which Linux looks: EEXIST where it is there, then ENOENT for a slash after what
 * will be no directory, then EROFS. That it may appear meanwhile is for the filesystem to see.
 */
function checkNewName(context: SyscallContext, walk: PathWalk, directory: boolean): number {
  const { memory, vfs } = context;
  if (walk.name.length === 0) return -Errno.EEXIST;
  const readOnly = isReadOnly(memory, walk.directory);
  const misplacedSlash = walk.trailingSlash && !directory;
  if (!readOnly && !misplacedSlash) return 0;
  const found = vfs.filesystemOf(walk.directory).statAt(vfs, walk.directory, walk.name, vfs.stat);
  if (found >= 0) return -Errno.EEXIST;
  if (found !== -Errno.ENOENT) return found;
  return misplacedSlash ? -Errno.ENOENT : -Errno.EROFS;
}

/** Makes another name for a file. EPERM for a directory, EXDEV across mounts, EEXIST. */
export function path_link(
  context: SyscallContext,
  oldFd: number,
  oldFlags: number,
  oldPath: number,
  oldLength: number,
  newFd: number,
  newPath: number,
  newLength: number,
): number {
  const { guest, walk, secondWalk } = context;
  if (!guest.has(oldPath, oldLength >>> 0) || !guest.has(newPath, newLength >>> 0)) {
    return Errno.EMEMVIOLATION;
  }
  let answer = beginWalk(context, walk, oldFd, Rights.PATH_LINK_SOURCE, oldPath, oldLength);
  if (answer === 0) answer = describeLast(context, walk, follows(oldFlags));
  if (answer === 0) {
    // The second look reuses `vfs.stat`.
    const directory = context.vfs.stat.type === Filetype.DIRECTORY;
    answer = beginWalk(context, secondWalk, newFd, Rights.PATH_LINK_TARGET, newPath, newLength);
    if (answer === 0) answer = linkLast(context, directory);
  }
  walk.end();
  secondWalk.end();
  return errnoOf(answer);
}

function linkLast(context: SyscallContext, directory: boolean): number {
  const { memory, vfs, walk, secondWalk } = context;
  const refused = checkNewName(context, secondWalk, false);
  if (refused !== 0) return refused;
  if (!onSameMount(context)) return -Errno.EXDEV;
  if (directory) {
    // Linux looks at the new name first.
    const { directory: parent, name } = secondWalk;
    const found = vfs.filesystemOf(parent).statAt(vfs, parent, name, vfs.stat);
    return found >= 0 ? -Errno.EEXIST : -Errno.EPERM;
  }
  if (isReadOnly(memory, walk.directory)) return -Errno.EROFS;
  return vfs
    .filesystemOf(walk.directory)
    .linkAt(vfs, walk.directory, walk.name, secondWalk.directory, secondWalk.name);
}

function onSameMount(context: SyscallContext): boolean {
  const { memory, walk, secondWalk } = context;
  return Inode.mount.get(memory, walk.directory) === Inode.mount.get(memory, secondWalk.directory);
}

/** Renames, replacing what has the new name as rename(2) does. EXDEV across mounts, EBUSY for `.`, `..`, roots and mountpoints. */
export function path_rename(
  context: SyscallContext,
  oldFd: number,
  oldPath: number,
  oldLength: number,
  newFd: number,
  newPath: number,
  newLength: number,
): number {
  const { guest, walk, secondWalk } = context;
  if (!guest.has(oldPath, oldLength >>> 0) || !guest.has(newPath, newLength >>> 0)) {
    return Errno.EMEMVIOLATION;
  }
  let answer = beginWalk(context, walk, oldFd, Rights.PATH_RENAME_SOURCE, oldPath, oldLength);
  if (answer === 0) {
    answer = beginWalk(context, secondWalk, newFd, Rights.PATH_RENAME_TARGET, newPath, newLength);
  }
  if (answer === 0) answer = renameLast(context);
  walk.end();
  secondWalk.end();
  return errnoOf(answer);
}

/** The mount that holds the name a walk came by: of a mountpoint, the one around it. */
function mountOfName({ memory }: SyscallContext, walk: PathWalk): number {
  const mount = Inode.mount.get(memory, walk.directory);
  const covered = walk.onMountpoint ? Mount.covered.get(memory, mount) : 0;
  return covered === 0 ? mount : Inode.mount.get(memory, covered);
}

function renameLast(context: SyscallContext): number {
  const { memory, vfs, walk, secondWalk } = context;
  if (mountOfName(context, walk) !== mountOfName(context, secondWalk)) return -Errno.EXDEV;
  if (walk.name.length === 0 || secondWalk.name.length === 0) return -Errno.EBUSY;
  if (isReadOnly(memory, walk.directory)) return -Errno.EROFS;
  const filesystem = vfs.filesystemOf(walk.directory);
  if (walk.trailingSlash || secondWalk.trailingSlash) {
    const found = filesystem.statAt(vfs, walk.directory, walk.name, vfs.stat);
    if (found < 0) return found;
    if (vfs.stat.type !== Filetype.DIRECTORY) return -Errno.ENOTDIR;
  }
  return filesystem.renameAt(vfs, walk.directory, walk.name, secondWalk.directory, secondWalk.name);
}

/** Makes a symbolic link with any target of 1 to 4095 bytes. ENOENT for none, ENAMETOOLONG, EINVAL for a NUL byte in it. */
export function path_symlink(
  context: SyscallContext,
  target: number,
  targetLength: number,
  fd: number,
  path: number,
  length: number,
): number {
  const { guest, vfs, walk } = context;
  const bytes = targetLength >>> 0;
  if (!guest.has(target, bytes) || !guest.has(path, length >>> 0)) return Errno.EMEMVIOLATION;
  if (bytes === 0) return Errno.ENOENT;
  if (bytes >= PATH_MAX) return Errno.ENAMETOOLONG;
  const copy = guest.u8.slice(target >>> 0, (target >>> 0) + bytes);
  if (copy.includes(0)) return Errno.EINVAL;
  let answer = beginWalk(context, walk, fd, Rights.PATH_SYMLINK, path, length);
  if (answer === 0) answer = checkNewName(context, walk, false);
  if (answer === 0) {
    answer = vfs.filesystemOf(walk.directory).symlinkAt(vfs, walk.directory, walk.name, copy);
  }
  walk.end();
  return errnoOf(answer);
}

const linkScratch = new Uint8Array(PATH_MAX);

/** Writes the target of a symbolic link, cut to the buffer, and its length. EINVAL for what is no link, and for no buffer. */
export function path_readlink(
  context: SyscallContext,
  fd: number,
  path: number,
  length: number,
  buffer: number,
  room: number,
  result: number,
): number {
  const { guest, vfs, walk } = context;
  if (
    !guest.has(path, length >>> 0) ||
    !guest.has(buffer, room >>> 0) ||
    !guest.has(result, guest.pointerBytes)
  ) {
    return Errno.EMEMVIOLATION;
  }
  if (room === 0) return Errno.EINVAL;
  let answer = beginWalk(context, walk, fd, Rights.PATH_READLINK, path, length);
  if (answer === 0) answer = describeLast(context, walk, false);
  if (answer === 0) {
    answer =
      walk.name.length === 0
        ? -Errno.EINVAL
        : vfs.filesystemOf(walk.directory).readlinkAt(vfs, walk.directory, walk.name, linkScratch);
  }
  walk.end();
  if (answer < 0) return -answer;
  const written = Math.min(answer, room >>> 0);
  guest.u8.set(linkScratch.subarray(0, written), buffer >>> 0);
  guest.setPointer(result, written);
  return 0;
}

/** Removes an empty directory. EINVAL for `.`, ENOTEMPTY for `..`, EBUSY for roots and mountpoints (rmdir(2)). */
export function path_remove_directory(
  context: SyscallContext,
  fd: number,
  path: number,
  length: number,
): number {
  const { guest, memory, vfs, walk } = context;
  if (!guest.has(path, length >>> 0)) return Errno.EMEMVIOLATION;
  let answer = beginWalk(context, walk, fd, Rights.PATH_REMOVE_DIRECTORY, path, length);
  if (answer === 0) {
    if (walk.name.length === 0) {
      const dots = countLastDots(context, path, length);
      answer = -(dots === 1 ? Errno.EINVAL : dots === 2 ? Errno.ENOTEMPTY : Errno.EBUSY);
    } else if (isReadOnly(memory, walk.directory)) answer = -Errno.EROFS;
    else {
      answer = vfs.filesystemOf(walk.directory).removeDirectoryAt(vfs, walk.directory, walk.name);
    }
  }
  walk.end();
  return errnoOf(answer);
}

/** Removes a name of anything but a directory, which is EISDIR. A slash after the name of a file is ENOTDIR. */
export function path_unlink_file(
  context: SyscallContext,
  fd: number,
  path: number,
  length: number,
): number {
  const { guest, walk } = context;
  if (!guest.has(path, length >>> 0)) return Errno.EMEMVIOLATION;
  let answer = beginWalk(context, walk, fd, Rights.PATH_UNLINK_FILE, path, length);
  if (answer === 0) answer = unlinkLast(context, walk);
  walk.end();
  return errnoOf(answer);
}

function unlinkLast(context: SyscallContext, walk: PathWalk): number {
  const { memory, vfs } = context;
  if (walk.name.length === 0) return -Errno.EISDIR;
  if (isReadOnly(memory, walk.directory)) return -Errno.EROFS;
  const filesystem = vfs.filesystemOf(walk.directory);
  if (!walk.trailingSlash) return filesystem.unlinkAt(vfs, walk.directory, walk.name);
  const found = filesystem.statAt(vfs, walk.directory, walk.name, vfs.stat);
  if (found < 0) return found;
  return vfs.stat.type === Filetype.DIRECTORY ? -Errno.EISDIR : -Errno.ENOTDIR;
}
