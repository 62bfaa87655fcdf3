/**
 * Renaming within one tree.
 *
 * Where the new name exists its entry is pointed to the moved inode, so replacing needs no memory and cannot fail half-way; otherwise the
 * new entry is made before anything changes.
 */
import { Errno } from "../../abi/errno.ts";
import type { KernelMemory } from "../../shm/index.ts";
import { dropInode, Inode, InodeFlags, keepInode, type Name, type Vfs } from "../../vfs/index.ts";
import { isDirectory, isEmpty, isWithin } from "./directory.ts";
import { makeEntry, TmpfsEntry } from "./entry.ts";
import { TmpfsInode, touchChanged, touchModified } from "./inode.ts";
import { findEntry, insertEntry, removeEntry } from "./names.ts";
import { TmpfsTree } from "./tree.ts";

/** What a rename lets go of, once the tree's lock is. */
interface Dropped {
  inode: number;
  parent: number;
}

/** rename(2) without the walk: ENOENT, EINVAL, EISDIR, ENOTDIR, ENOTEMPTY, EBUSY, ENOSPC. Takes the tree's lock. */
export function renameEntry(
  vfs: Vfs,
  tree: number,
  from: number,
  fromName: Name,
  to: number,
  toName: Name,
): number {
  const { memory } = vfs;
  const dropped: Dropped = { inode: 0, parent: 0 };
  TmpfsTree.lock.acquire(memory, tree);
  const result = renameLocked(vfs, tree, from, fromName, to, toName, dropped);
  TmpfsTree.lock.release(memory, tree);
  if (dropped.inode !== 0) dropInode(vfs, dropped.inode);
  if (dropped.parent !== 0) dropInode(vfs, dropped.parent);
  return result;
}

function renameLocked(
  vfs: Vfs,
  tree: number,
  from: number,
  fromName: Name,
  to: number,
  toName: Name,
  dropped: Dropped,
): number {
  const { memory } = vfs;
  const source = findEntry(memory, tree, from, fromName);
  if (source === 0) return -Errno.ENOENT;
  const inode = TmpfsEntry.inode.get(memory, source);
  const moved = isDirectory(vfs, inode);
  if (moved && isWithin(vfs, to, inode)) return -Errno.EINVAL;
  if ((Inode.flags.load(memory, inode) & InodeFlags.mountpoint) !== 0) return -Errno.EBUSY;

  const target = findEntry(memory, tree, to, toName);
  if (target === 0) {
    if (TmpfsInode.links.get(memory, to) === 0) return -Errno.ENOENT;
    const entry = makeEntry(memory, toName);
    if (entry === 0) return -Errno.ENOSPC;
    removeEntry(memory, tree, source);
    insertEntry(memory, tree, to, entry, toName, inode);
  } else {
    const replaced = TmpfsEntry.inode.get(memory, target);
    if (replaced === inode) return 0;
    if (isDirectory(vfs, replaced)) {
      if (!moved) return isWithin(vfs, from, replaced) ? -Errno.ENOTEMPTY : -Errno.EISDIR;
      if (!isEmpty(vfs, replaced)) return -Errno.ENOTEMPTY;
      if ((Inode.flags.load(memory, replaced) & InodeFlags.mountpoint) !== 0) return -Errno.EBUSY;
      TmpfsInode.links.set(memory, replaced, 0);
      addLinks(memory, to, -1);
    } else {
      if (moved) return -Errno.ENOTDIR;
      addLinks(memory, replaced, -1);
    }
    TmpfsEntry.inode.set(memory, target, inode);
    removeEntry(memory, tree, source);
    touchChanged(vfs, replaced);
    dropped.inode = replaced;
  }
  if (moved && from !== to) {
    addLinks(memory, from, -1);
    addLinks(memory, to, 1);
    TmpfsInode.parent.set(memory, inode, keepInode(memory, to));
    dropped.parent = from;
  }
  touchChanged(vfs, inode);
  touchModified(vfs, from);
  if (from !== to) touchModified(vfs, to);
  return 0;
}

/** Changes what stat shows as links. Preconditions: the tree's lock is held. */
export function addLinks(memory: KernelMemory, inode: number, count: number): void {
  TmpfsInode.links.set(memory, inode, TmpfsInode.links.get(memory, inode) + count);
}
