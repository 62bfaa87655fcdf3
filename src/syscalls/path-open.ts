/** Opening paths. Nothing here makes objects. */
import { Errno } from "../abi/errno.ts";
import { Filetype } from "../abi/enums.ts";
import { Fdflags, Fdflagsext, Lookupflags, Oflags, Rights } from "../abi/flags.ts";
import {
  CoveredPreopen,
  type DescriptorRights,
  entryOf,
  FileEntry,
  installFile,
} from "../kernel/index.ts";
import { dropFile, IS_SYMLINK, isReadOnly, Open, OpenFile, type PathWalk } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";
import { beginWalk, coveredBase } from "./path-walk.ts";
import { highHalf, lowHalf } from "./wide.ts";

export const EVERY_FDFLAG =
  Fdflags.APPEND | Fdflags.DSYNC | Fdflags.NONBLOCK | Fdflags.RSYNC | Fdflags.SYNC;
/** Rights of the upper half that exist. The C library's macros fill the bits above. */
const KNOWN_HIGH = 0x7f;
const READING = Rights.FD_READ | Rights.FD_READDIR;
const WRITING = Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE;

/** Scratch for the call in progress. */
const granted: DescriptorRights = { low: 0, high: 0, inheritingLow: 0, inheritingHigh: 0 };

/**
 * Opens a path and writes the lowest free descriptor.
 *
 * The rights asked for are cut to those that the base descriptor passes on; whether the file is opened for reading or writing follows from them, as
 * the C library has it. Without SYMLINK_FOLLOW a symbolic link as the last name is ELOOP (O_NOFOLLOW of open(2)).
 */
export function path_open(
  context: SyscallContext,
  fd: number,
  lookup: number,
  path: number,
  length: number,
  oflags: number,
  rights: bigint,
  inheriting: bigint,
  fdflags: number,
  result: number,
): number {
  return path_open2(
    context,
    fd,
    lookup,
    path,
    length,
    oflags,
    rights,
    inheriting,
    fdflags,
    0,
    result,
  );
}

/** The same, with the new descriptor's own flags: close on exec. */
export function path_open2(
  context: SyscallContext,
  fd: number,
  lookup: number,
  path: number,
  length: number,
  oflags: number,
  rights: bigint,
  inheriting: bigint,
  fdflags: number,
  fdflagsext: number,
  result: number,
): number {
  const { guest, memory, files, vfs, walk } = context;
  if (!guest.has(path, length >>> 0) || !guest.has(result, 4)) return Errno.EMEMVIOLATION;
  const creates = (oflags & Oflags.CREAT) !== 0;
  // As open(2) has refused this pair since Linux 6.4: it would make a regular file.
  if (creates && (oflags & Oflags.DIRECTORY) !== 0) return Errno.EINVAL;
  let needed: number = Rights.PATH_OPEN;
  if (creates) needed |= Rights.PATH_CREATE_FILE;
  if ((oflags & Oflags.TRUNC) !== 0) needed |= Rights.PATH_FILESTAT_SET_SIZE;

  let answer = beginWalk(context, walk, fd, needed, path, length);
  if (answer === 0) {
    const base = entryOf(memory, files, fd);
    if (base === 0) answer = -Errno.EBADF;
    else {
      const covered = coveredBase(context, fd, path, length);
      const low =
        covered === 0
          ? FileEntry.inheritingLow.get(memory, base)
          : CoveredPreopen.inheritingLow.get(memory, covered);
      const high =
        covered === 0
          ? FileEntry.inheritingHigh.get(memory, base)
          : CoveredPreopen.inheritingHigh.get(memory, covered);
      granted.low = (lowHalf(rights) & low) >>> 0;
      granted.high = highHalf(rights) & high & KNOWN_HIGH;
      granted.inheritingLow = (lowHalf(inheriting) & low) >>> 0;
      granted.inheritingHigh = highHalf(inheriting) & high & KNOWN_HIGH;
      const follow = (lookup & Lookupflags.SYMLINK_FOLLOW) !== 0;
      const request = requestOf(oflags, granted.low) | Open.unseen;
      answer = openLast(context, walk, request, follow, fdflags & EVERY_FDFLAG);
    }
  }
  walk.end();
  if (answer < 0) return -answer;

  const file = answer;
  if (OpenFile.type.get(memory, file) === Filetype.DIRECTORY) {
    granted.low = (granted.low & ~WRITING) >>> 0;
  }
  const opened = installFile(memory, files, file, granted, fdflagsext & Fdflagsext.CLOEXEC);
  if (opened < 0) {
    dropFile(vfs, file);
    return -opened;
  }
  guest.view.setUint32(result >>> 0, opened, true);
  return 0;
}

