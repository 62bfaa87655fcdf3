/**
 * Image: all that is in a filesystem, as records, while programs go on changing it.
 *
 * Names, links, sizes and times are read at once, with the journal's lock held, so that none is missed or seen twice. Bytes are read piece by piece
 * afterwards, and each piece may have what was changed since. The changes since are in the log too: before the piece, which then has them, or after it, where doing
 * them once more makes no difference. So once all changes up to the last piece are in the log, it says what is in the files.
 */
import { Filetype } from "../../abi/enums.ts";
import type { KernelMemory } from "../../shm/index.ts";
import { dropInode, keepInode, Mount, Transfer, type Vfs } from "../../vfs/index.ts";
import { CHUNK, readBytes } from "../tmpfs/bytes.ts";
import { nameOf, TmpfsEntry } from "../tmpfs/entry.ts";
import { TmpfsInode } from "../tmpfs/inode.ts";
import { Change, HEAD_BYTES, MOST_BYTES, recordBytes, writeHead } from "./record.ts";

/** The times of an inode, in the order in which a stamp has them. */
export const STAMPED = [TmpfsInode.accessed, TmpfsInode.modified, TmpfsInode.changed];
/** Bytes of a stamp. */
export const STAMP_BYTES = 24;
/** Bytes of files that are read at a step. */
const STEP_BYTES = 2 ** 20;

/** Records one after the other, in memory of this agent alone. */
class RecordBuffer {
  private bytes = new Uint8Array(65536);
  private u32 = new Uint32Array(this.bytes.buffer);
  private f64 = new Float64Array(this.bytes.buffer);
  private used = 0;

  /** Adds a record; the place of its bytes in `array`. */
  add(change: number, bytes: number, a: number, b = 0, c = 0): number {
    const at = this.used;
    this.used += recordBytes(bytes);
    if (this.used > this.bytes.length) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(this.used)));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
      this.u32 = new Uint32Array(larger.buffer);
      this.f64 = new Float64Array(larger.buffer);
    }
    writeHead(this.u32, this.f64, at, change, bytes, 0, 0, a, b, c);
    return at + HEAD_BYTES;
  }

  get array(): Uint8Array {
    return this.bytes;
  }

  /** All records, after which there are none: a view that is good until the next is added. */
  take(): Uint8Array {
    const all = this.bytes.subarray(0, this.used);
    this.used = 0;
    return all;
  }
}

export class Image {
  private readonly buffer = new RecordBuffer();
  private readonly transfer = new Transfer();
  /** Files whose bytes are still to be read, each with a count. */
  private readonly files: number[] = [];
  /** Where in the last of them to go on. */
  private position = 0;

  constructor(private readonly vfs: Vfs) {}

  /** Reads everything but bytes. Preconditions: the journal's lock is held. */
  readNamesLocked(mount: number): Uint8Array {
    const { memory } = this.vfs;
    const { buffer } = this;
    const root = Mount.root.get(memory, mount);
    const directories = [root];
    const seen = new Set([root]);
    // All names before the times: making a name changes those of its directory.
    for (
      let directory = directories.pop();
      directory !== undefined;
      directory = directories.pop()
    ) {
      for (
        let entry = TmpfsInode.first.get(memory, directory);
        entry !== 0;
        entry = TmpfsEntry.after.get(memory, entry)
      ) {
        const inode = TmpfsEntry.inode.get(memory, entry);
        this.addName(directory, entry, inode, seen.has(inode));
        if (seen.has(inode)) continue;
        seen.add(inode);
        const type = TmpfsInode.type.get(memory, inode);
        if (type === Filetype.DIRECTORY) directories.push(inode);
        if (type !== Filetype.REGULAR_FILE) continue;
        const size = TmpfsInode.size.get(memory, inode);
        if (size === 0) continue;
        buffer.add(Change.resize, 0, TmpfsInode.number.get(memory, inode), size);
        this.files.push(keepInode(memory, inode));
      }
    }
    for (const inode of seen) this.addStamp(memory, inode);
    return buffer.take();
  }

