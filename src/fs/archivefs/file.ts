/**
 * Open files of an archive.
 *
 * What is stored as it is is read from the archive at its place, by the thread that asks, and never kept. What is compressed is decompressed as a whole
 * at its first read, and kept like the bytes of a file in memory until nobody has the file open any more. So a compressed file that is in use costs its
 * size twice for a moment, and the machine's `maxKernelMemory` bounds it: a file that is too large for it cannot be read (ENOMEM).
 *
 * Lock: the inode's for the decompressed bytes. Decompressing itself needs none: of two threads that do it at once, one comes too late.
 */
import { Errno } from "../../abi/errno.ts";
import { Header, PAGE, type KernelMemory } from "../../shm/index.ts";
import { AT_OFFSET, Inode, OpenFile, Transfer, type Vfs } from "../../vfs/index.ts";
import {
  archiveOf,
  holdsBytes,
  keepBytes,
  PackedBytes,
  releaseBytes,
  TmpfsFile,
  TmpfsInode,
} from "../tmpfs/index.ts";
import { crc32 } from "../crc32.ts";
import { inflate } from "./inflate.ts";
import { readRange } from "./reader.ts";

export class ArchiveFile extends TmpfsFile {
  private readonly own = new Transfer();

  override read(vfs: Vfs, file: number, into: Transfer, position: number): number {
    const { memory } = vfs;
    const inode = OpenFile.inode.get(memory, file);
    const packed = TmpfsInode.packed.get(memory, inode);
    if (PackedBytes.isDeflated.get(memory, packed) !== 0) {
      const ready = this.unpack(vfs, inode, packed);
      return ready < 0 ? ready : super.read(vfs, file, into, position);
    }
    if (position !== AT_OFFSET) return readStored(vfs, inode, packed, into, position);
    OpenFile.lock.acquire(memory, file);
    const offset = OpenFile.offset.get(memory, file);
    const done = readStored(vfs, inode, packed, into, offset);
    if (done > 0) OpenFile.offset.set(memory, file, offset + done);
    OpenFile.lock.release(memory, file);
    return done;
  }

  override release(vfs: Vfs, file: number): void {
    const { memory } = vfs;
    const inode = OpenFile.inode.get(memory, file);
    TmpfsInode.lock.acquire(memory, inode);
    // Only the names and this file are left. A thread that opens it from now on looks for the bytes with the lock, and finds none.
    const isLast = Inode.refs.load(memory, inode) <= TmpfsInode.links.get(memory, inode) + 1;
    if (isLast) releaseBytes(memory, inode);
    TmpfsInode.lock.release(memory, inode);
  }

  /** Makes sure that the bytes are in memory. 0; ENOMEM, EIO for what is damaged. */
  private unpack(vfs: Vfs, inode: number, packed: number): number {
    const { memory } = vfs;
    const size = TmpfsInode.size.get(memory, inode);
    if (size === 0 || holdsBytes(memory, inode)) return 0;
    const length = PackedBytes.length.get(memory, packed);
    if (size + length > heapLimit(memory)) return -Errno.ENOMEM;
    const input = new Uint8Array(length);
    const output = new Uint8Array(size);
    const start = PackedBytes.start.get(memory, packed);
    const read = readRange(vfs, archiveOf(memory, inode), this.own, input, start);
    if (read < 0) return read;
    if (read < length || inflate(input, output) !== undefined) return -Errno.EIO;
    if (crc32(output) !== PackedBytes.checksum.get(memory, packed)) return -Errno.EIO;
    return keepBytes(memory, inode, this.own.single(output, 0, size)) ? 0 : -Errno.ENOMEM;
  }
}

function heapLimit({ u32 }: KernelMemory): number {
  return u32[Header.limit >> 2] * PAGE;
}

/** Reads at a position of a file that is stored as it is. */
function readStored(
  vfs: Vfs,
  inode: number,
  packed: number,
  into: Transfer,
  position: number,
): number {
  const { memory } = vfs;
  const length = Math.min(into.total - into.done, TmpfsInode.size.get(memory, inode) - position);
  if (length <= 0) return 0;
  into.keepFront(length);
  const archive = archiveOf(memory, inode);
  const start = PackedBytes.start.get(memory, packed);
  const done = vfs.operationsOf(archive).read(vfs, archive, into, start + position);
  // The archive became shorter behind our back.
  return done === 0 ? -Errno.EIO : done;
}
