/**
 * File table: the descriptors of a process.
 *
 * A descriptor is an index into an array of entries. Lookups take no lock: they read the entry, take a count of the open file if it has any,
 * and look at the entry again. So arrays that were outgrown stay readable until the table goes, and open files come from a pool of their own.
 *
 * Life: made with the process, freed with its end. Lock: `lock`, rank FileTable, for every change.
 */
import { Errno } from "../abi/errno.ts";
import { Fdflagsext, Rights } from "../abi/flags.ts";
import {
  address,
  allocate,
  block,
  free,
  layout,
  mutex,
  panic,
  Rank,
  u32,
  type KernelMemory,
} from "../shm/index.ts";
import { dropFile, OpenFile, tryKeepFile, type Vfs } from "../vfs/index.ts";

/** Most descriptors of a process. */
export const DESCRIPTOR_LIMIT = 65536;
const FIRST_CAPACITY = 32;

export const FileTable = layout("FileTable", {
  lock: mutex(Rank.FileTable),
  /** The array of entries: changed under lock, read by anyone. */
  entries: address,
  /** Arrays that were outgrown, linked through their heads: guarded by lock. */
  retired: address,
  /** No entry below is free: guarded by lock. */
  lowest: u32,
});

/** What stands before the entries of an array. */
const ArrayHead = layout("FileTableArray", { capacity: u32, next: address, padding: block(24) });

/** One descriptor. Guarded by the table's lock; `file` and rights are read by lookups without it. */
export const FileEntry = layout("FileEntry", {
  /** The open file, with a count, or 0. */
  file: u32,
  /** `Fdflagsext`: close on exec. */
  flags: u32,
  /** `Rights` in two halves: what may be done, and what descriptors opened through this one may do. */
  rightsLow: u32,
  rightsHigh: u32,
  inheritingLow: u32,
  inheritingHigh: u32,
  /** UTF-8 name of a preopened directory, and its length; 0 for others. */
  preopen: address,
  preopenLength: u32,
});

/** The rights a new descriptor gets. */
export interface DescriptorRights {
  low: number;
  high: number;
  inheritingLow: number;
  inheritingHigh: number;
}

/** Every right there is, in halves. */
export const ALL_RIGHTS: DescriptorRights = {
  low: 0xffffffff,
  high: 0x7f,
  inheritingLow: 0xffffffff,
  inheritingHigh: 0x7f,
};

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
  const bytes = ArrayHead.bytes + capacity * FileEntry.bytes;
  const array = allocate(memory, bytes);
  if (array === 0) return 0;
  memory.i32.fill(0, array >>> 2, (array + bytes) >>> 2);
  ArrayHead.capacity.set(memory, array, capacity);
  return array;
}

function entryAt(array: number, fd: number): number {
  return array + ArrayHead.bytes + fd * FileEntry.bytes;
}

/** The entry of a descriptor, or 0 when it is not open. For callers that hold the lock, or only want a hint. */
export function entryOf(memory: KernelMemory, table: number, fd: number): number {
  const array = FileTable.entries.get(memory, table);
  if (fd >>> 0 >= ArrayHead.capacity.get(memory, array)) return 0;
  const entry = entryAt(array, fd);
  return FileEntry.file.get(memory, entry) === 0 ? 0 : entry;
}

/**
 * Finds the open file of a descriptor and takes a count of it.
 *
 * @param rights low half of the `Rights` that the call needs
 * @returns the open file; EBADF when the descriptor is not open or not for reading or writing as asked (read(2)), ENOTCAPABLE when
 *   another right is missing, negated
 */
