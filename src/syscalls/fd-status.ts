/** What a descriptor is and may do: status, flags, rights, times, preopens, and forcing bytes to what keeps them. */
import { Errno } from "../abi/errno.ts";
import { Advice, Filetype, Preopentype } from "../abi/enums.ts";
import { Fdflags, Fdflagsext, Rights } from "../abi/flags.ts";
import { Fdstat, Filestat, Prestat } from "../abi/layouts.ts";
import { CoveredPreopen, coveredPreopen, entryOf, FileEntry, FileTable } from "../kernel/index.ts";
import { dropFile, OpenFile } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";
import { readTimes, writeFilestat } from "./filestat.ts";
import { errnoOf } from "./result.ts";
import { highHalf, lowHalf } from "./wide.ts";

/** Rights that mean nothing for a directory. Not reporting them keeps programs from asking for them when they open one through another. */
const NOT_FOR_DIRECTORIES =
  Rights.FD_SEEK |
  Rights.FD_TELL |
  Rights.FD_WRITE |
  Rights.FD_ALLOCATE |
  Rights.FD_FILESTAT_SET_SIZE;

/** A C library takes a character device for a terminal when these are missing. */
const ONLY_WITH_OFFSET = Rights.FD_SEEK | Rights.FD_TELL;

/** Flags that `fd_fdstat_set_flags` changes; the others stay as they were, as with fcntl(2). */
const CHANGEABLE = Fdflags.APPEND | Fdflags.NONBLOCK;

/** Describes a descriptor: type, status flags, rights. Rights that cannot be used on such a file are left out. */
export function fd_fdstat_get(context: SyscallContext, fd: number, result: number): number {
  const { guest, memory, vfs } = context;
  if (!guest.has(result, Fdstat.$size)) return Errno.EMEMVIOLATION;
  const file = context.lookup(fd, 0);
  if (file < 0) return -file;
  const type = OpenFile.type.get(memory, file);
  const flags = OpenFile.flags.load(memory, file);
  const { seekable } = vfs.operationsOf(file);
  dropFile(vfs, file);
  const entry = entryOf(memory, context.files, fd);
  if (entry === 0) return Errno.EBADF;
  const directory = type === Filetype.DIRECTORY;
  const useless = directory ? NOT_FOR_DIRECTORIES : seekable ? 0 : ONLY_WITH_OFFSET;
  const at = result >>> 0;
  guest.setU64(at, (flags << 16) | type, 0);
  guest.setU64(
    at + Fdstat.fs_rights_base,
    FileEntry.rightsLow.get(memory, entry) & ~useless,
    FileEntry.rightsHigh.get(memory, entry),
  );
  // What the C library asks for when it opens a path by this number.
  const covered = coveredPreopen(memory, context.files, fd);
  const inheriting = at + Fdstat.fs_rights_inheriting;
  if (covered !== 0)
    guest.setU64(
      inheriting,
      CoveredPreopen.inheritingLow.get(memory, covered),
      CoveredPreopen.inheritingHigh.get(memory, covered),
    );
  else
    guest.setU64(
      inheriting,
      directory ? FileEntry.inheritingLow.get(memory, entry) : 0,
      directory ? FileEntry.inheritingHigh.get(memory, entry) : 0,
    );
  return 0;
}

/** Sets append and non-blocking mode; every descriptor of the same open file sees it. EINVAL for an unknown flag. */
export function fd_fdstat_set_flags(context: SyscallContext, fd: number, flags: number): number {
  const { memory, vfs } = context;
  const known = CHANGEABLE | Fdflags.DSYNC | Fdflags.RSYNC | Fdflags.SYNC;
  if ((flags & ~known) !== 0) return Errno.EINVAL;
  const file = context.lookup(fd, Rights.FD_FDSTAT_SET_FLAGS);
  if (file < 0) return -file;
  OpenFile.flags.or(memory, file, flags & CHANGEABLE);
  OpenFile.flags.and(memory, file, flags | ~CHANGEABLE);
  dropFile(vfs, file);
  return 0;
}

/** Takes rights away from a descriptor. ENOTCAPABLE where one is asked for that it does not have. */
export function fd_fdstat_set_rights(
  context: SyscallContext,
  fd: number,
  base: bigint,
  inheriting: bigint,
): number {
  const { memory, files } = context;
  FileTable.lock.acquire(memory, files);
  const entry = entryOf(memory, files, fd);
  let errno: number = entry === 0 ? Errno.EBADF : 0;
  if (entry !== 0) {
    const more =
      (lowHalf(base) & ~FileEntry.rightsLow.get(memory, entry)) |
      (highHalf(base) & ~FileEntry.rightsHigh.get(memory, entry)) |
      (lowHalf(inheriting) & ~FileEntry.inheritingLow.get(memory, entry)) |
      (highHalf(inheriting) & ~FileEntry.inheritingHigh.get(memory, entry));
    if (more !== 0) errno = Errno.ENOTCAPABLE;
    else {
      FileEntry.rightsLow.set(memory, entry, lowHalf(base));
      FileEntry.rightsHigh.set(memory, entry, highHalf(base));
      FileEntry.inheritingLow.set(memory, entry, lowHalf(inheriting));
      FileEntry.inheritingHigh.set(memory, entry, highHalf(inheriting));
    }
  }
  FileTable.lock.release(memory, files);
  return errno;
}

/** Writes a descriptor's own flags (close on exec). */
export function fd_fdflags_get(context: SyscallContext, fd: number, result: number): number {
  const { guest, memory, files } = context;
  if (!guest.has(result, 2)) return Errno.EMEMVIOLATION;
  const entry = entryOf(memory, files, fd);
  if (entry === 0) return Errno.EBADF;
  guest.view.setUint16(result >>> 0, FileEntry.flags.get(memory, entry), true);
  return 0;
}

