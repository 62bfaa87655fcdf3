/**
 * The bytes of a file in memory.
 *
 * Up to `CHUNK` bytes lie in one block that grows by size class. Above that, the inode's `data` is a table of chunks, 0 for a hole; what
 * lies beyond the table is a hole too. So a large size costs nothing until something is written there.
 *
 * When a file that was written is closed, `trimBytes` runs: the block, or the chunk at the size, is moved to a smaller one if much of it is left over. Such a **short
 * chunk**, of which a file has one at most, is made whole before anything is written behind its end.
 *
 * Invariant: below the size, a byte that is in a block or chunk is the file's, and any other reads as zero; at and above the
 * size, bytes in blocks and chunks are garbage, and no chunk lies wholly there. Hence raising the size zeroes the gap first
 * (`zeroGap`), and adding a block or chunk zeroes what of it is below the size and not about to be written.
 *
 * Lock: everything here needs the inode's lock held, or an inode that nobody else knows.
 */
import { Errno } from "../../abi/errno.ts";
import { allocate, blockSize, free, growingSize, type KernelMemory } from "../../shm/index.ts";
import type { Transfer } from "../../vfs/index.ts";
import { TmpfsInode } from "./inode.ts";

/** Bytes of a chunk: a size that the heap has blocks of exactly. */
export const CHUNK = 65536;

/** Largest size of a file. Its table of chunks still is a block of the heap. */
export const LARGEST_FILE = 2 ** 40;

/** Fewest chunks of a table. */
const FEWEST_CHUNKS = 16;

/** Copies `length` bytes from `position` on to the guest; all must lie below the size. */
export function readBytes(
  memory: KernelMemory,
  inode: number,
  into: Transfer,
  position: number,
  length: number,
): void {
  const data = TmpfsInode.data.get(memory, inode);
  const chunks = TmpfsInode.chunks.get(memory, inode);
  if (chunks === 0) {
    const there = TmpfsInode.capacity.get(memory, inode) - position;
    if (there >= length) return into.put(memory.u8, data + position, length);
    if (there > 0) into.put(memory.u8, data + position, there);
    return into.putZeros(length - Math.max(there, 0));
  }
  for (let done = 0; done < length;) {
    const index = Math.floor((position + done) / CHUNK);
    const offset = position + done - index * CHUNK;
    const piece = Math.min(length - done, CHUNK - offset);
    const chunk = index < chunks ? memory.u32[(data >>> 2) + index] : 0;
    const there = chunk === 0 ? 0 : Math.min(piece, chunkSize(memory, inode, index) - offset);
    if (there > 0) into.put(memory.u8, chunk + offset, there);
    if (there < piece) into.putZeros(piece - Math.max(there, 0));
    done += piece;
  }
}

/**
 * Copies `length` bytes, at least one, from the guest to `position` and raises the size over them.
 *
 * @returns how many were written: fewer than asked when the kernel heap is full, and ENOSPC when none
 */
export function writeBytes(
  memory: KernelMemory,
  inode: number,
  from: Transfer,
  position: number,
  length: number,
): number {
  const size = TmpfsInode.size.get(memory, inode);
  const end = position + length;
  if (position > size) zeroGap(memory, inode, size, position);
  let written: number;
  if (
    TmpfsInode.chunks.get(memory, inode) === 0 &&
    (end <= CHUNK || !split(memory, inode, position))
  ) {
    if (end > TmpfsInode.capacity.get(memory, inode))
      growBlock(memory, inode, Math.min(end, CHUNK), position, false);
    written = Math.min(length, TmpfsInode.capacity.get(memory, inode) - position);
    if (written > 0) from.take(memory.u8, TmpfsInode.data.get(memory, inode) + position, written);
  } else {
    const short = TmpfsInode.capacity.get(memory, inode);
    const fits =
      short === 0 || end <= short || makeWhole(memory, inode, position)
        ? length
        : Math.min(length, short - position);
    written = fits > 0 ? writeChunks(memory, inode, from, position, fits) : 0;
  }
  if (written <= 0) return -Errno.ENOSPC;
  if (position + written > size) TmpfsInode.size.set(memory, inode, position + written);
  return written;
}