export function lookupFile(vfs: Vfs, table: number, fd: number, rights: number): number {
  const { memory } = vfs;
  for (;;) {
    const array = FileTable.entries.get(memory, table);
    if (fd >>> 0 >= ArrayHead.capacity.get(memory, array)) return -Errno.EBADF;
    const entry = entryAt(array, fd);
    // A plain read: it is compared once the count is taken.
    const file = memory.u32[entry >>> 2];
    if (file === 0) return -Errno.EBADF;
    if ((FileEntry.rightsLow.get(memory, entry) & rights) !== rights) {
      return (rights & (Rights.FD_READ | Rights.FD_WRITE)) !== 0
        ? -Errno.EBADF
        : -Errno.ENOTCAPABLE;
    }
    if (!tryKeepFile(memory, file)) continue;
    if (
      Atomics.load(memory.u32, entry >>> 2) === file &&
      FileTable.entries.get(memory, table) === array
    )
      return file;
    dropFile(vfs, file);
  }
}

/**
 * Gives an open file the lowest free descriptor that is at least `minimum`; its count goes to the table.
 *
 * @returns the descriptor; EMFILE, ENOMEM, EINVAL (a minimum above the limit) negated, and the count stays with the caller
 */
export function installFile(
  memory: KernelMemory,
  table: number,
  file: number,
  rights: DescriptorRights,
  flags = 0,
  minimum = 0,
): number {
  if (minimum < 0 || minimum >= DESCRIPTOR_LIMIT) return -Errno.EINVAL;
  FileTable.lock.acquire(memory, table);
  let fd = Math.max(minimum, FileTable.lowest.get(memory, table));
  const array = FileTable.entries.get(memory, table);
  const capacity = ArrayHead.capacity.get(memory, array);
  while (fd < capacity && FileEntry.file.get(memory, entryAt(array, fd)) !== 0) fd++;
  const result =
    fd >= DESCRIPTOR_LIMIT ? -Errno.EMFILE : setEntryLocked(memory, table, fd, file, rights, flags);
  if (result >= 0 && minimum <= FileTable.lowest.get(memory, table))
    FileTable.lowest.set(memory, table, fd + 1);
  FileTable.lock.release(memory, table);
  return result;
}

/** Writes an entry whose descriptor is free, growing the array when it is beyond. */
function setEntryLocked(
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
  FileEntry.flags.set(memory, entry, flags);
  FileEntry.rightsLow.set(memory, entry, rights.low);
  FileEntry.rightsHigh.set(memory, entry, rights.high);
  FileEntry.inheritingLow.set(memory, entry, rights.inheritingLow);
  FileEntry.inheritingHigh.set(memory, entry, rights.inheritingHigh);
  FileEntry.preopen.set(memory, entry, 0);
  FileEntry.preopenLength.set(memory, entry, 0);
  Atomics.store(memory.u32, entry >>> 2, file);
  return fd;
}

function growLocked(memory: KernelMemory, table: number, fd: number): number {
  const array = FileTable.entries.get(memory, table);
  const capacity = ArrayHead.capacity.get(memory, array);
  if (fd < capacity) return array;
  let larger = capacity;
  while (larger <= fd) larger *= 2;
  const grown = makeArray(memory, larger);
  if (grown === 0) return 0;
  const bytes = capacity * FileEntry.bytes;
  memory.u8.copyWithin(entryAt(grown, 0), entryAt(array, 0), entryAt(array, 0) + bytes);
  ArrayHead.next.set(memory, array, FileTable.retired.get(memory, table));
  FileTable.retired.set(memory, table, array);
  FileTable.entries.set(memory, table, grown);
  return grown;
}

/** Makes an open descriptor a preopened directory with a name. */
export function setPreopen(
  memory: KernelMemory,
  table: number,
  fd: number,
  name: Uint8Array,
): number {
  const copy = allocate(memory, Math.max(1, name.length));
  if (copy === 0) return -Errno.ENOMEM;
  memory.u8.set(name, copy);
  FileTable.lock.acquire(memory, table);
  const entry = entryOf(memory, table, fd);
  if (entry === 0) panic(`preopen: descriptor ${fd} is not open`);
  FileEntry.preopen.set(memory, entry, copy);
  FileEntry.preopenLength.set(memory, entry, name.length);
  FileTable.lock.release(memory, table);
  return 0;
}

