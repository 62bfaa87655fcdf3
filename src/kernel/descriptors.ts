/** Descriptors: what calls do with the open files of a process, by number. How they are kept is `file-table.ts`. */
import { Errno } from "../abi/errno.ts";
import { Fdflagsext, Rights } from "../abi/flags.ts";
import { panic, type KernelMemory } from "../shm/index.ts";
import { dropFile, keepFile, OpenFile, tryKeepFile, type Vfs } from "../vfs/index.ts";
import {
  coveredRights,
  CoveredPreopen,
  findCovered,
  makeCovered,
  setCoveredRights,
} from "./covered-preopen.ts";
import { type DescriptorRights, FileEntry, rightsOf } from "./file-entry.ts";
import {
  FileTableArray,
  CHANGING,
  clearEntryLocked,
  entryAt,
  entryOf,
  FileTable,
  nameEntryLocked,
  replaceLocked,
  setEntryLocked,
} from "./file-table.ts";

/** Most descriptors of a process. */
export const DESCRIPTOR_LIMIT = 65536;

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
    if (fd >>> 0 >= FileTableArray.capacity.get(memory, array)) return -Errno.EBADF;
    const entry = entryAt(array, fd);
    // A plain read: it is compared once the count is taken.
    const file = memory.u32[entry >>> 2];
    if (file <= CHANGING) {
      if (file === 0) return -Errno.EBADF;
      // It changes only under the lock.
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
  const capacity = FileTableArray.capacity.get(memory, array);
  while (fd < capacity && FileEntry.file.get(memory, entryAt(array, fd)) !== 0) fd++;
  const result =
    fd >= DESCRIPTOR_LIMIT ? -Errno.EMFILE : setEntryLocked(memory, table, fd, file, rights, flags);
  if (result >= 0 && minimum <= FileTable.lowest.get(memory, table))
    FileTable.lowest.set(memory, table, fd + 1);
  FileTable.lock.release(memory, table);
  return result;
}

/** Makes an open descriptor a preopened directory with a name; 0, or ENOMEM negated. */
export function setPreopen(
  memory: KernelMemory,
  table: number,
  fd: number,
  name: Uint8Array,
): number {
  FileTable.lock.acquire(memory, table);
  const entry = entryOf(memory, table, fd);
  if (entry === 0) panic(`preopen: descriptor ${fd} is not open`);
  const isNamed = nameEntryLocked(memory, entry, name);
  FileTable.lock.release(memory, table);
  return isNamed ? 0 : -Errno.ENOMEM;
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
  const capacity = FileTableArray.capacity.get(memory, array);
  for (let fd = from; fd < capacity; fd++) {
    const file = FileEntry.file.get(memory, entryAt(array, fd));
    if (file !== 0) found.push({ fd, type: OpenFile.type.get(memory, file) });
  }
  FileTable.lock.release(memory, table);
  return found;
}
