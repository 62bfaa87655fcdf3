/**
 * File table: the array of a process's descriptors, and what all operations on them (`descriptors.ts`) do to it.
 *
 * A descriptor is an index into an array of entries. Lookups take no lock: they read the entry, take a count of the open file if it has any,
 * and look at the entry again. So arrays that were outgrown stay readable until the table goes, and open files come from a pool of their own.
 *
 * Life: made with the process, freed with its end. Lock: `lock`, rank FileTable, for every change. Functions named `…Locked` are for callers that hold it.
 */
import { Errno } from "../abi/errno.ts";
import {
  address,
  allocate,
  block,
  free,
  layout,
  mutex,
  Rank,
  u32,
  type KernelMemory,
} from "../shm/index.ts";
import { dropFile, keepFile, type Vfs } from "../vfs/index.ts";
import { CoveredPreopen, coveredRights, findCovered, makeCovered } from "./covered-preopen.ts";
import { type DescriptorRights, FileEntry, rightsOf } from "./file-entry.ts";

const FIRST_CAPACITY = 32;

/** Stands in an entry for the moment in which another file takes the place of the one that it had: the descriptor is open. No open file has this address. */
export const CHANGING = 1;

export const FileTable = layout("FileTable", {
  lock: mutex(Rank.FileTable),
  /** The array of entries: changed under lock, read by anyone. */
  entries: address,
  /** Arrays that were outgrown, linked through their heads: guarded by lock. */
  retired: address,
  /** No entry below is free: guarded by lock. */
  lowest: u32,
  /** First record of preopened directories whose numbers were taken: changed under lock, read by anyone. */
  covered: address,
});

/** What stands before the entries of an array. */
export const FileTableArray = layout("FileTableArray", {
  /** Immutable. */
  capacity: u32,
  /** Of one that was outgrown: the one outgrown before it. Guarded by the table's lock. */
  next: address,
  /** Entries begin at a multiple of 32 bytes. */
  padding: block(24),
});

/** Makes an empty table; 0 when the kernel heap is full. */
export function createFileTable(memory: KernelMemory): number {
  const table = FileTable.allocate(memory);
  if (table === 0) return 0;
  const entries = makeArray(memory, FIRST_CAPACITY);
  if (entries === 0) {
    FileTable.free(memory, table);
    return 0;
  }
  FileTable.entries.set(memory, table, entries);
  return table;
}

function makeArray(memory: KernelMemory, capacity: number): number {
  const bytes = FileTableArray.bytes + capacity * FileEntry.bytes;
  const array = allocate(memory, bytes);
  if (array === 0) return 0;
  memory.i32.fill(0, array >>> 2, (array + bytes) >>> 2);
  FileTableArray.capacity.set(memory, array, capacity);
  return array;
}

/** The entry of a descriptor below the capacity of an array. */
export function entryAt(array: number, fd: number): number {
  return array + FileTableArray.bytes + fd * FileEntry.bytes;
}

/** The entry of a descriptor, or 0 when it is not open. For callers that hold the lock; others learn that it is open, and what its rights are, as a hint. */
export function entryOf(memory: KernelMemory, table: number, fd: number): number {
  const array = FileTable.entries.get(memory, table);
  if (fd >>> 0 >= FileTableArray.capacity.get(memory, array)) return 0;
  const entry = entryAt(array, fd);
  return FileEntry.file.get(memory, entry) === 0 ? 0 : entry;
}

/** Writes an entry whose descriptor is free, growing the array when it is beyond. */
export function setEntryLocked(
  memory: KernelMemory,
  table: number,
  fd: number,
  file: number,
  rights: DescriptorRights,
  flags: number,
): number {
  const array = growLocked(memory, table, fd);
  if (array === 0) return -Errno.ENOMEM;
  const entry = entryAt(array, fd);
  FileEntry.preopen.set(memory, entry, 0);
  FileEntry.preopenLength.set(memory, entry, 0);
  replaceLocked(memory, entry, file, rights, flags);
  return fd;
}

/** Makes an entry stand for another file; answers the one before, with the entry's count. */
export function replaceLocked(
  memory: KernelMemory,
  entry: number,
  file: number,
  rights: DescriptorRights,
  flags: number,
): number {
  // Nobody may find the old file with the new rights, nor an open descriptor closed (dup2(2) is atomic).
  const before = FileEntry.file.get(memory, entry);
  if (before !== 0) memory.code.store(entry | 0, CHANGING);
  FileEntry.flags.set(memory, entry, flags);
  FileEntry.rightsLow.set(memory, entry, rights.low);
  FileEntry.rightsHigh.set(memory, entry, rights.high);
  FileEntry.inheritingLow.set(memory, entry, rights.inheritingLow);
  FileEntry.inheritingHigh.set(memory, entry, rights.inheritingHigh);
  memory.code.store(entry | 0, file | 0);
  return before;
}