/** Sets the size: frees what is cut off, or lets zeros follow. Needs no memory. */
export function resizeBytes(memory: KernelMemory, inode: number, size: number): void {
  const old = TmpfsInode.size.get(memory, inode);
  if (size > old) zeroGap(memory, inode, old, size);
  else if (size === 0) releaseBytes(memory, inode);
  else freeChunks(memory, inode, Math.ceil(size / CHUNK));
  TmpfsInode.size.set(memory, inode, size);
}

/**
 * Gives every byte below `end` its memory, and raises the size to it.
 *
 * @returns 0, or ENOSPC with the size as it was
 */
export function reserveBytes(memory: KernelMemory, inode: number, end: number): number {
  const size = TmpfsInode.size.get(memory, inode);
  if (end > size) zeroGap(memory, inode, size, end);
  const target = Math.max(end, size);
  if (
    TmpfsInode.chunks.get(memory, inode) === 0 &&
    (end <= CHUNK || !split(memory, inode, target))
  ) {
    if (end > CHUNK) return -Errno.ENOSPC;
    if (end > TmpfsInode.capacity.get(memory, inode)) growBlock(memory, inode, end, target, true);
    if (end > TmpfsInode.capacity.get(memory, inode)) return -Errno.ENOSPC;
  } else {
    const short = TmpfsInode.capacity.get(memory, inode);
    if (short !== 0 && end > short && !makeWhole(memory, inode, target)) return -Errno.ENOSPC;
    for (let index = 0; index * CHUNK < end; index++) {
      if (chunkAt(memory, inode, index) !== 0) continue;
      const chunk = addChunk(memory, inode, index);
      if (chunk === 0) {
        freeChunks(memory, inode, Math.ceil(size / CHUNK));
        return -Errno.ENOSPC;
      }
      memory.u8.fill(0, chunk, chunk + CHUNK);
    }
  }
  TmpfsInode.size.set(memory, inode, target);
  return 0;
}

/** Gives back what of the memory of a file is left over, if it is more than a thirty-second of its size. Needs no memory. */
export function trimBytes(memory: KernelMemory, inode: number): void {
  const size = TmpfsInode.size.get(memory, inode);
  const chunks = TmpfsInode.chunks.get(memory, inode);
  const capacity = TmpfsInode.capacity.get(memory, inode);
  const isTable = chunks !== 0;
  const index = isTable ? Math.floor((size - 1) / CHUNK) : 0;
  const place = isTable ? (TmpfsInode.data.get(memory, inode) >>> 2) + index : 0;
  if (size === 0 || index >= Math.max(chunks, 1)) return;
  const have = isTable ? chunkSize(memory, inode, index) : capacity;
  const bytes = size - index * CHUNK;
  if (bytes >= have || have - bytes <= size / 32) return;
  const old = isTable ? memory.u32[place] : TmpfsInode.data.get(memory, inode);
  const wanted = blockSize(bytes);
  if (old === 0 || wanted >= have) return;
  const block = allocate(memory, wanted);
  if (block === 0) return;
  memory.u8.copyWithin(block, old, old + bytes);
  free(memory, old, have);
  if (isTable) memory.u32[place] = block;
  else TmpfsInode.data.set(memory, inode, block);
  TmpfsInode.capacity.set(memory, inode, index * CHUNK + wanted);
}

/** Frees all bytes; the size is left to the caller. */
export function releaseBytes(memory: KernelMemory, inode: number): void {
  const data = TmpfsInode.data.get(memory, inode);
  if (data === 0) return;
  const chunks = TmpfsInode.chunks.get(memory, inode);
  if (chunks === 0) free(memory, data, TmpfsInode.capacity.get(memory, inode));
  else {
    freeChunks(memory, inode, 0);
    free(memory, data, chunks * 4);
  }
  TmpfsInode.data.set(memory, inode, 0);
  TmpfsInode.capacity.set(memory, inode, 0);
  TmpfsInode.chunks.set(memory, inode, 0);
}