/** Sets a descriptor's own flags (close on exec). EINVAL for an unknown flag. */
export function fd_fdflags_set(context: SyscallContext, fd: number, flags: number): number {
  const { memory, files } = context;
  if ((flags & ~Fdflagsext.CLOEXEC) !== 0) return Errno.EINVAL;
  FileTable.lock.acquire(memory, files);
  const entry = entryOf(memory, files, fd);
  if (entry !== 0) FileEntry.flags.set(memory, entry, flags);
  FileTable.lock.release(memory, files);
  return entry === 0 ? Errno.EBADF : 0;
}

/** Describes the file behind a descriptor. */
export function fd_filestat_get(context: SyscallContext, fd: number, result: number): number {
  const { guest, vfs } = context;
  if (!guest.has(result, Filestat.$size)) return Errno.EMEMVIOLATION;
  const answer = statDescriptor(context, fd);
  if (answer < 0) return -answer;
  writeFilestat(guest, result, vfs.stat);
  return 0;
}

/** Fills `vfs.stat` for a descriptor; 0 or a negated errno. */
export function statDescriptor(context: SyscallContext, fd: number): number {
  const { vfs } = context;
  // One question to the host for both: what it is, and all else.
  const file = context.lookup(fd, Rights.FD_FILESTAT_GET, true);
  if (file < 0) return file;
  const answer = vfs.operationsOf(file).stat(vfs, file, vfs.stat);
  dropFile(vfs, file);
  return answer;
}

/** Sets the times of the file behind a descriptor. EINVAL for contradicting flags. */
export function fd_filestat_set_times(
  context: SyscallContext,
  fd: number,
  accessed: bigint,
  modified: bigint,
  flags: number,
): number {
  const { vfs } = context;
  const refused = readTimes(vfs, accessed, modified, flags);
  if (refused !== 0) return refused;
  const file = context.lookup(fd, Rights.FD_FILESTAT_SET_TIMES);
  if (file < 0) return -file;
  const answer = vfs.operationsOf(file).setTimes(vfs, file, vfs.times);
  dropFile(vfs, file);
  return errnoOf(answer);
}

/** Advice on how a file will be used: checked, and of no effect. ESPIPE for what has no offset (posix_fadvise(2)). */
export function fd_advise(
  context: SyscallContext,
  fd: number,
  _offset: bigint,
  length: bigint,
  advice: number,
): number {
  const { memory, vfs } = context;
  const file = context.lookup(fd, Rights.FD_ADVISE);
  if (file < 0) return -file;
  const { seekable } = vfs.operationsOf(file);
  const directory = OpenFile.type.get(memory, file) === Filetype.DIRECTORY;
  dropFile(vfs, file);
  if (advice >>> 0 > Advice.NOREUSE || highHalf(length) >= 2 ** 31) return Errno.EINVAL;
  return seekable || directory ? 0 : Errno.ESPIPE;
}

/**
 * Forces a file's bytes to what keeps them. EINVAL for what cannot be forced (pipes). The right to force all will do: the C library asks for the narrower one only
 * where it opens for writing, and fdatasync(2) takes any descriptor.
 */
export function fd_datasync(context: SyscallContext, fd: number): number {
  const errno = sync(context, fd, Rights.FD_DATASYNC, true);
  return errno === Errno.ENOTCAPABLE ? sync(context, fd, Rights.FD_SYNC, true) : errno;
}

/** Forces a file's bytes and all that is known of it to what keeps them. EINVAL for what cannot be forced (pipes). */
export function fd_sync(context: SyscallContext, fd: number): number {
  return sync(context, fd, Rights.FD_SYNC, false);
}

function sync(context: SyscallContext, fd: number, rights: number, dataOnly: boolean): number {
  const { vfs } = context;
  const file = context.lookup(fd, rights);
  if (file < 0) return -file;
  const answer = vfs.operationsOf(file).sync(vfs, file, dataOnly);
  dropFile(vfs, file);
  return errnoOf(answer);
}

/** Describes a preopened directory: the length of its name. EBADF for any other descriptor, which is how programs find the last. */
export function fd_prestat_get(context: SyscallContext, fd: number, result: number): number {
  const { guest, memory, files } = context;
  if (!guest.has(result, Prestat.$size)) return Errno.EMEMVIOLATION;
  FileTable.lock.acquire(memory, files);
  const entry = entryOf(memory, files, fd);
  const preopen = entry === 0 ? 0 : FileEntry.preopen.get(memory, entry);
  const length = preopen === 0 ? 0 : FileEntry.preopenLength.get(memory, entry);
  FileTable.lock.release(memory, files);
  if (preopen === 0) return Errno.EBADF;
  guest.setU64(result, Preopentype.DIR, length);
  return 0;
}

/** Writes the name of a preopened directory, without an end. ENAMETOOLONG where it does not fit. */
export function fd_prestat_dir_name(
  context: SyscallContext,
  fd: number,
  path: number,
  length: number,
): number {
  const { guest, memory, files } = context;
  if (!guest.has(path, length >>> 0)) return Errno.EMEMVIOLATION;
  FileTable.lock.acquire(memory, files);
  const entry = entryOf(memory, files, fd);
  const preopen = entry === 0 ? 0 : FileEntry.preopen.get(memory, entry);
  let errno: number = preopen === 0 ? Errno.EBADF : 0;
  if (preopen !== 0) {
    const bytes = FileEntry.preopenLength.get(memory, entry);
    if (bytes > length >>> 0) errno = Errno.ENAMETOOLONG;
    else guest.u8.set(memory.u8.subarray(preopen, preopen + bytes), path >>> 0);
  }
  FileTable.lock.release(memory, files);
  return errno;
}
