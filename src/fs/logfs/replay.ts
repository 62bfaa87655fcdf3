/**
 * Replay: making in memory what a log says, by doing once more what was done, at the times at which it was done.
 *
 * The code is that of files in memory; only its clock is the log's. Nobody else knows the tree yet, so no lock is needed but those it takes itself.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno, errnoName } from "../../abi/errno.ts";
import type { KernelMemory } from "../../shm/index.ts";
import {
  dropFile,
  dropInode,
  FilesystemId,
  keepInode,
  Mount,
  Name,
  Open,
  OperationsId,
  Times,
  Transfer,
  Vfs,
} from "../../vfs/index.ts";
import { trimBytes, writeBytes } from "../tmpfs/bytes.ts";
import { TmpfsEntry } from "../tmpfs/entry.ts";
import { setInodeSize, TmpfsFile } from "../tmpfs/file.ts";
import { linkInode, Tmpfs } from "../tmpfs/filesystem.ts";
import { setInodeTimes, TmpfsInode } from "../tmpfs/inode.ts";
import { findEntry } from "../tmpfs/names.ts";
import { TmpfsTree } from "../tmpfs/tree.ts";
import { STAMPED } from "./image.ts";
import { WhichTimes } from "./note-times.ts";
import { Change, type LogRecord, readRecords } from "./record.ts";

/** A log says what cannot have been: it was damaged in a way that its checksums do not show, or is of another version. */
export class LogError extends Error {
  override readonly name: string = "LogError";
}

/** The kernel heap has no room for the files. */
export class LogSpaceError extends LogError {
  override readonly name = "LogSpaceError";
}

/** Changes of what may have no name any more. */
const NEEDS_NO_NAME = new Set<number>([Change.write, Change.resize, Change.setTimes]);

/** Files in memory at the time of a record. */
class PastVfs extends Vfs {
  constructor(memory: KernelMemory) {
    super(memory, { milliseconds: () => 0 });
    this.addFilesystem(FilesystemId.logfs, new Tmpfs());
    this.addOperations(OperationsId.tmpfsFile, new TmpfsFile());
  }

  /** The time is set record by record. */
  override now(): void {}
}

export class Replay {
  private readonly vfs: PastVfs;
  private readonly filesystem = new Tmpfs();
  private readonly tree: number;
  /** Inodes by number, each with a count: a file that has lost its name may still be written. */
  private readonly inodes = new Map<number, number>();
  private readonly transfer = new Transfer();
  private readonly times = new Times();
  private lastNumber = 1;

  /** @param mount of an empty tree that nobody knows yet */
  constructor(
    private readonly memory: KernelMemory,
    mount: number,
  ) {
    this.vfs = new PastVfs(memory);
    this.tree = Mount.state.get(memory, mount);
    this.know(1, keepInode(memory, Mount.root.get(memory, mount)));
  }

  /** Does what the records of a batch say. @throws LogError */
  play(batch: Uint8Array): void {
    try {
      for (const record of readRecords(batch)) this.do(record);
    } catch (cause) {
      if (cause instanceof RangeError) throw new LogError(cause.message, { cause });
      throw cause;
    }
  }

  /** Lets go of all: what has no name is gone. To be called at the end, also of a failure. */
  end(): void {
    for (const inode of this.inodes.values()) dropInode(this.vfs, inode);
    this.inodes.clear();
    TmpfsTree.lastNumber.set(this.memory, this.tree, this.lastNumber);
  }