/** Makes what lies in memory from the size to `end` zero, for the size is about to be raised over it. */
function zeroGap(memory: KernelMemory, inode: number, size: number, end: number): void {
  if (TmpfsInode.chunks.get(memory, inode) === 0) {
    const data = TmpfsInode.data.get(memory, inode);
    const stop = Math.min(end, TmpfsInode.capacity.get(memory, inode));
    if (stop > size) memory.u8.fill(0, data + size, data + stop);
    return;
  }
  const index = Math.floor(size / CHUNK);
  const offset = size - index * CHUNK;
  // No chunk lies wholly above the size, so only the one that the size cuts is in memory.
  if (offset === 0) return;
  const chunk = chunkAt(memory, inode, index);
  if (chunk === 0) return;
  const stop = Math.min(chunkSize(memory, inode, index), end - index * CHUNK);
  if (stop > offset) memory.u8.fill(0, chunk + offset, chunk + stop);
}

/**
 * Moves the only block to a larger one, if the heap has one: of the size that is asked for where it is the first, or `exact`ly that is wanted, else of one that
 * leaves room to grow. Bytes from the old end to `position`, where the caller is about to write, and
 * those after what it writes and below the size become zero.
 */
function growBlock(
  memory: KernelMemory,
  inode: number,
  end: number,
  position: number,
  exact: boolean,
): void {
  const isFirst = TmpfsInode.capacity.get(memory, inode) === 0;
  const capacity = isFirst || exact ? blockSize(end) : growingSize(end);
  const block = allocate(memory, capacity);
  if (block === 0) return;
  const live = Math.max(TmpfsInode.size.get(memory, inode), position);
  moveBlock(memory, inode, block, capacity, live);
  TmpfsInode.data.set(memory, inode, block);
  TmpfsInode.capacity.set(memory, inode, capacity);
}

/** Copies the only block's bytes below `live` to a new one, zeroes the new one's bytes from there to `live`, and frees the old. */
function moveBlock(
  memory: KernelMemory,
  inode: number,
  block: number,
  capacity: number,
  live: number,
): void {
  const old = TmpfsInode.data.get(memory, inode);
  const oldCapacity = TmpfsInode.capacity.get(memory, inode);
  const kept = Math.min(oldCapacity, live);
  if (kept > 0) memory.u8.copyWithin(block, old, old + kept);
  const stop = Math.min(capacity, live);
  if (stop > kept) memory.u8.fill(0, block + kept, block + stop);
  if (old !== 0) free(memory, old, oldCapacity);
}

/** Turns the one block into a table of chunks. False when the heap is full. */
function split(memory: KernelMemory, inode: number, position: number): boolean {
  const table = allocate(memory, FEWEST_CHUNKS * 4);
  if (table === 0) return false;
  memory.u32.fill(0, table >>> 2, (table >>> 2) + FEWEST_CHUNKS);
  const data = TmpfsInode.data.get(memory, inode);
  if (data !== 0) {
    let first = data;
    if (TmpfsInode.capacity.get(memory, inode) !== CHUNK) {
      first = allocate(memory, CHUNK);
      if (first === 0) {
        free(memory, table, FEWEST_CHUNKS * 4);
        return false;
      }
      moveBlock(
        memory,
        inode,
        first,
        CHUNK,
        Math.max(TmpfsInode.size.get(memory, inode), position),
      );
    }
    memory.u32[table >>> 2] = first;
  }
  TmpfsInode.data.set(memory, inode, table);
  TmpfsInode.capacity.set(memory, inode, 0);
  TmpfsInode.chunks.set(memory, inode, FEWEST_CHUNKS);
  return true;
}

/**
 * Makes the short chunk whole; its new bytes below the size, or `position` if that is more, are zero.
 *
 * @returns false when the heap is full
 */