/** Closes a descriptor: EBADF when it is not open. */
export function closeDescriptor(vfs: Vfs, table: number, fd: number): number {
  const { memory } = vfs;
  FileTable.lock.acquire(memory, table);
  const entry = entryOf(memory, table, fd);
  if (entry === 0) {
    FileTable.lock.release(memory, table);
    return -Errno.EBADF;
  }
  const file = clearEntryLocked(memory, entry);
  if (fd < FileTable.lowest.get(memory, table)) FileTable.lowest.set(memory, table, fd);
  FileTable.lock.release(memory, table);
  dropFile(vfs, file);
  return 0;
}

function clearEntryLocked(memory: KernelMemory, entry: number): number {
  const file = Atomics.exchange(memory.u32, entry >>> 2, 0);
  const preopen = FileEntry.preopen.get(memory, entry);
  if (preopen !== 0) free(memory, preopen, Math.max(1, FileEntry.preopenLength.get(memory, entry)));
  FileEntry.preopen.set(memory, entry, 0);
  return file;
}

/**
 * Makes `to` another descriptor of what `from` stands for, closing what `to` was. dup2(2), which the C library builds on `fd_renumber`: the source
 * stays open, close-on-exec is cleared (`abi/semantics.md` §7).
 */
export function duplicateTo(vfs: Vfs, table: number, from: number, to: number): number {
  const { memory } = vfs;
  if (to >>> 0 >= DESCRIPTOR_LIMIT) return -Errno.EBADF;
  FileTable.lock.acquire(memory, table);
  const source = entryOf(memory, table, from);
  let result: number = -Errno.EBADF;
  let replaced = 0;
  if (source !== 0) {
    result = to;
    const target = entryOf(memory, table, to);
    if (from !== to && target !== 0 && FileEntry.preopen.get(memory, target) !== 0)
      result = -Errno.ENOTSUP;
    else if (from !== to) {
      const file = FileEntry.file.get(memory, source);
      tryKeepFile(memory, file);
      const rights = rightsOf(memory, source);
      if (growLocked(memory, table, to) === 0) {
        result = -Errno.ENOMEM;
        replaced = file;
      } else {
        if (target !== 0) replaced = clearEntryLocked(memory, entryOf(memory, table, to));
        setEntryLocked(memory, table, to, file, rights, 0);
      }
    }
  }
  FileTable.lock.release(memory, table);
  if (replaced !== 0) dropFile(vfs, replaced);
  return result;
}

/**
 * Makes `to`, which must be open and is closed, the descriptor of what `from` stands for, and `from` none any more: `fd_renumber` of WASI preview 1. EBADF.
 */
export function moveDescriptor(vfs: Vfs, table: number, from: number, to: number): number {
  const { memory } = vfs;
  FileTable.lock.acquire(memory, table);
  const source = entryOf(memory, table, from);
  const target = entryOf(memory, table, to);
  const isOpen = source !== 0 && target !== 0;
  let replaced = 0;
  if (isOpen && from !== to) {
    const rights = rightsOf(memory, source);
    const flags = FileEntry.flags.get(memory, source);
    const file = clearEntryLocked(memory, source);
    replaced = clearEntryLocked(memory, target);
    setEntryLocked(memory, table, to, file, rights, flags);
    if (from < FileTable.lowest.get(memory, table)) FileTable.lowest.set(memory, table, from);
  }
  FileTable.lock.release(memory, table);
  if (replaced !== 0) dropFile(vfs, replaced);
  return isOpen ? to : -Errno.EBADF;
}

/**
 * Makes every descriptor of one table one of another, empty one too: offsets are shared from then on (fork(2)).
 *
 * @returns 0, or ENOMEM negated
 */
