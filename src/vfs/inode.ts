/**
 * Inode: what a name in a filesystem stands for.
 *
 * Every filesystem's inode records begin with these fields. Which inodes exist as records is the filesystem's business: files in memory all
 * are, a host directory has records for directories that are walked through or open.
 *
 * Life: a count. Open file descriptions, working directories, mounts and walks in progress hold one each; a filesystem in memory holds one for
 * each name. At zero the filesystem's `dropInode` frees it.
 */
import {
  address,
  atomic32,
  f64,
  layout,
  mutex,
  Rank,
  u32,
  type KernelMemory,
} from "../shm/index.ts";
import type { Vfs } from "./vfs.ts";

export const InodeFlags = {
  /** A filesystem is mounted on this directory. */
  mountpoint: 1,
  /** A name in this directory is a mountpoint: look names up before acting on them. */
  parentOfMountpoint: 2,
} as const;

export const inodeFields = {
  refs: atomic32,
  /** `FilesystemId` of its driver: immutable. */
  filesystem: u32,
  /** `Filetype`: immutable. */
  type: u32,
  /** `InodeFlags`. */
  flags: atomic32,
  /** The mount it was reached by: immutable. */
  mount: address,
  /** Guards the filesystem's own fields, as each says. */
  lock: mutex(Rank.Inode),
  /** The number `stat` shows: immutable. */
  number: f64,
};

export const Inode = layout("Inode", inodeFields);

/** Takes one more count of an inode that the caller has a count of (or holds the tree's lock). */
export function keepInode(memory: KernelMemory, inode: number): number {
  Inode.refs.add(memory, inode, 1);
  return inode;
}

/** Drops one count; the last one frees the inode. */
export function dropInode(vfs: Vfs, inode: number): void {
  if (Inode.refs.add(vfs.memory, inode, -1) === 1) vfs.filesystemOf(inode).dropInode(vfs, inode);
}