function makeWhole(memory: KernelMemory, inode: number, position: number): boolean {
  const end = TmpfsInode.capacity.get(memory, inode);
  const index = Math.floor(end / CHUNK);
  const chunk = allocate(memory, CHUNK);
  if (chunk === 0) return false;
  const place = (TmpfsInode.data.get(memory, inode) >>> 2) + index;
  const old = memory.u32[place];
  const have = end - index * CHUNK;
  memory.u8.copyWithin(chunk, old, old + have);
  const live = Math.max(TmpfsInode.size.get(memory, inode), position) - index * CHUNK;
  if (live > have) memory.u8.fill(0, chunk + have, chunk + Math.min(live, CHUNK));
  free(memory, old, have);
  memory.u32[place] = chunk;
  TmpfsInode.capacity.set(memory, inode, 0);
  return true;
}

function writeChunks(
  memory: KernelMemory,
  inode: number,
  from: Transfer,
  position: number,
  length: number,
): number {
  let written = 0;
  while (written < length) {
    const index = Math.floor((position + written) / CHUNK);
    const offset = position + written - index * CHUNK;
    const piece = Math.min(length - written, CHUNK - offset);
    let chunk = chunkAt(memory, inode, index);
    if (chunk === 0) {
      chunk = addChunk(memory, inode, index);
      if (chunk === 0) break;
      if (offset > 0) memory.u8.fill(0, chunk, chunk + offset);
      const live = Math.min(CHUNK, TmpfsInode.size.get(memory, inode) - index * CHUNK);
      if (live > offset + piece) memory.u8.fill(0, chunk + offset + piece, chunk + live);
    }
    from.take(memory.u8, chunk + offset, piece);
    written += piece;
  }
  return written;
}

function chunkAt(memory: KernelMemory, inode: number, index: number): number {
  if (index >= TmpfsInode.chunks.get(memory, inode)) return 0;
  return memory.u32[(TmpfsInode.data.get(memory, inode) >>> 2) + index];
}

/** The bytes of a chunk: fewer than `CHUNK` of the short one. */
function chunkSize(memory: KernelMemory, inode: number, index: number): number {
  const end = TmpfsInode.capacity.get(memory, inode);
  const short = end - index * CHUNK;
  return short > 0 && short < CHUNK ? short : CHUNK;
}

/** Fills a hole with a chunk of any content; 0 when the heap is full. */
function addChunk(memory: KernelMemory, inode: number, index: number): number {
  const chunks = TmpfsInode.chunks.get(memory, inode);
  if (index >= chunks && !growTable(memory, inode, chunks, index + 1)) return 0;
  const chunk = allocate(memory, CHUNK);
  if (chunk !== 0) memory.u32[(TmpfsInode.data.get(memory, inode) >>> 2) + index] = chunk;
  return chunk;
}

function growTable(memory: KernelMemory, inode: number, chunks: number, least: number): boolean {
  let more = chunks * 2;
  while (more < least) more *= 2;
  const table = allocate(memory, more * 4);
  if (table === 0) return false;
  const old = TmpfsInode.data.get(memory, inode);
  memory.u32.copyWithin(table >>> 2, old >>> 2, (old >>> 2) + chunks);
  memory.u32.fill(0, (table >>> 2) + chunks, (table >>> 2) + more);
  free(memory, old, chunks * 4);
  TmpfsInode.data.set(memory, inode, table);
  TmpfsInode.chunks.set(memory, inode, more);
  return true;
}

/** Frees the chunks from the `from`th on. */
function freeChunks(memory: KernelMemory, inode: number, from: number): void {
  const chunks = TmpfsInode.chunks.get(memory, inode);
  const table = TmpfsInode.data.get(memory, inode) >>> 2;
  for (let index = from; index < chunks; index++) {
    const chunk = memory.u32[table + index];
    if (chunk === 0) continue;
    const bytes = chunkSize(memory, inode, index);
    free(memory, chunk, bytes);
    if (bytes < CHUNK) TmpfsInode.capacity.set(memory, inode, 0);
    memory.u32[table + index] = 0;
  }
}
