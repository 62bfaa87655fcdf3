/**
 * Inode of a file in memory.
 *
 * Life: every name holds a count, and so does a directory of its parent, so that `..` leads somewhere even from a directory that
 * was removed. The last count frees the inode and its bytes: a file that is unlinked while open lives on until it is closed.
 * Lock: `lock`, rank Inode, guards size, bytes and times. The tree's lock guards the fields of directories and `links`.
 */
import { address, f64, layout, u32, u64 } from "../../shm/index.ts";
import { inodeFields, keepInode, Mount, type Stat, type Times, type Vfs } from "../../vfs/index.ts";
import { Filetype } from "../../abi/enums.ts";
import { TmpfsTree } from "./tree.ts";

export const TmpfsInode = layout("TmpfsInode", {
  ...inodeFields,
  /** What stat shows: names, and for a directory its `.` and the `..` of its subdirectories. 0: removed. Under the tree's lock. */
  links: u32,

  // Under `lock`.
  /** Bytes of the file or of a symbolic link's target. */
  size: f64,
  /** One block of `capacity` bytes, or, when `chunks` is not 0, a table of that many addresses of chunks. See `bytes.ts`. */
  data: address,
  /** With a table: the position at which the memory of the one short chunk ends, or 0 when all are whole. */
  capacity: u32,
  chunks: u32,
  /** Where the bytes are when they lie in an archive (`packed.ts`), or 0: immutable once the file is known. */
  packed: address,
  accessed: u64,
  modified: u64,
  changed: u64,

  // Directories only, under the tree's lock.
  /** The directory above, with a count; the root has itself here, without one. */
  parent: address,
  /** Entries in the order of their cookies. */
  first: address,
  last: address,
  /** Open files that stand in the middle of a listing: see `directory.ts`. */
  listings: address,
  /** Cookie of the newest entry. */
  lastCookie: f64,
});

/**
 * Makes an inode with a count of one and all times now. The tree's lock must be held, or the tree not be known to anybody yet.
 *
 * @param parent the directory above when this is one, 0 otherwise; a root gives 0 as well
 * @returns its address, or 0 when the kernel heap is full
 */
export function makeInode(
  vfs: Vfs,
  tree: number,
  mount: number,
  type: number,
  parent: number,
): number {
  const { memory } = vfs;
  const inode = TmpfsInode.allocate(memory);
  if (inode === 0) return 0;
  const number = TmpfsTree.lastNumber.get(memory, tree) + 1;
  TmpfsTree.lastNumber.set(memory, tree, number);
  TmpfsInode.refs.store(memory, inode, 1);
  TmpfsInode.filesystem.set(memory, inode, TmpfsTree.filesystem.get(memory, tree));
  TmpfsInode.type.set(memory, inode, type);
  TmpfsInode.mount.set(memory, inode, mount);
  TmpfsInode.number.set(memory, inode, number);
  TmpfsInode.links.set(memory, inode, 1);
  if (type === Filetype.DIRECTORY) {
    TmpfsInode.links.set(memory, inode, 2);
    TmpfsInode.parent.set(memory, inode, parent === 0 ? inode : keepInode(memory, parent));
    // The cookies of `.` and `..` come first.
    TmpfsInode.lastCookie.set(memory, inode, 2);
  }
  vfs.now();
  TmpfsInode.accessed.set(memory, inode, vfs.nowLow, vfs.nowHigh);
  TmpfsInode.modified.set(memory, inode, vfs.nowLow, vfs.nowHigh);
  TmpfsInode.changed.set(memory, inode, vfs.nowLow, vfs.nowHigh);
  return inode;
}

/** Marks an inode's bytes or entries as changed now. Takes its lock. */
export function touchModified(vfs: Vfs, inode: number): void {
  TmpfsInode.lock.acquire(vfs.memory, inode);
  touchModifiedLocked(vfs, inode);
  TmpfsInode.lock.release(vfs.memory, inode);
}

/** The same with the lock held. */
export function touchModifiedLocked(vfs: Vfs, inode: number): void {
  vfs.now();
  TmpfsInode.modified.set(vfs.memory, inode, vfs.nowLow, vfs.nowHigh);
  TmpfsInode.changed.set(vfs.memory, inode, vfs.nowLow, vfs.nowHigh);
}

/** Marks an inode's links as changed now. Takes its lock. */
export function touchChanged(vfs: Vfs, inode: number): void {
  const { memory } = vfs;
  TmpfsInode.lock.acquire(memory, inode);
  vfs.now();
  TmpfsInode.changed.set(memory, inode, vfs.nowLow, vfs.nowHigh);
  TmpfsInode.lock.release(memory, inode);
}

/**
 * Marks an inode as read now, with its lock held; only if it was changed since it was last read, as Linux does (relatime): most
 * reads then need no clock.
 */
export function touchAccessedLocked(vfs: Vfs, inode: number): void {
  const { memory } = vfs;
  const accessed = TmpfsInode.accessed.high(memory, inode);
  const modified = TmpfsInode.modified.high(memory, inode);
  if (accessed > modified) return;
  if (
    accessed === modified &&
    TmpfsInode.accessed.low(memory, inode) > TmpfsInode.modified.low(memory, inode)
  ) {
    return;
  }
  vfs.now();
  TmpfsInode.accessed.set(memory, inode, vfs.nowLow, vfs.nowHigh);
}

/** Sets times as asked. Takes the inode's lock. */
export function setInodeTimes(vfs: Vfs, inode: number, times: Times): number {
  const { memory } = vfs;
  TmpfsInode.lock.acquire(memory, inode);
  if (times.setAccessed) {
    TmpfsInode.accessed.set(memory, inode, times.accessedLow, times.accessedHigh);
  }
  if (times.setModified) {
    TmpfsInode.modified.set(memory, inode, times.modifiedLow, times.modifiedHigh);
  }
  vfs.now();
  TmpfsInode.changed.set(memory, inode, vfs.nowLow, vfs.nowHigh);
  TmpfsInode.lock.release(memory, inode);
  return 0;
}

/** Describes an inode that the caller has a count of, or whose tree it has locked. Takes the inode's lock. */
export function describeInode(vfs: Vfs, inode: number, into: Stat): number {
  const { memory } = vfs;
  const number = TmpfsInode.number.get(memory, inode);
  into.device = Mount.device.get(memory, TmpfsInode.mount.get(memory, inode));
  into.inodeLow = number >>> 0;
  into.inodeHigh = Math.floor(number / 2 ** 32);
  into.type = TmpfsInode.type.get(memory, inode);
  TmpfsInode.lock.acquire(memory, inode);
  into.links = TmpfsInode.links.get(memory, inode);
  into.size = TmpfsInode.size.get(memory, inode);
  into.accessedLow = TmpfsInode.accessed.low(memory, inode);
  into.accessedHigh = TmpfsInode.accessed.high(memory, inode);
  into.modifiedLow = TmpfsInode.modified.low(memory, inode);
  into.modifiedHigh = TmpfsInode.modified.high(memory, inode);
  into.changedLow = TmpfsInode.changed.low(memory, inode);
  into.changedHigh = TmpfsInode.changed.high(memory, inode);
  TmpfsInode.lock.release(memory, inode);
  return 0;
}