  /** Reads more bytes; undefined when all were read. What it answers is good until the next step. */
  readMore(): Uint8Array | undefined {
    const { files } = this;
    if (files.length === 0) return undefined;
    for (let left = STEP_BYTES; left > 0 && files.length > 0; left -= CHUNK) {
      const inode = files[files.length - 1];
      if (this.readPiece(inode)) continue;
      files.pop();
      this.position = 0;
      dropInode(this.vfs, inode);
    }
    return this.buffer.take();
  }

  /** Lets go of what was not read. */
  abandon(): void {
    for (const inode of this.files.splice(0)) dropInode(this.vfs, inode);
  }

  private addName(directory: number, entry: number, inode: number, isKnown: boolean): void {
    const { memory } = this.vfs;
    const { buffer } = this;
    const length = TmpfsEntry.length.get(memory, entry);
    const [parent, number] = [directory, inode].map((one) => TmpfsInode.number.get(memory, one));
    const type = TmpfsInode.type.get(memory, inode);
    const isSymlink = !isKnown && type === Filetype.SYMBOLIC_LINK;
    const target = isSymlink ? TmpfsInode.size.get(memory, inode) : 0;
    const change = isKnown ? Change.link : isSymlink ? Change.symlink : Change.create;
    const c = isSymlink ? length : isKnown ? 0 : type;
    const at = buffer.add(change, length + target, parent, number, c);
    const start = nameOf(entry);
    buffer.array.set(memory.u8.subarray(start, start + length), at);
    if (!isSymlink) return;
    const data = TmpfsInode.data.get(memory, inode);
    buffer.array.set(memory.u8.subarray(data, data + target), at + length);
  }

  private addStamp(memory: KernelMemory, inode: number): void {
    const number = TmpfsInode.number.get(memory, inode);
    const at = this.buffer.add(Change.stamp, STAMP_BYTES, number);
    TmpfsInode.lock.acquire(memory, inode);
    writeStamp(memory, inode, new DataView(this.buffer.array.buffer, at));
    TmpfsInode.lock.release(memory, inode);
  }

  /** Reads a piece of a file, after any hole; false at its end. */
  private readPiece(inode: number): boolean {
    const { memory } = this.vfs;
    const { buffer, transfer } = this;
    TmpfsInode.lock.acquire(memory, inode);
    const position = findData(memory, inode, this.position);
    const there = TmpfsInode.size.get(memory, inode) - position;
    // Not across the border of a chunk, so that holes are seen.
    const length = Math.min(there, MOST_BYTES, CHUNK - (position % CHUNK));
    if (length > 0) {
      const number = TmpfsInode.number.get(memory, inode);
      const at = buffer.add(Change.content, length, number, position);
      readBytes(memory, inode, transfer.single(buffer.array, at, length), position, length);
      this.position = position + length;
    }
    TmpfsInode.lock.release(memory, inode);
    return length > 0;
  }
}

/** Writes the times of an inode, as a stamp has them. Preconditions: its lock is held, or nobody knows it yet. */
export function writeStamp(memory: KernelMemory, inode: number, into: DataView): void {
  for (const [index, field] of STAMPED.entries()) {
    into.setUint32(index * 8, field.low(memory, inode), true);
    into.setUint32(index * 8 + 4, field.high(memory, inode), true);
  }
}

/** The first position, from one on, whose byte is in memory; Infinity where only a hole follows. Preconditions: the inode's lock is held. */
function findData(memory: KernelMemory, inode: number, position: number): number {
  const chunks = TmpfsInode.chunks.get(memory, inode);
  if (chunks === 0) return position < TmpfsInode.capacity.get(memory, inode) ? position : Infinity;
  const table = TmpfsInode.data.get(memory, inode) >>> 2;
  const first = Math.floor(position / CHUNK);
  for (let index = first; index < chunks; index++)
    if (memory.u32[table + index] !== 0) return index === first ? position : index * CHUNK;
  return Infinity;
}
