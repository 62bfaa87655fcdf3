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
import { dropFile, keepFile, OpenFile, tryKeepFile, type Vfs } from "../vfs/index.ts";
import {
  coveredRights,
  CoveredPreopen,
  findCovered,
  makeCovered,
  setCoveredRights,
} from "./covered-preopen.ts";
import { type DescriptorRights, FileEntry, rightsOf } from "./file-entry.ts";

/** Most descriptors of a process. */
export const DESCRIPTOR_LIMIT = 65536;
const FIRST_CAPACITY = 32;
/** Stands in an entry for the moment in which another file takes the place of the one that it had: the descriptor is open. No open file has this address. */
const CHANGING = 1;

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
const ArrayHead = layout("FileTableArray", { capacity: u32, next: address, padding: block(24) });

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

/** The entry of a descriptor, or 0 when it is not open. For callers that hold the lock; others learn that it is open, and what its rights are, as a hint. */
export function entryOf(memory: KernelMemory, table: number, fd: number): number {
  const array = FileTable.entries.get(memory, table);
  if (fd >>> 0 >= ArrayHead.capacity.get(memory, array)) return 0;
  const entry = entryAt(array, fd);
  return FileEntry.file.get(memory, entry) === 0 ? 0 : entry;
}

/**
 * Finds the open file of a descriptor and takes a count of it.
 *
 * @param rights low half of the `Rights` that the call needs; @param unseen whether it may be a file of which is not known what it is (`Vfs.settle`)
 * @returns the open file; EBADF when the descriptor is not open or not for reading or writing as asked (read(2)), ENOTCAPABLE when
 *   another right is missing, what `Vfs.settle` answers, negated
 */
