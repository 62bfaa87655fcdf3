/**
 * The contract of open files: bytes, offsets, readiness.
 *
 * Answers: zero or more, `-errno`, or `WOULD_BLOCK`. Nothing sleeps, and non-blocking mode is not looked at here: the syscall floor waits or
 * answers EAGAIN (`syscalls/block.ts`). Access (read, write) was checked by the caller.
 */
import { Errno } from "../abi/errno.ts";
import type { Stat, Times } from "./filesystem.ts";
import { OpenFile } from "./open-file.ts";
import type { Transfer } from "./transfer.ts";
import type { Vfs } from "./vfs.ts";

/** Readiness, as bits. `hangup` and `error` are always reported, asked for or not. */
export const Readiness = { read: 1, write: 2, hangup: 4, error: 8 } as const;
export const EVERY_READINESS = 15;

/** Takes directory entries one by one; answers false when there is no more room. Names are read at once. */
export interface DirectoryReader {
  entry(
    cookie: number,
    inodeLow: number,
    inodeHigh: number,
    type: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): boolean;
}

/** Position that stands for the file's own offset. */
export const AT_OFFSET = -1;

export abstract class FileOperations {
  /** Whether the file has an offset: pread, pwrite and lseek answer ESPIPE otherwise. */
  readonly seekable: boolean = false;

  /** Reads up to `into.total` bytes; 0 at the end. */
  read(_vfs: Vfs, _file: number, _into: Transfer, _position: number): number {
    return -Errno.EINVAL;
  }
  /** Writes; may write less than all. */
  write(_vfs: Vfs, _file: number, _from: Transfer, _position: number): number {
    return -Errno.EINVAL;
  }
  /** The size that SEEK_END counts from. */
  size(_vfs: Vfs, _file: number): number {
    return -Errno.ESPIPE;
  }
  /** Describes the file. 0 or a negated errno. */
  stat(vfs: Vfs, file: number, into: Stat): number {
    into.device = 0;
    into.inodeLow = file;
    into.inodeHigh = 0;
    into.type = OpenFile.type.get(vfs.memory, file);
    into.links = 1;
    into.size = 0;
    into.accessedLow = into.accessedHigh = 0;
    into.modifiedLow = into.modifiedHigh = 0;
    into.changedLow = into.changedHigh = 0;
    return 0;
  }
  /** Cuts the file, or lets zeros follow (ftruncate(2)). */
  setSize(_vfs: Vfs, _file: number, _size: number): number {
    return -Errno.EINVAL;
  }
  /** Sets the times that are asked for. */
  setTimes(_vfs: Vfs, _file: number, _times: Times): number {
    return -Errno.EINVAL;
  }
  /** Reserves space: the file is at least `end` bytes long afterwards. */
  allocate(_vfs: Vfs, _file: number, _end: number): number {
    return -Errno.ENODEV;
  }
  /** Forces bytes, and unless `dataOnly` everything else, to what keeps them. */
  sync(_vfs: Vfs, _file: number, _dataOnly: boolean): number {
    return -Errno.EINVAL;
  }
  /** Lists a directory from `cookie` on (0: the start); each entry's own cookie is where to go on after it. `.` and `..` included. */
  list(_vfs: Vfs, _file: number, _cookie: number, _into: DirectoryReader): number {
    return -Errno.ENOTDIR;
  }
  /** What could be done now without waiting: bits of `Readiness`. Files on disks are always ready. */
  readiness(_vfs: Vfs, _file: number): number {
    return Readiness.read | Readiness.write;
  }
  /** Bytes that a read would give now, for poll: a hint. */
  available(_vfs: Vfs, _file: number): number {
    return 0;
  }
  /** The queue that is woken when readiness changes, or 0 when it never does. */
  waitQueueOf(_vfs: Vfs, _file: number): number {
    return 0;
  }
  /** Of a file that may not be what its record says (`Vfs.settle`): makes the record true. */
  settle(_vfs: Vfs, _file: number): number {
    return 0;
  }

  /** The last count is gone: gives back what the file's `state` and `host` hold. */
  release(_vfs: Vfs, _file: number): void {}
}

/** Numbers of the operations, the same in every agent. */
export const OperationsId = {
  tmpfsFile: 1,
  tmpfsDirectory: 2,
  hostFile: 3,
  hostDirectory: 4,
  pipe: 5,
  hostStream: 6,
  device: 7,
  event: 8,
  epoll: 9,
  socket: 10,
  devfsDirectory: 11,
  procFile: 16,
  procDirectory: 17,
  terminal: 18,
  overlayDirectory: 20,
  archiveFile: 21,
  userFile: 22,
  userDirectory: 23,
  loggedFile: 24,
  loggedDirectory: 25,
  /** What the host has opened without saying what it is; and a directory that was such. No number below these needs `Vfs.settle`. */
  hostUnseen: 26,
  hostSeenDirectory: 27,
} as const;
