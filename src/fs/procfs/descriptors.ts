/**
 * The descriptors of the calling process as files, in `/proc/self/fd`.
 *
 * Opening one gives another descriptor of the same open file, with the same offset, as in BSD and Plan 9; on Linux a file would be opened anew. It takes
 * the rights of the descriptor that is named. Nobody sees another process's.
 */
import { Errno } from "../../abi/errno.ts";
import { Filetype } from "../../abi/enums.ts";
import { Rights } from "../../abi/flags.ts";
import { entryOf, FileEntry, lookupFile, Process, readDescriptors } from "../../kernel/index.ts";
import type { KernelMemory } from "../../shm/index.ts";
import {
  Access,
  dropFile,
  keepInode,
  Open,
  OpenFile,
  OperationsId,
  type Stat,
  type Vfs,
} from "../../vfs/index.ts";

const encoder = new TextEncoder();

/** The file table of the calling process, if it has this number; otherwise EACCES negated. */
export function tableOf({ memory, caller }: Vfs, pid: number): number {
  if (caller === 0 || Process.id.get(memory, caller) !== pid) return -Errno.EACCES;
  return Process.files.get(memory, caller);
}

/** Whether a descriptor is open. */
export function isDescriptor(memory: KernelMemory, table: number, fd: number): boolean {
  return entryOf(memory, table, fd) !== 0;
}

/** The open descriptors from `fd` on, ascending, with the types of their files. */
export const listDescriptors = readDescriptors;

/** Another count of what a descriptor stands for: EACCES where it is not open for what is asked, ENOTDIR. */
export function openDescriptor(vfs: Vfs, table: number, fd: number, request: number): number {
  const { memory } = vfs;
  const wanted = request & (Access.read | Access.write);
  const rights =
    ((wanted & Access.read) !== 0 ? Rights.FD_READ : 0) |
    ((wanted & Access.write) !== 0 ? Rights.FD_WRITE : 0);
  const file = lookupFile(vfs, table, fd, 0);
  if (file < 0) return -Errno.ENOENT;
  const entry = entryOf(memory, table, fd);
  const isDirectory = OpenFile.type.get(memory, file) === Filetype.DIRECTORY;
  let answer = file;
  if ((request & Open.directory) !== 0 && !isDirectory) answer = -Errno.ENOTDIR;
  else if (isDirectory && (wanted & Access.write) !== 0) answer = -Errno.EISDIR;
  else if (
    (OpenFile.access.get(memory, file) & wanted) !== wanted ||
    entry === 0 ||
    (!isDirectory && (FileEntry.rightsLow.get(memory, entry) & rights) !== rights)
  )
    answer = -Errno.EACCES;
  else if (
    (request & Open.truncate) !== 0 &&
    OpenFile.type.get(memory, file) === Filetype.REGULAR_FILE
  ) {
    const cut = vfs.operationsOf(file).setSize(vfs, file, 0);
    if (cut < 0) answer = cut;
  }
  if (answer < 0) dropFile(vfs, file);
  return answer;
}

/** The directory that a descriptor stands for, with a count; ENOTDIR negated. */
export function stepIntoDescriptor(vfs: Vfs, table: number, fd: number): number {
  const { memory } = vfs;
  const file = lookupFile(vfs, table, fd, 0);
  if (file < 0) return -Errno.ENOENT;
  const inode = OpenFile.inode.get(memory, file);
  const isDirectory = inode !== 0 && OpenFile.type.get(memory, file) === Filetype.DIRECTORY;
  const answer = isDirectory ? keepInode(memory, inode) : -Errno.ENOTDIR;
  dropFile(vfs, file);
  return answer;
}

/** Describes what a descriptor stands for. */
export function describeDescriptor(vfs: Vfs, table: number, fd: number, into: Stat): number {
  const file = lookupFile(vfs, table, fd, 0);
  if (file < 0) return -Errno.ENOENT;
  const answer = vfs.operationsOf(file).stat(vfs, file, into);
  dropFile(vfs, file);
  return answer;
}

/** What kinds of files without a name are called. */
const KINDS: Readonly<Record<number, string>> = {
  [OperationsId.pipe]: "pipe:",
  [OperationsId.socket]: "socket:",
  [OperationsId.event]: "anon_inode:[eventfd]",
  [OperationsId.epoll]: "anon_inode:[eventpoll]",
  [OperationsId.hostStream]: "host:",
  [OperationsId.terminal]: "/dev/tty",
};

/** What a descriptor stands for, in words: open files do not know their names, so there is the number of the inode. */
export function nameDescriptor(vfs: Vfs, table: number, fd: number): Uint8Array | number {
  const { memory } = vfs;
  const file = lookupFile(vfs, table, fd, 0);
  if (file < 0) return -Errno.ENOENT;
  let name = KINDS[OpenFile.operations.get(memory, file)] ?? "inode:";
  if (name.endsWith(":")) {
    vfs.operationsOf(file).stat(vfs, file, vfs.stat);
    const { device, inodeLow, inodeHigh } = vfs.stat;
    const number = inodeHigh * 2 ** 32 + inodeLow;
    name += name === "inode:" ? `[${device}:${number}]` : `[${number}]`;
  }
  dropFile(vfs, file);
  return encoder.encode(name);
}