export function lookupFile(
  vfs: Vfs,
  table: number,
  fd: number,
  rights: number,
  unseen = false,
): number {
  const { memory } = vfs;
  for (;;) {
    const array = FileTable.entries.get(memory, table);
    if (fd >>> 0 >= ArrayHead.capacity.get(memory, array)) return -Errno.EBADF;
    const entry = entryAt(array, fd);
    // A plain read: it is compared once the count is taken.
    const file = memory.u32[entry >>> 2];
    if (file <= CHANGING) {
      if (file === 0) return -Errno.EBADF;
      // Whoever changes it has the lock.
      FileTable.lock.acquire(memory, table);
      FileTable.lock.release(memory, table);
      continue;
    }
    if ((FileEntry.rightsLow.get(memory, entry) & rights) !== rights) {
      return (rights & (Rights.FD_READ | Rights.FD_WRITE)) !== 0
        ? -Errno.EBADF
        : -Errno.ENOTCAPABLE;
    }
    if (!tryKeepFile(memory, file)) continue;
    if (
      memory.code.load(entry | 0) >>> 0 === file &&
      FileTable.entries.get(memory, table) === array
    ) {
      const settled = vfs.settle(file, unseen);
      if (settled === 0) return file;
      dropFile(vfs, file);
      return settled;
    }
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
  FileEntry.preopen.set(memory, entry, 0);
  FileEntry.preopenLength.set(memory, entry, 0);
  replaceLocked(memory, entry, file, rights, flags);
  return fd;
}

/** Makes an entry stand for another file; answers the one before, with the entry's count. */
function replaceLocked(
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

/**
 * Closes a descriptor: EBADF when it is not open.
 *
 * @param keepsPreopens whether a preopened directory stays, and comes back where its number stands for something else
 */
export function closeDescriptor(
  vfs: Vfs,
  table: number,
  fd: number,
  keepsPreopens = false,
): number {
  const { memory } = vfs;
  FileTable.lock.acquire(memory, table);
  const entry = entryOf(memory, table, fd);
  if (entry === 0) {
    FileTable.lock.release(memory, table);
    return -Errno.EBADF;
  }
  let file = 0;
  if (!keepsPreopens || FileEntry.preopen.get(memory, entry) === 0) {
    file = clearEntryLocked(memory, entry);
    if (fd < FileTable.lowest.get(memory, table)) FileTable.lowest.set(memory, table, fd);
  } else {
    const covered = findCovered(memory, FileTable.covered.get(memory, table), fd);
    if (covered !== 0) file = uncoverLocked(memory, entry, covered);
  }
  FileTable.lock.release(memory, table);
  if (file !== 0) dropFile(vfs, file);
  return 0;
}

/** The record of the preopened directory whose number stands for something else now, or 0. Takes no lock. */
export function coveredPreopen(memory: KernelMemory, table: number, fd: number): number {
  const first = FileTable.covered.get(memory, table);
  if (first === 0) return 0;
  const covered = findCovered(memory, first, fd);
  const entry = covered === 0 ? 0 : entryOf(memory, table, fd);
  const isThere =
    entry !== 0 && FileEntry.file.get(memory, entry) === CoveredPreopen.file.get(memory, covered);
  return isThere ? 0 : covered;
}

/** Makes an entry its preopened directory again; answers the file that it stood for, with the entry's count. */
function uncoverLocked(memory: KernelMemory, entry: number, covered: number): number {
  const directory = keepFile(memory, CoveredPreopen.file.get(memory, covered));
  return replaceLocked(memory, entry, directory, coveredRights(memory, covered), 0);
}

/** Notes the preopened directory that a descriptor stands for, whose number is about to be taken. False when the kernel heap is full. */
function coverLocked(memory: KernelMemory, table: number, fd: number, entry: number): boolean {
  const first = FileTable.covered.get(memory, table);
  const known = findCovered(memory, first, fd);
  const file = FileEntry.file.get(memory, entry);
  const rights = rightsOf(memory, entry);
  if (known === 0) {
    const covered = makeCovered(memory, first, fd, file, rights);
    if (covered !== 0) FileTable.covered.set(memory, table, covered);
    return covered !== 0;
  }
  if (CoveredPreopen.file.get(memory, known) === file) setCoveredRights(memory, known, rights);
  return true;
}

function clearEntryLocked(memory: KernelMemory, entry: number): number {
  const file = memory.code.exchange(entry | 0, 0) >>> 0;
  const preopen = FileEntry.preopen.get(memory, entry);
  if (preopen !== 0) free(memory, preopen, Math.max(1, FileEntry.preopenLength.get(memory, entry)));
  FileEntry.preopen.set(memory, entry, 0);
  return file;
}

/**
 * Makes `to` another descriptor of what `from` stands for, closing what `to` was. dup2(2), which the C library builds on `fd_renumber`: the source
 * stays open, close-on-exec is cleared (`abi/semantics.md` §7). A preopened directory stays behind its number.
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
    if (from !== to) {
      const file = keepFile(memory, FileEntry.file.get(memory, source));
      const rights = rightsOf(memory, source);
      const target = entryOf(memory, table, to);
      const isPreopen = target !== 0 && FileEntry.preopen.get(memory, target) !== 0;
      if (isPreopen && !coverLocked(memory, table, to, target)) result = -Errno.ENOMEM;
      else if (target !== 0) replaced = replaceLocked(memory, target, file, rights, 0);
      else result = setEntryLocked(memory, table, to, file, rights, 0);
      if (result < 0) replaced = file;
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
    const covered = findCovered(memory, FileTable.covered.get(memory, from), fd);
    if (covered === 0) continue;
    const behind = CoveredPreopen.file.get(memory, covered);
    const first = FileTable.covered.get(memory, to);
    const another = makeCovered(memory, first, fd, behind, coveredRights(memory, covered));
    if (another === 0) result = -Errno.ENOMEM;
    else FileTable.covered.set(memory, to, another);
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
      closeDescriptor(vfs, table, fd, true);
  }
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
  for (let covered = FileTable.covered.get(memory, table); covered !== 0;) {
    const next = CoveredPreopen.next.get(memory, covered);
    dropFile(vfs, CoveredPreopen.file.get(memory, covered));
    CoveredPreopen.free(memory, covered);
    covered = next;
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
