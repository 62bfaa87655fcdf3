/**
 * Open directories in memory.
 *
 * Lock: the tree's while a directory is listed; the inode's for its times.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import {
  type DirectoryReader,
  DirectoryOperations,
  isReadOnly,
  OpenFile,
  type Stat,
  type Times,
  type Vfs,
} from "../../vfs/index.ts";
import { nameOf, TmpfsEntry } from "./entry.ts";
import { describeInode, setInodeTimes, TmpfsInode, touchAccessedLocked } from "./inode.ts";
import { entryAfter, forgetListing, rememberEntry } from "./listing.ts";
import { TmpfsTree, treeOf } from "./tree.ts";

const DOTS = new Uint8Array([46, 46]);

export class TmpfsDirectory extends DirectoryOperations {
  override stat(vfs: Vfs, file: number, into: Stat): number {
    return describeInode(vfs, OpenFile.inode.get(vfs.memory, file), into);
  }

  override setTimes(vfs: Vfs, file: number, times: Times): number {
    const inode = OpenFile.inode.get(vfs.memory, file);
    return isReadOnly(vfs.memory, inode) ? -Errno.EROFS : setInodeTimes(vfs, inode, times);
  }

  override sync(_vfs: Vfs, _file: number): number {
    return 0;
  }

  override list(vfs: Vfs, file: number, cookie: number, into: DirectoryReader): number {
    const { memory } = vfs;
    const directory = OpenFile.inode.get(memory, file);
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const result = listLocked(vfs, file, directory, cookie, into);
    TmpfsTree.lock.release(memory, tree);
    return result;
  }

  override release(vfs: Vfs, file: number): void {
    const { memory } = vfs;
    // Only a listing of this very file puts it in the list, and none can be under way.
    if (OpenFile.state2.get(memory, file) === 0) return;
    const directory = OpenFile.inode.get(memory, file);
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    forgetListing(memory, file, directory);
    TmpfsTree.lock.release(memory, tree);
  }
}

/** Preconditions: the tree's lock is held. */
function listLocked(
  vfs: Vfs,
  file: number,
  directory: number,
  cookie: number,
  into: DirectoryReader,
): number {
  const { memory } = vfs;
  if (TmpfsInode.links.get(memory, directory) === 0) return 0;
  TmpfsInode.lock.acquire(memory, directory);
  touchAccessedLocked(vfs, directory);
  TmpfsInode.lock.release(memory, directory);
  const { u8 } = memory;
  if (cookie < 1) {
    if (!tell(vfs, into, 1, directory, DOTS, 0, 1)) return 0;
  }
  if (cookie < 2) {
    const parent = TmpfsInode.parent.get(memory, directory);
    if (!tell(vfs, into, 2, parent, DOTS, 0, 2)) return 0;
  }
  let entry = entryAfter(memory, file, directory, cookie);
  while (entry !== 0) {
    const own = TmpfsEntry.cookie.get(memory, entry);
    const child = TmpfsEntry.inode.get(memory, entry);
    const length = TmpfsEntry.length.get(memory, entry);
    if (!tell(vfs, into, own, child, u8, nameOf(entry), length)) break;
    entry = TmpfsEntry.after.get(memory, entry);
  }
  rememberEntry(memory, file, directory, entry);
  return 0;
}

function tell(
  vfs: Vfs,
  into: DirectoryReader,
  cookie: number,
  inode: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const number = TmpfsInode.number.get(vfs.memory, inode);
  const type = TmpfsInode.type.get(vfs.memory, inode);
  return into.entry(cookie, number >>> 0, Math.floor(number / 2 ** 32), type, bytes, start, length);
}

/** Whether a directory has no entries. Preconditions: the tree's lock is held. */
export function isEmpty(vfs: Vfs, directory: number): boolean {
  return TmpfsInode.first.get(vfs.memory, directory) === 0;
}

/** Whether `directory` is `ancestor` or lies below it. Preconditions: the tree's lock is held. */
export function isWithin(vfs: Vfs, directory: number, ancestor: number): boolean {
  for (;;) {
    if (directory === ancestor) return true;
    const parent = TmpfsInode.parent.get(vfs.memory, directory);
    if (parent === directory) return false;
    directory = parent;
  }
}

/** Whether an inode is a directory. */
export function isDirectory(vfs: Vfs, inode: number): boolean {
  return TmpfsInode.type.get(vfs.memory, inode) === Filetype.DIRECTORY;
}
