/**
 * The allocator of the kernel heap: blocks by size class.
 *
 * A class is a lock and a list of free blocks. An empty list takes a run of new blocks from the end of the heap, which grows the memory
 * when it must, up to its limit. Blocks never change their class and memory is never given back: a stale address still is a block of
 * the same size, which the lock-free readers (open files) rely on.
 *
 * Lock: one per class, and one for the end of the heap; rank Heap, the last.
 */
import { Header, PAGE, type KernelMemory } from "./memory.ts";
import { acquireLock, releaseLock } from "./mutex.ts";
import { panic } from "./panic.ts";

export const LARGEST_BLOCK = 2 ** 28;

/** Pools (below) come after the coarse classes, the fine classes after the pools. */
export const FIRST_POOL = 56;
const FIRST_FINE = 64;

/** Sizes of blocks in bytes by class. */
const SIZES: readonly number[] = (() => {
  const sizes = [32, 64, 96, 128];
  for (let size = 128; size < LARGEST_BLOCK; size *= 2) sizes.push(size * 1.5, size * 2);
  let fine = FIRST_FINE;
  for (let size = 4096; size < 65536;) {
    size += stepAfter(size);
    sizes[fine++] = size;
  }
  return sizes;
})();

/** Between fine classes: 512 bytes from 4 to 16 KiB, then a sixteenth of a power of two. */
function stepAfter(bytes: number): number {
  return 1 << Math.max(9, 27 - Math.clz32(bytes));
}

/**
 * Class of a size: by 32 bytes up to 128, then two classes for each power of two; between 4 and 64 KiB, where most bytes of small files lie, finer ones, so
 * that little of a block is left over.
 */
function classOf(bytes: number): number {
  if (bytes <= 128) return ((Math.max(bytes, 1) + 31) >> 5) - 1;
  const power = 31 - Math.clz32(bytes - 1);
  if (power < 12 || power > 15) return coarseClassOf(bytes, power);
  const first = power === 12 ? FIRST_FINE : FIRST_FINE + 8 + (power - 13) * 16;
  return first + ((bytes - 1 - 2 ** power) >> Math.max(9, power - 4));
}

function coarseClassOf(bytes: number, power: number): number {
  return 4 + (power - 7) * 2 + (bytes > 1.5 * 2 ** power ? 1 : 0);
}

/**
 * The bytes of the block to take for something that has grown to `bytes` and may grow on: at least a third or half more than the last such size, so that it
 * is seldom moved.
 */
export function growingSize(bytes: number): number {
  return bytes <= 128 ? blockSize(bytes) : SIZES[coarseClassOf(bytes, 31 - Math.clz32(bytes - 1))];
}

/** The bytes that a block for `bytes` really has. */
export function blockSize(bytes: number): number {
  return SIZES[classOf(bytes)];
}

/** A block of at least `bytes` bytes, aligned to 32, with any content; 0 when the heap is full or the size absurd. */
export function allocate(memory: KernelMemory, bytes: number): number {
  if (!(bytes <= LARGEST_BLOCK)) return 0;
  const size = classOf(bytes);
  const list = Header.classes + size * 8;
  acquireLock(memory, list + 4);
  let block = memory.u32[list >> 2];
  if (block === 0) block = refill(memory, size);
  else memory.u32[list >> 2] = memory.u32[block >>> 2];
  releaseLock(memory, list + 4);
  if (block !== 0) memory.code.add(Header.used, SIZES[size] >>> 4);
  return block;
}

/** Gives back a block with the size it was asked for. */
export function free(memory: KernelMemory, block: number, bytes: number): void {
  if (block === 0 || block % 32 !== 0) panic(`free: ${block} is no block`);
  const size = classOf(bytes);
  const list = Header.classes + size * 8;
  acquireLock(memory, list + 4);
  memory.u32[block >>> 2] = memory.u32[list >> 2];
  memory.u32[list >> 2] = block;
  releaseLock(memory, list + 4);
  memory.code.add(Header.used, -(SIZES[size] >>> 4));
}

/*
 * Pools: free lists that serve one kind of record only, so that a stale address always is a record of that kind. A free record keeps its
 * first word at zero (for open files: a count of zero); the link of the list is the second word.
 */
/** A block from a pool; `bytes` must be the same at every call for one pool. */
export function allocatePooled(memory: KernelMemory, pool: number, bytes: number): number {
  const list = Header.classes + (FIRST_POOL + pool) * 8;
  acquireLock(memory, list + 4);
  let block = memory.u32[list >> 2];
  if (block !== 0) memory.u32[list >> 2] = memory.u32[(block + 4) >>> 2];
  releaseLock(memory, list + 4);
  if (block === 0) {
    block = allocate(memory, bytes);
    if (block !== 0) Atomics.store(memory.i32, block >>> 2, 0);
  }
  return block;
}

/** Gives a block back to its pool. Its first word must be zero or below by now. */
export function freePooled(memory: KernelMemory, pool: number, block: number): void {
  const list = Header.classes + (FIRST_POOL + pool) * 8;
  acquireLock(memory, list + 4);
  memory.u32[(block + 4) >>> 2] = memory.u32[list >> 2];
  memory.u32[list >> 2] = block;
  releaseLock(memory, list + 4);
}

/** Bytes that live blocks take. Blocks in pools count as live. */
export function usedBytes(memory: KernelMemory): number {
  return (Atomics.load(memory.i32, Header.used >> 2) >>> 0) * 16;
}

/** With the lock of a class held: cuts new blocks from the end of the heap, lists all but one, returns that one. */
function refill(memory: KernelMemory, size: number): number {
  const bytes = SIZES[size];
  const wanted = Math.max(1, Math.floor(8192 / bytes));
  acquireLock(memory, Header.bumpLock);
  const start = Math.ceil(memory.u32[Header.bump >> 2] / 32) * 32;
  let count = wanted;
  if (!reserve(memory, start + bytes * count)) {
    count = 1;
    if (!reserve(memory, start + bytes)) count = 0;
  }
  memory.u32[Header.bump >> 2] = Math.min(start + bytes * count, 2 ** 32 - 32);
  releaseLock(memory, Header.bumpLock);
  if (count === 0) return 0;
  const list = Header.classes + size * 8;
  for (let index = count - 1; index > 0; index--) {
    const block = start + index * bytes;
    memory.u32[block >>> 2] = memory.u32[list >> 2];
    memory.u32[list >> 2] = block;
  }
  return start;
}

/** With the end of the heap held: makes sure that the memory reaches to `end`. Grows by an eighth to keep growths rare. */
function reserve(memory: KernelMemory, end: number): boolean {
  const have = memory.u32[Header.pages >> 2];
  const need = Math.ceil(end / PAGE);
  const limit = memory.u32[Header.limit >> 2] - memory.reserve;
  if (need <= have && (memory.reserve === 0 || need < limit)) return true;
  // The last page stays unused, so that no address or end of a block leaves 32 bits.
  if (need >= limit) return false;
  const target = Math.min(limit, Math.max(need, have + Math.max(64, have >>> 3)));
  for (const pages of [target, need]) {
    try {
      memory.memory.grow(pages - have);
      memory.refresh();
      Atomics.store(memory.i32, Header.pages >> 2, pages);
      return true;
    } catch {
      // The host has no memory for that much; a smaller step may do.
    }
  }
  return false;
}