  private do(record: LogRecord): void {
    const { vfs, filesystem } = this;
    const { change, a, b, c, bytes } = record;
    vfs.nowLow = record.timeLow;
    vfs.nowHigh = record.timeHigh;
    // A file that had lost its name before the image was made is not in it, and still may have been written.
    if (NEEDS_NO_NAME.has(change) && !this.inodes.has(a)) return;
    const inode = this.inodeOf(a);
    switch (change) {
      case Change.create:
        return this.create(inode, nameOf(bytes), b, c);
      case Change.symlink: {
        const name = nameOf(bytes.subarray(0, c));
        mustWork(filesystem.symlinkAt(vfs, inode, name, bytes.subarray(c)));
        return this.number(inode, name, b);
      }
      case Change.link:
        return this.link(this.inodeOf(b), inode, nameOf(bytes));
      case Change.unlink:
        return mustWork(filesystem.unlinkAt(vfs, inode, nameOf(bytes)));
      case Change.removeDirectory:
        return mustWork(filesystem.removeDirectoryAt(vfs, inode, nameOf(bytes)));
      case Change.rename: {
        const [from, to] = [nameOf(bytes.subarray(0, c)), nameOf(bytes.subarray(c))];
        return mustWork(filesystem.renameAt(vfs, inode, from, this.inodeOf(b), to));
      }
      case Change.write:
        this.write(inode, b, bytes);
        TmpfsInode.modified.set(this.memory, inode, vfs.nowLow, vfs.nowHigh);
        TmpfsInode.changed.set(this.memory, inode, vfs.nowLow, vfs.nowHigh);
        return;
      case Change.content:
        return this.write(inode, b, bytes);
      case Change.resize:
        return mustWork(setInodeSize(vfs, inode, b));
      case Change.setTimes:
        return this.setTimes(inode, b, bytes);
      case Change.stamp:
        return this.stamp(inode, bytes);
      default:
        throw new LogError(`there is a change of a kind that is not known: ${change}`);
    }
  }

  private create(directory: number, name: Name, number: number, type: number): void {
    const { vfs, filesystem } = this;
    if (type === Filetype.DIRECTORY) mustWork(filesystem.makeDirectoryAt(vfs, directory, name));
    else {
      const request = Open.create | Open.exclusive | Open.write;
      const file = filesystem.openAt(vfs, directory, name, request, 0);
      mustWork(file);
      dropFile(vfs, file);
    }
    this.number(directory, name, number);
  }

  /** Gives the new inode of a name the number that it had. */
  private number(directory: number, name: Name, number: number): void {
    const { memory, tree } = this;
    const inode = TmpfsEntry.inode.get(memory, findEntry(memory, tree, directory, name));
    TmpfsInode.number.set(memory, inode, number);
    this.know(number, keepInode(memory, inode));
  }

  private know(number: number, inode: number): void {
    this.inodes.set(number, inode);
    this.lastNumber = Math.max(this.lastNumber, number);
  }

  private inodeOf(number: number): number {
    const inode = this.inodes.get(number);
    if (inode === undefined) throw new LogError(`nothing has the number ${number}`);
    return inode;
  }

  private link(inode: number, directory: number, name: Name): void {
    const { memory, tree, vfs } = this;
    TmpfsTree.lock.acquire(memory, tree);
    const result = linkInode(vfs, tree, inode, directory, name);
    TmpfsTree.lock.release(memory, tree);
    mustWork(result);
  }

  private write(inode: number, position: number, bytes: Uint8Array): void {
    const { memory, transfer } = this;
    transfer.single(bytes, 0, bytes.length);
    TmpfsInode.lock.acquire(memory, inode);
    const done = writeBytes(memory, inode, transfer, position, bytes.length);
    TmpfsInode.lock.release(memory, inode);
    mustWork(done < bytes.length ? -Errno.ENOSPC : 0);
  }

  private setTimes(inode: number, which: number, bytes: Uint8Array): void {
    const { times, vfs } = this;
    const view = viewOf(bytes);
    times.setAccessed = (which & WhichTimes.accessed) !== 0;
    times.setModified = (which & WhichTimes.modified) !== 0;
    times.accessedLow = view.getUint32(0, true);
    times.accessedHigh = view.getUint32(4, true);
    times.modifiedLow = view.getUint32(8, true);
    times.modifiedHigh = view.getUint32(12, true);
    setInodeTimes(vfs, inode, times);
  }

  private stamp(inode: number, bytes: Uint8Array): void {
    const { memory } = this;
    const view = viewOf(bytes);
    for (const [index, field] of STAMPED.entries())
      field.set(
        memory,
        inode,
        view.getUint32(index * 8, true),
        view.getUint32(index * 8 + 4, true),
      );
    // In an image a file's stamp comes after its bytes.
    TmpfsInode.lock.acquire(memory, inode);
    trimBytes(memory, inode);
    TmpfsInode.lock.release(memory, inode);
  }
}

/** Checks the answer of what worked when it was done first. */
function mustWork(result: number): void {
  if (result >= 0) return;
  if (result === -Errno.ENOSPC)
    throw new LogSpaceError("the kernel heap has no room for its files");
  throw new LogError(`a change cannot be made: ${errnoName(-result)}`);
}

function nameOf(bytes: Uint8Array): Name {
  return new Name().set(bytes, 0, bytes.length);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