/** Makes room for a descriptor; returns the array, or 0 when the kernel heap is full. */
function growLocked(memory: KernelMemory, table: number, fd: number): number {
  const array = FileTable.entries.get(memory, table);
  const capacity = FileTableArray.capacity.get(memory, array);
  if (fd < capacity) return array;
  let larger = capacity;
  while (larger <= fd) larger *= 2;
  const grown = makeArray(memory, larger);
  if (grown === 0) return 0;
  const bytes = capacity * FileEntry.bytes;
  memory.u8.copyWithin(entryAt(grown, 0), entryAt(array, 0), entryAt(array, 0) + bytes);
  FileTableArray.next.set(memory, array, FileTable.retired.get(memory, table));
  FileTable.retired.set(memory, table, array);
  FileTable.entries.set(memory, table, grown);
  return grown;
}

/** Makes a descriptor one that is free; answers the file before, with the entry's count. */
export function clearEntryLocked(memory: KernelMemory, entry: number): number {
  const file = memory.code.exchange(entry | 0, 0) >>> 0;
  const preopen = FileEntry.preopen.get(memory, entry);
  if (preopen !== 0) free(memory, preopen, Math.max(1, FileEntry.preopenLength.get(memory, entry)));
  FileEntry.preopen.set(memory, entry, 0);
  return file;
}

/** Makes an entry a preopened directory with a name. False when the kernel heap is full. */
export function nameEntryLocked(memory: KernelMemory, entry: number, name: Uint8Array): boolean {
  const copy = allocate(memory, Math.max(1, name.length));
  if (copy === 0) return false;
  memory.u8.set(name, copy);
  FileEntry.preopen.set(memory, entry, copy);
  FileEntry.preopenLength.set(memory, entry, name.length);
  return true;
}

/**
 * Makes every descriptor of one table one of another, empty one too: offsets are shared from then on (fork(2)).
 *
 * @returns 0, or ENOMEM negated
 */
export function copyFileTable(memory: KernelMemory, from: number, to: number): number {
  FileTable.lock.acquire(memory, from);
  const capacity = FileTableArray.capacity.get(memory, FileTable.entries.get(memory, from));
  // Nobody else knows the other table: it needs no lock.
  let isDone = growLocked(memory, to, capacity - 1) !== 0;
  for (let fd = 0; fd < capacity && isDone; fd++) isDone = copyEntry(memory, from, to, fd);
  FileTable.lowest.set(memory, to, FileTable.lowest.get(memory, from));
  FileTable.lock.release(memory, from);
  return isDone ? 0 : -Errno.ENOMEM;
}

/** Copies a descriptor, if it is open, with its name as a preopened directory and the directory behind its number. False when the kernel heap is full. */
function copyEntry(memory: KernelMemory, from: number, to: number, fd: number): boolean {
  const entry = entryOf(memory, from, fd);
  if (entry === 0) return true;
  const file = keepFile(memory, FileEntry.file.get(memory, entry));
  const flags = FileEntry.flags.get(memory, entry);
  setEntryLocked(memory, to, fd, file, rightsOf(memory, entry), flags);
  const name = FileEntry.preopen.get(memory, entry);
  if (name === 0) return true;
  const length = FileEntry.preopenLength.get(memory, entry);
  if (!nameEntryLocked(memory, entryOf(memory, to, fd), memory.u8.subarray(name, name + length)))
    return false;
  const covered = findCovered(memory, FileTable.covered.get(memory, from), fd);
  if (covered === 0) return true;
  const first = FileTable.covered.get(memory, to);
  const directory = CoveredPreopen.file.get(memory, covered);
  const rights = coveredRights(memory, covered);
  const copy = makeCovered(memory, first, fd, directory, rights);
  if (copy !== 0) FileTable.covered.set(memory, to, copy);
  return copy !== 0;
}

/** Closes everything and frees the table. Nobody may use it any more. */
export function destroyFileTable(vfs: Vfs, table: number): void {
  const { memory } = vfs;
  const array = FileTable.entries.get(memory, table);
  const capacity = FileTableArray.capacity.get(memory, array);
  for (let fd = 0; fd < capacity; fd++) {
    const file = clearEntryLocked(memory, entryAt(array, fd));
    if (file !== 0) dropFile(vfs, file);
  }
  for (let covered = FileTable.covered.get(memory, table); covered !== 0;) {
    const next = CoveredPreopen.next.get(memory, covered);
    dropFile(vfs, CoveredPreopen.file.get(memory, covered));
    CoveredPreopen.free(memory, covered);
    covered = next;
  }
  freeArray(memory, array);
  let retired = FileTable.retired.get(memory, table);
  while (retired !== 0) {
    const next = FileTableArray.next.get(memory, retired);
    freeArray(memory, retired);
    retired = next;
  }
  FileTable.free(memory, table);
}

function freeArray(memory: KernelMemory, array: number): void {
  free(
    memory,
    array,
    FileTableArray.bytes + FileTableArray.capacity.get(memory, array) * FileEntry.bytes,
  );
}
