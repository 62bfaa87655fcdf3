/**
 * Entry: a name in a directory.
 *
 * Two ways lead to it: a hash table of the whole tree by directory and name, and the order of its directory's entries, which listings follow.
 * Each entry has a cookie, ascending in that order and never used again in its directory: a listing can go on
 * after any cookie, whatever was added or removed meanwhile.
 *
 * Life: made by a create, link or rename; holds a count of its inode; freed when the name goes.
 * Lock: the tree's, for everything here.
 */
import { address, f64, layout, u32, type KernelMemory } from "../../shm/index.ts";
import { copyBytes, type Name } from "../../vfs/index.ts";

export const TmpfsEntry = layout("TmpfsEntry", {
  /** Next entry in its bucket. */
  next: address,
  hash: u32,
  directory: address,
  /** What it names, with a count. */
  inode: address,
  before: address,
  after: address,
  cookie: f64,
  /** Bytes of the name, which follow the record. */
  length: u32,
});

/** Address of an entry's name. */
export function nameOf(entry: number): number {
  return entry + TmpfsEntry.bytes;
}

/** Makes an entry that is in no directory yet; 0 when the kernel heap is full. */
export function makeEntry(memory: KernelMemory, name: Name): number {
  const entry = TmpfsEntry.allocate(memory, name.length);
  if (entry === 0) return 0;
  TmpfsEntry.length.set(memory, entry, name.length);
  copyBytes(memory.u8, nameOf(entry), name.bytes, name.start, name.length);
  return entry;
}

/** Frees an entry that is in no directory. */
export function freeEntry(memory: KernelMemory, entry: number): void {
  TmpfsEntry.free(memory, entry, TmpfsEntry.length.get(memory, entry));
}
