/**
 * Open regular files in memory.
 *
 * Lock: the inode's, for size, bytes and times; a read or write at the file's own offset takes the open file's before it and keeps
 * both until the offset has moved.
 */
import { Errno } from "../../abi/errno.ts";
import { Fdflags } from "../../abi/flags.ts";
import {
  Access,
  AT_OFFSET,
  FileOperations,
  isReadOnly,
  OpenFile,
  type Stat,
  type Times,
  type Transfer,
  type Vfs,
} from "../../vfs/index.ts";
import {
  LARGEST_FILE,
  readBytes,
  reserveBytes,
  resizeBytes,
  trimBytes,
  writeBytes,
} from "./bytes.ts";
import {
  describeInode,
  setInodeTimes,
  TmpfsInode,
  touchAccessedLocked,
  touchModifiedLocked,
} from "./inode.ts";

/** Position that stands for the end of the file. */
const AT_END = -2;

export class TmpfsFile extends FileOperations {
  override readonly seekable = true;

  override read(vfs: Vfs, file: number, into: Transfer, position: number): number {
    const { memory } = vfs;
    const inode = OpenFile.inode.get(memory, file);
    if (position !== AT_OFFSET) return readAt(vfs, inode, into, position);
    OpenFile.lock.acquire(memory, file);
    const offset = OpenFile.offset.get(memory, file);
    const done = readAt(vfs, inode, into, offset);
    if (done > 0) OpenFile.offset.set(memory, file, offset + done);
    OpenFile.lock.release(memory, file);
    return done;
  }

  override write(vfs: Vfs, file: number, from: Transfer, position: number): number {
    const { memory } = vfs;
    if (from.done === from.total) return 0;
    const inode = OpenFile.inode.get(memory, file);
    if (position !== AT_OFFSET) return writeAt(vfs, inode, from, position, 0);
    OpenFile.lock.acquire(memory, file);
    const append = (OpenFile.flags.load(memory, file) & Fdflags.APPEND) !== 0;
    const done = append
      ? writeAt(vfs, inode, from, AT_END, file)
      : writeAt(vfs, inode, from, OpenFile.offset.get(memory, file), file);
    OpenFile.lock.release(memory, file);
    return done;
  }

  override size(vfs: Vfs, file: number): number {
    const { memory } = vfs;
    const inode = OpenFile.inode.get(memory, file);
    TmpfsInode.lock.acquire(memory, inode);
    const size = TmpfsInode.size.get(memory, inode);
    TmpfsInode.lock.release(memory, inode);
    return size;
  }

  override stat(vfs: Vfs, file: number, into: Stat): number {
    return describeInode(vfs, OpenFile.inode.get(vfs.memory, file), into);
  }

  override setSize(vfs: Vfs, file: number, size: number): number {
    return setInodeSize(vfs, OpenFile.inode.get(vfs.memory, file), size);
  }

  override setTimes(vfs: Vfs, file: number, times: Times): number {
    const inode = OpenFile.inode.get(vfs.memory, file);
    return isReadOnly(vfs.memory, inode) ? -Errno.EROFS : setInodeTimes(vfs, inode, times);
  }

  override allocate(vfs: Vfs, file: number, end: number): number {
    if (end > LARGEST_FILE) return -Errno.EFBIG;
    const { memory } = vfs;
    const inode = OpenFile.inode.get(memory, file);
    TmpfsInode.lock.acquire(memory, inode);
    const result = reserveBytes(memory, inode, end);
    if (result === 0) touchModifiedLocked(vfs, inode);
    TmpfsInode.lock.release(memory, inode);
    return result;
  }

  override sync(_vfs: Vfs, _file: number): number {
    return 0;
  }

  override release(vfs: Vfs, file: number): void {
    const { memory } = vfs;
    if ((OpenFile.access.get(memory, file) & Access.write) === 0) return;
    const inode = OpenFile.inode.get(memory, file);
    TmpfsInode.lock.acquire(memory, inode);
    trimBytes(memory, inode);
    TmpfsInode.lock.release(memory, inode);
  }

  override available(vfs: Vfs, file: number): number {
    return Math.max(0, this.size(vfs, file) - OpenFile.offset.get(vfs.memory, file));
  }
}

/** Reads at a position. Takes the inode's lock. */
function readAt(vfs: Vfs, inode: number, into: Transfer, position: number): number {
  const { memory } = vfs;
  TmpfsInode.lock.acquire(memory, inode);
  const length = Math.min(into.total - into.done, TmpfsInode.size.get(memory, inode) - position);
  if (length > 0) {
    readBytes(memory, inode, into, position, length);
    touchAccessedLocked(vfs, inode);
  }
  TmpfsInode.lock.release(memory, inode);
  return length > 0 ? length : 0;
}

/**
 * Writes at a position, or at the end. Takes the inode's lock.
 *
 * @param file open file whose offset is set after what was written, its lock held; or 0
 */
function writeAt(vfs: Vfs, inode: number, from: Transfer, position: number, file: number): number {
  const { memory } = vfs;
  TmpfsInode.lock.acquire(memory, inode);
  const start = position === AT_END ? TmpfsInode.size.get(memory, inode) : position;
  const length = Math.min(from.total - from.done, LARGEST_FILE - start);
  const done = length > 0 ? writeBytes(memory, inode, from, start, length) : -Errno.EFBIG;
  if (done > 0) {
    touchModifiedLocked(vfs, inode);
    if (file !== 0) OpenFile.offset.set(memory, file, start + done);
  }
  TmpfsInode.lock.release(memory, inode);
  return done;
}

/** Sets the size of a regular file. Takes the inode's lock. */
export function setInodeSize(vfs: Vfs, inode: number, size: number): number {
  if (size > LARGEST_FILE) return -Errno.EFBIG;
  const { memory } = vfs;
  TmpfsInode.lock.acquire(memory, inode);
  resizeBytes(memory, inode, size);
  touchModifiedLocked(vfs, inode);
  TmpfsInode.lock.release(memory, inode);
  return 0;
}