export function copyFileTable(memory: KernelMemory, from: number, to: number): number {
  FileTable.lock.acquire(memory, from);
  const source = FileTable.entries.get(memory, from);
  const capacity = ArrayHead.capacity.get(memory, source);
  // Nobody else knows the other table: it needs no lock.
  let result = growLocked(memory, to, capacity - 1) === 0 ? -Errno.ENOMEM : 0;
  for (let fd = 0; fd < capacity && result === 0; fd++) {
    const entry = entryAt(source, fd);
    const file = FileEntry.file.get(memory, entry);
    if (file === 0) continue;
    tryKeepFile(memory, file);
    const flags = FileEntry.flags.get(memory, entry);
    setEntryLocked(memory, to, fd, file, rightsOf(memory, entry), flags);
    const name = FileEntry.preopen.get(memory, entry);
    if (name === 0) continue;
    const length = FileEntry.preopenLength.get(memory, entry);
    const copy = copyBlock(memory, name, length);
    if (copy === 0) result = -Errno.ENOMEM;
    const made = entryOf(memory, to, fd);
    FileEntry.preopen.set(memory, made, copy);
    FileEntry.preopenLength.set(memory, made, copy === 0 ? 0 : length);
  }
  FileTable.lowest.set(memory, to, FileTable.lowest.get(memory, from));
  FileTable.lock.release(memory, from);
  return result;
}

function copyBlock(memory: KernelMemory, from: number, length: number): number {
  const copy = allocate(memory, Math.max(1, length));
  if (copy !== 0) memory.u8.copyWithin(copy, from, from + length);
  return copy;
}

/** Closes the descriptors that are marked so: another program takes the process over (execve(2)). */
export function closeOnExec(vfs: Vfs, table: number): void {
  const { memory } = vfs;
  for (const { fd } of readDescriptors(memory, table, 0)) {
    const entry = entryOf(memory, table, fd);
    if (entry !== 0 && (FileEntry.flags.get(memory, entry) & Fdflagsext.CLOEXEC) !== 0)
      closeDescriptor(vfs, table, fd);
  }
}

/** The rights of an entry, as `installFile` takes them. */
export function rightsOf(memory: KernelMemory, entry: number): DescriptorRights {
  return {
    low: FileEntry.rightsLow.get(memory, entry),
    high: FileEntry.rightsHigh.get(memory, entry),
    inheritingLow: FileEntry.inheritingLow.get(memory, entry),
    inheritingHigh: FileEntry.inheritingHigh.get(memory, entry),
  };
}

/** The open descriptors from `from` on, ascending, with the types of their files. */
export function readDescriptors(
  memory: KernelMemory,
  table: number,
  from: number,
): { fd: number; type: number }[] {
  const found: { fd: number; type: number }[] = [];
  FileTable.lock.acquire(memory, table);
  const array = FileTable.entries.get(memory, table);
  const capacity = ArrayHead.capacity.get(memory, array);
  for (let fd = from; fd < capacity; fd++) {
    const file = FileEntry.file.get(memory, entryAt(array, fd));
    if (file !== 0) found.push({ fd, type: OpenFile.type.get(memory, file) });
  }
  FileTable.lock.release(memory, table);
  return found;
}

/** Closes everything and frees the table. Nobody may use it any more. */
export function destroyFileTable(vfs: Vfs, table: number): void {
  const { memory } = vfs;
  const array = FileTable.entries.get(memory, table);
  const capacity = ArrayHead.capacity.get(memory, array);
  for (let fd = 0; fd < capacity; fd++) {
    if (FileEntry.file.get(memory, entryAt(array, fd)) !== 0) closeDescriptor(vfs, table, fd);
  }
  freeArray(memory, array);
  let retired = FileTable.retired.get(memory, table);
  while (retired !== 0) {
    const next = ArrayHead.next.get(memory, retired);
    freeArray(memory, retired);
    retired = next;
  }
  FileTable.free(memory, table);
}

function freeArray(memory: KernelMemory, array: number): void {
  free(memory, array, ArrayHead.bytes + ArrayHead.capacity.get(memory, array) * FileEntry.bytes);
}
