/**
 * The contract of filesystems: names in directories.
 *
 * Every operation acts on one name in one directory and never follows a symbolic link in that place; walking paths, mounts, `..`, read-only
 * mounts, trailing slashes and symbolic links is done above, once (`path.ts`). A name is 1 to 255 bytes without `/` and NUL, and neither `.` nor `..`.
 * Answers: zero or more, `-errno`, or `IS_SYMLINK` (`result.ts`). Nothing sleeps. Directories are given with a count held by the caller.
 */
import type { Vfs } from "./vfs.ts";

/** A name inside a path buffer: reused, read at once, never kept. */
export class Name {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;

  /** Makes this the name at a place of a path's bytes. */
  set(bytes: Uint8Array, start: number, length: number): this {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    return this;
  }
}

/** How to open: bits of `openAt`'s request. */
export const Open = {
  read: 1,
  write: 2,
  create: 4,
  exclusive: 8,
  truncate: 16,
  /** Fails with ENOTDIR when the name is no directory. */
  directory: 32,
  /** The caller settles what was opened before it uses it (`Vfs.settle`): a host need not be asked yet what it is. */
  unseen: 64,
} as const;

/** What `stat` tells. One per agent, reused. Times are nanoseconds since 1970 as two 32-bit halves. */
export class Stat {
  device = 0;
  inodeLow = 0;
  inodeHigh = 0;
  type = 0;
  links = 0;
  size = 0;
  accessedLow = 0;
  accessedHigh = 0;
  modifiedLow = 0;
  modifiedHigh = 0;
  changedLow = 0;
  changedHigh = 0;
}

/** New times: a half is only looked at when its flag says so. */
export class Times {
  /** `Fstflags` of the ABI, with ATIM_NOW and MTIM_NOW already turned into the current time. */
  setAccessed = false;
  setModified = false;
  accessedLow = 0;
  accessedHigh = 0;
  modifiedLow = 0;
  modifiedHigh = 0;
}

/** A driver: see above. */
export interface Filesystem {
  /** Steps into a directory: its inode with a count; ENOENT, ENOTDIR, or `IS_SYMLINK`. */
  step(vfs: Vfs, directory: number, name: Name): number;
  /**
   * Steps over names of a path up to the last, for a filesystem that does so quicker than one by one: the directory that was reached, with a count, or 0.
   *
   * @param path the rest of a path, of which the names that were stepped over are cut off
   */
  stepFar?(vfs: Vfs, directory: number, path: Name): number;
  /** The parent of a directory, with a count; of the root, the root itself. */
  parent(vfs: Vfs, directory: number): number;
  /**
   * Opens a name; creates a regular file when `Open.create` is in the request.
   *
   * @param request bits of `Open`; @param flags `Fdflags` for the open file
   * @returns an open file with one count; ENOENT, EEXIST, EISDIR (a directory for writing), ENOTDIR, or `IS_SYMLINK`
   *   (EEXIST when exclusive)
   */
  openAt(vfs: Vfs, directory: number, name: Name, request: number, flags: number): number;
  /** Opens a directory that is known by its inode. */
  openDirectory(vfs: Vfs, directory: number, flags: number): number;
  /** Describes what the name stands for, a symbolic link itself. */
  statAt(vfs: Vfs, directory: number, name: Name, into: Stat): number;
  statDirectory(vfs: Vfs, directory: number, into: Stat): number;
  setTimesAt(vfs: Vfs, directory: number, name: Name, times: Times): number;
  setDirectoryTimes(vfs: Vfs, directory: number, times: Times): number;
  makeDirectoryAt(vfs: Vfs, directory: number, name: Name): number;
  /** Makes a symbolic link to `target` (1 to 4095 bytes). */
  symlinkAt(vfs: Vfs, directory: number, name: Name, target: Uint8Array): number;
  /** Copies a link's target; the number of bytes, at most `into.length`; EINVAL for what is no link. */
  readlinkAt(vfs: Vfs, directory: number, name: Name, into: Uint8Array): number;
  /** Removes a name of anything but a directory: EISDIR for one (as Linux; POSIX says EPERM). */
  unlinkAt(vfs: Vfs, directory: number, name: Name): number;
  removeDirectoryAt(vfs: Vfs, directory: number, name: Name): number;
  /** Renames within this filesystem, replacing as rename(2) does. */
  renameAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number;
  /** Makes another name for a file that is no directory (EPERM). */
  linkAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number;
  /** The last count of an inode is gone. */
  dropInode(vfs: Vfs, inode: number): void;
}

/** Numbers of the drivers, the same in every agent. */
export const FilesystemId = {
  tmpfs: 1,
  hostfs: 2,
  devfs: 3,
  overlayfs: 5,
  userfs: 6,
  logfs: 7,
  procfs: 16,
} as const;
