/** Listing directories. */
import { Errno } from "../abi/errno.ts";
import { Rights } from "../abi/flags.ts";
import { Dirent } from "../abi/layouts.ts";
import { copyBytes, dropFile, type DirectoryReader } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";
import { LARGEST_EXACT, toUnsigned } from "./wide.ts";

/** Puts entries into the guest's buffer; the one that does not fit whole is cut at the end, as preview 1 has it. */
class DirentWriter implements DirectoryReader {
  used = 0;
  private readonly head = new DataView(new ArrayBuffer(Dirent.$size));
  private readonly headBytes = new Uint8Array(this.head.buffer);

  constructor(
    private readonly target: Uint8Array,
    private readonly start: number,
    private readonly room: number,
  ) {}

  entry(
    cookie: number,
    inodeLow: number,
    inodeHigh: number,
    type: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): boolean {
    const { head } = this;
    head.setUint32(Dirent.d_next, cookie >>> 0, true);
    head.setUint32(Dirent.d_next + 4, Math.floor(cookie / 2 ** 32), true);
    head.setUint32(Dirent.d_ino, inodeLow, true);
    head.setUint32(Dirent.d_ino + 4, inodeHigh, true);
    head.setUint32(Dirent.d_namlen, length, true);
    head.setUint32(Dirent.d_type, type, true);
    this.append(this.headBytes, 0, Dirent.$size);
    this.append(bytes, start, length);
    return this.used < this.room;
  }

  private append(bytes: Uint8Array, start: number, length: number): void {
    const piece = Math.min(length, this.room - this.used);
    copyBytes(this.target, this.start + this.used, bytes, start, piece);
    this.used += piece;
  }
}

/**
 * Writes entries of a directory after the one with `cookie` (0: from the start), `.` and `..` included, and the bytes that were used: fewer than
 * the buffer has when there are no more.
 */
export function fd_readdir(
  context: SyscallContext,
  fd: number,
  buffer: number,
  length: number,
  cookie: bigint,
  result: number,
): number {
  const { guest, vfs } = context;
  if (!guest.has(buffer, length >>> 0) || !guest.has(result, guest.pointerBytes))
    return Errno.EMEMVIOLATION;
  const from = toUnsigned(cookie);
  if (from > LARGEST_EXACT) return Errno.EINVAL;
  const file = context.lookup(fd, Rights.FD_READDIR);
  if (file < 0) return -file;
  const writer = new DirentWriter(guest.u8, buffer >>> 0, length >>> 0);
  const answer = vfs.operationsOf(file).list(vfs, file, from, writer);
  dropFile(vfs, file);
  if (answer < 0) return -answer;
  guest.setPointer(result, writer.used);
  return 0;
}
