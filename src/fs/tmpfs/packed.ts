/**
 * Packed files: files of a tree in memory whose bytes lie in an archive, which is an open file that the tree holds (`TmpfsTree.archive`).
 *
 * What reads them is `archivefs/file.ts`. Their own bytes in memory are a copy for as long as somebody needs one.
 */
import { OpenFile, type Transfer, type Vfs } from "../../vfs/index.ts";
import { f64, layout, u32, type KernelMemory } from "../../shm/index.ts";
import { releaseBytes, writeBytes } from "./bytes.ts";
import { TmpfsInode } from "./inode.ts";
import { TmpfsTree, treeOf } from "./tree.ts";

/** Where a file's bytes are. Belongs to its inode; immutable. */
export const PackedBytes = layout("PackedBytes", {
  /** First byte in the archive, and how many there are. */
  start: f64,
  length: f64,
  isDeflated: u32,
  /** CRC-32 of the file. */
  checksum: u32,
});

/** Makes a new, empty file one of an archive. False when the kernel heap is full. */
export function packFile(
  { memory }: Vfs,
  file: number,
  place: { start: number; length: number; size: number; isDeflated: boolean; checksum: number },
): boolean {
  const packed = PackedBytes.allocate(memory);
  if (packed === 0) return false;
  PackedBytes.start.set(memory, packed, place.start);
  PackedBytes.length.set(memory, packed, place.length);
  PackedBytes.isDeflated.set(memory, packed, place.isDeflated ? 1 : 0);
  PackedBytes.checksum.set(memory, packed, place.checksum);
  const inode = OpenFile.inode.get(memory, file);
  TmpfsInode.lock.acquire(memory, inode);
  TmpfsInode.size.set(memory, inode, place.size);
  TmpfsInode.packed.set(memory, inode, packed);
  TmpfsInode.lock.release(memory, inode);
  return true;
}

/** The archive that a packed file's bytes lie in. */
export function archiveOf(memory: KernelMemory, inode: number): number {
  return TmpfsTree.archive.get(memory, treeOf(memory, inode));
}

/** Whether a packed file's bytes are in memory. Takes the inode's lock. */
export function holdsBytes(memory: KernelMemory, inode: number): boolean {
  TmpfsInode.lock.acquire(memory, inode);
  const holds = TmpfsInode.data.get(memory, inode) !== 0;
  TmpfsInode.lock.release(memory, inode);
  return holds;
}

/** Keeps all bytes of a packed file in memory. False when the kernel heap is full. Takes the inode's lock. */
export function keepBytes(memory: KernelMemory, inode: number, bytes: Transfer): boolean {
  TmpfsInode.lock.acquire(memory, inode);
  let kept = true;
  if (TmpfsInode.data.get(memory, inode) === 0) {
    kept = writeBytes(memory, inode, bytes, 0, bytes.total) === bytes.total;
    if (!kept) releaseBytes(memory, inode);
  }
  TmpfsInode.lock.release(memory, inode);
  return kept;
}

/** Frees what an inode has of a packed file. */
export function freePacked(memory: KernelMemory, inode: number): void {
  const packed = TmpfsInode.packed.get(memory, inode);
  if (packed !== 0) PackedBytes.free(memory, packed);
}
