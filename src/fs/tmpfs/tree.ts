/**
 * Tree: one filesystem in memory, from its root down.
 *
 * Life: made by `createTmpfs`, freed by `destroyTmpfs`. A mount's `state` is its address.
 * Lock: `lock`, rank Tree: names, links and directories of this tree, and the fields below. Held over a lookup and whatever
 * is done with its result; inode locks are taken inside it.
 */
import { address, f64, layout, mutex, Rank, u32, type KernelMemory } from "../../shm/index.ts";
import { Inode, Mount } from "../../vfs/index.ts";

export const TmpfsTree = layout("TmpfsTree", {
  lock: mutex(Rank.Tree),
  /** Hash table of the names: a block of `bucketCount` addresses of entries. */
  buckets: address,
  /** A power of two. */
  bucketCount: u32,
  entryCount: u32,
  /** `FilesystemId` of its inodes: immutable. */
  filesystem: u32,
  /** The `Journal` that changes are noted in (`logfs`), or 0: immutable once the tree is known. */
  journal: address,
  /** The archive that the files' bytes lie in, with a count, or 0: immutable. */
  archive: address,
  /** Number of the inode made last. */
  lastNumber: f64,
});

/** The tree that an inode belongs to. */
export function treeOf(memory: KernelMemory, inode: number): number {
  return Mount.state.get(memory, Inode.mount.get(memory, inode));
}
