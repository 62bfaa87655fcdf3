/** Descriptors from descriptors and from nothing: duplicates and pipes. */
import { Errno } from "../abi/errno.ts";
import { Fdflagsext, Rights } from "../abi/flags.ts";
import {
  ALL_RIGHTS,
  closeDescriptor,
  DESCRIPTOR_LIMIT,
  type DescriptorRights,
  duplicateTo,
  entryOf,
  FileEntry,
  FileTable,
  installFile,
  moveDescriptor,
  openPipe,
  rightsOf,
} from "../kernel/index.ts";
import { dropFile, keepFile } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";
import { errnoOf } from "./result.ts";

/** Rights of a pipe's ends. */
export const READ_END: DescriptorRights = { ...ALL_RIGHTS, low: ALL_RIGHTS.low - Rights.FD_WRITE };
export const WRITE_END: DescriptorRights = { ...ALL_RIGHTS, low: ALL_RIGHTS.low - Rights.FD_READ };

/** Makes the lowest free descriptor, at least `minimum`, another one of an open file; it or a negated errno. */
function duplicate(context: SyscallContext, fd: number, minimum: number, flags: number): number {
  const { memory, files, vfs } = context;
  FileTable.lock.acquire(memory, files);
  const entry = entryOf(memory, files, fd);
  if (entry === 0) {
    FileTable.lock.release(memory, files);
    return -Errno.EBADF;
  }
  const file = keepFile(memory, FileEntry.file.get(memory, entry));
  const rights = rightsOf(memory, entry);
  FileTable.lock.release(memory, files);
  const result = installFile(memory, files, file, rights, flags, minimum);
  if (result < 0) dropFile(vfs, file);
  return result;
}

/** Duplicates a descriptor and writes the lowest free one, which is not closed on exec (dup(2)). EMFILE. */
export function fd_dup(context: SyscallContext, fd: number, result: number): number {
  const { guest } = context;
  if (!guest.has(result, 4)) return Errno.EMEMVIOLATION;
  const answer = duplicate(context, fd, 0, 0);
  if (answer < 0) return -answer;
  guest.view.setUint32(result >>> 0, answer, true);
  return 0;
}

/** F_DUPFD: duplicates a descriptor to the lowest free one from `minimum` on, close-on-exec as told. EINVAL for a minimum above the limit. */
export function fd_dup2(
  context: SyscallContext,
  fd: number,
  minimum: number,
  closeOnExec: number,
  result: number,
): number {
  const { guest } = context;
  if (!guest.has(result, 4)) return Errno.EMEMVIOLATION;
  if (minimum >>> 0 >= DESCRIPTOR_LIMIT) return Errno.EINVAL;
  const answer = duplicate(context, fd, minimum, closeOnExec !== 0 ? Fdflagsext.CLOEXEC : 0);
  if (answer < 0) return -answer;
  guest.view.setUint32(result >>> 0, answer, true);
  return 0;
}

/**
 * Makes `to` another descriptor of what `fd` stands for, closing what it was; `fd` stays open, on which the C library's dup2 depends
 * (`abi/semantics.md` §7). A preopened directory as the target stays behind its number (`kernel/covered-preopen.ts`), where the reference answers ENOTSUP.
 *
 * A program of plain WASI preview 1 means something else by it: `to` must be open, and `fd` is closed.
 */
export function fd_renumber(context: SyscallContext, fd: number, to: number): number {
  const { vfs, files, isPreview1 } = context;
  return errnoOf((isPreview1 ? moveDescriptor : duplicateTo)(vfs, files, fd, to));
}

/** Makes a pipe and writes the descriptors of its read end and its write end. EMFILE, ENOMEM. */
export function fd_pipe(context: SyscallContext, readResult: number, writeResult: number): number {
  const { guest, memory, files, vfs } = context;
  if (!guest.has(readResult, 4) || !guest.has(writeResult, 4)) return Errno.EMEMVIOLATION;
  const ends = openPipe(vfs);
  if (ends === undefined) return Errno.ENOMEM;
  const reader = installFile(memory, files, ends[0], READ_END);
  if (reader < 0) {
    dropFile(vfs, ends[0]);
    dropFile(vfs, ends[1]);
    return -reader;
  }
  const writer = installFile(memory, files, ends[1], WRITE_END);
  if (writer < 0) {
    closeDescriptor(vfs, files, reader);
    dropFile(vfs, ends[1]);
    return -writer;
  }
  guest.view.setUint32(readResult >>> 0, reader, true);
  guest.view.setUint32(writeResult >>> 0, writer, true);
  return 0;
}
