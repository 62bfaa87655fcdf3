/**
 * The names of a tree: its hash table of entries, and the order of entries inside each directory.
 *
 * Lock: the tree's, for everything here.
 */
import { allocate, free, type KernelMemory } from "../../shm/index.ts";
import type { Name } from "../../vfs/index.ts";
import { freeEntry, nameOf, TmpfsEntry } from "./entry.ts";
import { TmpfsInode } from "./inode.ts";
import { skipInListings } from "./listing.ts";
import { TmpfsTree } from "./tree.ts";

const FEWEST_BUCKETS = 64;

/** Makes the empty table of names of a new tree. False when the kernel heap is full. */
export function makeBuckets(memory: KernelMemory, tree: number): boolean {
  const buckets = allocate(memory, FEWEST_BUCKETS * 4);
  if (buckets === 0) return false;
  memory.u32.fill(0, buckets >>> 2, (buckets >>> 2) + FEWEST_BUCKETS);
  TmpfsTree.buckets.set(memory, tree, buckets);
  TmpfsTree.bucketCount.set(memory, tree, FEWEST_BUCKETS);
  return true;
}

/** Frees the table of names of a tree that has none left. */
export function freeBuckets(memory: KernelMemory, tree: number): void {
  free(memory, TmpfsTree.buckets.get(memory, tree), TmpfsTree.bucketCount.get(memory, tree) * 4);
}

/** FNV-1a over the name, begun with the directory, its bits mixed once more since only the low ones choose a bucket. */
function hashOf(directory: number, name: Name): number {
  const { bytes } = name;
  const end = name.start + name.length;
  let hash = Math.imul(directory >>> 5, 0x9e3779b1) ^ 0x811c9dc5;
  for (let index = name.start; index < end; index++) {
    hash = Math.imul(hash ^ bytes[index], 0x01000193);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Index, in words of kernel memory, of the bucket for a hash. */
function bucketOf(memory: KernelMemory, tree: number, hash: number): number {
  const buckets = TmpfsTree.buckets.get(memory, tree) >>> 2;
  return buckets + (hash & (TmpfsTree.bucketCount.get(memory, tree) - 1));
}

/** The entry of a name in a directory, or 0. */
export function findEntry(
  memory: KernelMemory,
  tree: number,
  directory: number,
  name: Name,
): number {
  const hash = hashOf(directory, name);
  let entry = memory.u32[bucketOf(memory, tree, hash)];
  while (entry !== 0) {
    if (
      TmpfsEntry.hash.get(memory, entry) === hash &&
      TmpfsEntry.directory.get(memory, entry) === directory &&
      hasName(memory, entry, name)
    ) {
      return entry;
    }
    entry = TmpfsEntry.next.get(memory, entry);
  }
  return 0;
}

function hasName(memory: KernelMemory, entry: number, name: Name): boolean {
  const { bytes, start, length } = name;
  if (TmpfsEntry.length.get(memory, entry) !== length) return false;
  const { u8 } = memory;
  const at = nameOf(entry);
  for (let index = 0; index < length; index++) {
    if (u8[at + index] !== bytes[start + index]) return false;
  }
  return true;
}

/** Puts an entry under its name in a directory which has no such name. Takes over a count of `inode`. */
export function insertEntry(
  memory: KernelMemory,
  tree: number,
  directory: number,
  entry: number,
  name: Name,
  inode: number,
): void {
  const count = TmpfsTree.entryCount.get(memory, tree) + 1;
  TmpfsTree.entryCount.set(memory, tree, count);
  if (count > TmpfsTree.bucketCount.get(memory, tree)) growBuckets(memory, tree);

  const hash = hashOf(directory, name);
  const bucket = bucketOf(memory, tree, hash);
  TmpfsEntry.hash.set(memory, entry, hash);
  TmpfsEntry.directory.set(memory, entry, directory);
  TmpfsEntry.inode.set(memory, entry, inode);
  TmpfsEntry.next.set(memory, entry, memory.u32[bucket]);
  memory.u32[bucket] = entry;

  const cookie = TmpfsInode.lastCookie.get(memory, directory) + 1;
  TmpfsInode.lastCookie.set(memory, directory, cookie);
  TmpfsEntry.cookie.set(memory, entry, cookie);
  const last = TmpfsInode.last.get(memory, directory);
  TmpfsEntry.before.set(memory, entry, last);
  TmpfsEntry.after.set(memory, entry, 0);
  if (last === 0) TmpfsInode.first.set(memory, directory, entry);
  else TmpfsEntry.after.set(memory, last, entry);
  TmpfsInode.last.set(memory, directory, entry);
}

/** Takes an entry out of its directory and frees it. The count of its inode goes to the caller. */
export function removeEntry(memory: KernelMemory, tree: number, entry: number): void {
  const directory = TmpfsEntry.directory.get(memory, entry);
  const next = TmpfsEntry.next.get(memory, entry);
  const bucket = bucketOf(memory, tree, TmpfsEntry.hash.get(memory, entry));
  let previous = memory.u32[bucket];
  if (previous === entry) {
    memory.u32[bucket] = next;
  } else {
    while (TmpfsEntry.next.get(memory, previous) !== entry) {
      previous = TmpfsEntry.next.get(memory, previous);
    }
    TmpfsEntry.next.set(memory, previous, next);
  }
  TmpfsTree.entryCount.set(memory, tree, TmpfsTree.entryCount.get(memory, tree) - 1);

  const before = TmpfsEntry.before.get(memory, entry);
  const after = TmpfsEntry.after.get(memory, entry);
  skipInListings(memory, directory, entry, after);
  if (before === 0) TmpfsInode.first.set(memory, directory, after);
  else TmpfsEntry.after.set(memory, before, after);
  if (after === 0) TmpfsInode.last.set(memory, directory, before);
  else TmpfsEntry.before.set(memory, after, before);
  freeEntry(memory, entry);
}

/** Doubles the table. When the heap is full the chains just get longer. */
function growBuckets(memory: KernelMemory, tree: number): void {
  const old = TmpfsTree.buckets.get(memory, tree);
  const oldCount = TmpfsTree.bucketCount.get(memory, tree);
  const count = oldCount * 2;
  const buckets = allocate(memory, count * 4);
  if (buckets === 0) return;
  const { u32: words } = memory;
  words.fill(0, buckets >>> 2, (buckets >>> 2) + count);
  for (let index = 0; index < oldCount; index++) {
    let entry = words[(old >>> 2) + index];
    while (entry !== 0) {
      const next = TmpfsEntry.next.get(memory, entry);
      const bucket = (buckets >>> 2) + (TmpfsEntry.hash.get(memory, entry) & (count - 1));
      TmpfsEntry.next.set(memory, entry, words[bucket]);
      words[bucket] = entry;
      entry = next;
    }
  }
  TmpfsTree.buckets.set(memory, tree, buckets);
  TmpfsTree.bucketCount.set(memory, tree, count);
  free(memory, old, oldCount * 4);
}
