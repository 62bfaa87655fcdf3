/**
 * Open file description: what a file descriptor stands for. Offset and status flags are shared by its duplicates and by forked processes.
 *
 * Life: made by a filesystem's `openAt`, a pipe, a device; each descriptor holds a count, and a call in progress one more; at zero
 * the operations' `release` runs and the record is freed. Records come from a pool of their own and never become anything else, so
 * `tryKeepFile` may look at a stale address.
 * Lock: `lock`, rank OpenFile: the offset, held over a read or write at it.
 */
import {
  address,
  atomic32,
  f64,
  layout,
  mutex,
  Rank,
  u32,
  waitQueue,
  type KernelMemory,
} from "../shm/index.ts";
import { Filetype } from "../abi/enums.ts";
import { dropInode, keepInode } from "./inode.ts";
import type { Vfs } from "./vfs.ts";

/** How a file was opened. */
export const Access = { read: 1, write: 2 } as const;

export const OpenFile = layout(
  "OpenFile",
  {
    refs: atomic32,
    /** `OperationsId`: immutable, but where they settle what the file is (`Vfs.settle`), with all fields that are said to be immutable. */
    operations: u32,
    lock: mutex(Rank.OpenFile),
    /** `Fdflags` as the ABI numbers them (append, nonblock, sync): atomic. */
    flags: atomic32,
    /** `Access`: immutable. */
    access: u32,
    /** `Filetype`: immutable. */
    type: u32,
    /** The inode, with a count, or 0: immutable. */
    inode: address,
    /** The host's descriptor plus one, or 0: immutable. */
    host: u32,
    /** Belongs to the operations: guarded as they say. */
    state: address,
    state2: u32,
    /** Bytes from the start: guarded by lock. */
    offset: f64,
    /** Who waits for this very file (event objects); pipes and terminals have their own queue. */
    waiters: waitQueue(),
    /** What watches this file without a count of it (epoll), linked: guarded by lock. */
    watches: address,
  },
  0,
);

/**
 * Makes an open file with a count of one.
 *
 * @param inode taken over with its count, or 0
 * @returns its address, or 0 when the kernel heap is full (the caller keeps the inode's count then)
 */
export function makeOpenFile(
  memory: KernelMemory,
  operations: number,
  type: number,
  access: number,
  flags: number,
  inode = 0,
): number {
  const file = OpenFile.allocate(memory);
  if (file === 0) return 0;
  OpenFile.operations.set(memory, file, operations);
  OpenFile.type.set(memory, file, type);
  OpenFile.access.set(memory, file, access);
  OpenFile.flags.store(memory, file, flags);
  OpenFile.inode.set(memory, file, inode);
  OpenFile.refs.store(memory, file, 1);
  return file;
}

/**
 * Opens a directory: makes its open file, with a count of the directory of its own.
 *
 * @returns its address, or 0 when the kernel heap is full
 */
export function makeOpenDirectory(
  memory: KernelMemory,
  operations: number,
  directory: number,
  flags: number,
): number {
  const type = Filetype.DIRECTORY;
  const file = makeOpenFile(memory, operations, type, Access.read, flags, directory);
  if (file !== 0) keepInode(memory, directory);
  return file;
}

/** Takes one more count; the caller must have one. */
export function keepFile(memory: KernelMemory, file: number): number {
  OpenFile.refs.add(memory, file, 1);
  return file;
}

/** Takes a count of a file that may be going away: false when it already has none. */
export function tryKeepFile(memory: KernelMemory, file: number): boolean {
  for (;;) {
    const refs = OpenFile.refs.guess(memory, file);
    if (refs <= 0) return false;
    if (OpenFile.refs.compareExchange(memory, file, refs, refs + 1) === refs) return true;
  }
}

/** Drops one count; the last one closes the file. */
export function dropFile(vfs: Vfs, file: number): void {
  const { memory } = vfs;
  if (OpenFile.refs.add(memory, file, -1) !== 1) return;
  // Before the operations let go of the queue that watches are in.
  if (OpenFile.watches.get(memory, file) !== 0) vfs.forgetWatches(vfs, file);
  vfs.operationsOf(file).release(vfs, file);
  const inode = OpenFile.inode.get(memory, file);
  if (inode !== 0) dropInode(vfs, inode);
  OpenFile.free(memory, file);
}