/** Bits of `Open` for `Oflags` and the lower half of `Rights`. What asks for neither reading nor writing (O_SEARCH, O_EXEC) is opened for reading; its rights forbid the rest. */
export function requestOf(oflags: number, rights: number): number {
  let request = 0;
  if ((rights & WRITING) !== 0) request |= Open.write;
  if ((rights & READING) !== 0 || request === 0) request |= Open.read;
  if ((oflags & Oflags.TRUNC) !== 0) request |= Open.truncate;
  if ((oflags & Oflags.DIRECTORY) !== 0) request |= Open.directory;
  if ((oflags & Oflags.CREAT) !== 0) {
    request |= Open.create;
    if ((oflags & Oflags.EXCL) !== 0) request |= Open.exclusive;
  }
  return request;
}

/** Opens what the walk has come to, through symbolic links; an open file with one count or a negated errno. */
export function openLast(
  context: SyscallContext,
  walk: PathWalk,
  request: number,
  follow: boolean,
  flags: number,
): number {
  const { memory, vfs } = context;
  for (;;) {
    const filesystem = vfs.filesystemOf(walk.directory);
    if (walk.name.length === 0) {
      if ((request & Open.exclusive) !== 0) return -Errno.EEXIST;
      if ((request & (Open.create | Open.write | Open.truncate)) !== 0) return -Errno.EISDIR;
      return filesystem.openDirectory(vfs, walk.directory, flags);
    }
    if (walk.trailingSlash) {
      // Linux: what does not exist could only be made a file, which the slash forbids.
      if ((request & Open.create) !== 0) return -Errno.EISDIR;
      request |= Open.directory;
    }
    const changes = (request & (Open.write | Open.create | Open.truncate)) !== 0;
    const answer =
      changes && isReadOnly(memory, walk.directory)
        ? openUnchanged(context, walk, request, flags)
        : filesystem.openAt(vfs, walk.directory, walk.name, request, flags);
    if (answer !== IS_SYMLINK) return answer;
    if (!follow && !walk.trailingSlash) {
      return (request & Open.directory) !== 0 ? -Errno.ENOTDIR : -Errno.ELOOP;
    }
    const followed = walk.follow();
    if (followed < 0) return followed;
  }
}

/** On a read-only mount: what is there may be opened for reading, even by a call that would have made it. */
function openUnchanged(
  context: SyscallContext,
  walk: PathWalk,
  request: number,
  flags: number,
): number {
  const { vfs } = context;
  const filesystem = vfs.filesystemOf(walk.directory);
  const found = filesystem.statAt(vfs, walk.directory, walk.name, vfs.stat);
  if (found < 0) {
    return found === -Errno.ENOENT && (request & Open.create) !== 0 ? -Errno.EROFS : found;
  }
  if ((request & Open.exclusive) !== 0) return -Errno.EEXIST;
  const { type } = vfs.stat;
  if (type === Filetype.SYMBOLIC_LINK) return IS_SYMLINK;
  if (type === Filetype.DIRECTORY) return -Errno.EISDIR;
  if ((request & (Open.write | Open.truncate)) !== 0) return -Errno.EROFS;
  return filesystem.openAt(vfs, walk.directory, walk.name, request & ~Open.create, flags);
}
