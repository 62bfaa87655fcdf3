/**
 * Open files of `/proc`. A file's bytes were made when it was opened (`filesystem.ts`) and do not change: address in `state`, number in `state2`. A
 * directory is read from the kernel's records each time; its cookies follow the names of the list, then the numbers of processes or descriptors.
 */
import { Filetype } from "../../abi/enums.ts";
import { type Kernel, listIds, processKeys } from "../../kernel/index.ts";
import { free } from "../../shm/index.ts";
import {
  AT_OFFSET,
  type DirectoryReader,
  DirectoryOperations,
  FileOperations,
  OpenFile,
  type Stat,
  type Transfer,
  type Vfs,
} from "../../vfs/index.ts";
import { listDescriptors, tableOf } from "./descriptors.ts";
import { describeInode } from "./filesystem.ts";
import { Node, numberOf, ProcInode, PROCESS_NAMES, ROOT_NAMES, typeOf } from "./node.ts";

export class ProcFileOperations extends FileOperations {
  override readonly seekable = true;

  override read(vfs: Vfs, file: number, into: Transfer, position: number): number {
    const { memory } = vfs;
    if (position !== AT_OFFSET) return this.copy(vfs, file, into, position);
    OpenFile.lock.acquire(memory, file);
    const start = OpenFile.offset.get(memory, file);
    const count = this.copy(vfs, file, into, start);
    OpenFile.offset.set(memory, file, start + count);
    OpenFile.lock.release(memory, file);
    return count;
  }

  override size(vfs: Vfs, file: number): number {
    return OpenFile.state2.get(vfs.memory, file);
  }

  override available(vfs: Vfs, file: number): number {
    return Math.max(0, this.size(vfs, file) - OpenFile.offset.get(vfs.memory, file));
  }

  override stat(vfs: Vfs, file: number, into: Stat): number {
    return describeInode(vfs, OpenFile.inode.get(vfs.memory, file), into);
  }

  override release({ memory }: Vfs, file: number): void {
    free(memory, OpenFile.state.get(memory, file), Math.max(1, OpenFile.state2.get(memory, file)));
  }

  private copy({ memory }: Vfs, file: number, into: Transfer, position: number): number {
    const left = OpenFile.state2.get(memory, file) - position;
    const count = Math.max(0, Math.min(left, into.total - into.done));
    if (count > 0) into.put(memory.u8, OpenFile.state.get(memory, file) + position, count);
    return count;
  }
}

const encoder = new TextEncoder();
const DOTS = new Uint8Array([46, 46]);
/** Cookie of the first number: above those of names. */
const NUMBERS = 1024;

export class ProcDirectoryOperations extends DirectoryOperations {
  constructor(private readonly kernel: Kernel) {
    super();
  }

  override stat(vfs: Vfs, file: number, into: Stat): number {
    return describeInode(vfs, OpenFile.inode.get(vfs.memory, file), into);
  }

  override list(vfs: Vfs, file: number, cookie: number, into: DirectoryReader): number {
    const { memory } = vfs;
    const inode = OpenFile.inode.get(memory, file);
    const node = ProcInode.node.get(memory, inode);
    const pid = ProcInode.pid.get(memory, inode);
    const table = node === Node.descriptors ? tableOf(vfs, pid) : 0;
    if (table < 0) return table;
    const tell = (
      next: number,
      number: number,
      type: number,
      name: Uint8Array,
      length = name.length,
    ) => into.entry(next, number >>> 0, Math.floor(number / 2 ** 32), type, name, 0, length);
    const own = numberOf(node, pid);
    for (let place = cookie; place < 2; place++)
      if (!tell(place + 1, own, Filetype.DIRECTORY, DOTS, place + 1)) return 0;
    const names =
      node === Node.root ? ROOT_NAMES : node === Node.process ? PROCESS_NAMES : new Map();
    let place = 2;
    for (const [name, child] of names as ReadonlyMap<string, number>) {
      place++;
      if (place <= cookie) continue;
      if (!tell(place, numberOf(child, pid), typeOf(child), encoder.encode(name))) return 0;
    }
    const from = Math.max(0, cookie - NUMBERS);
    if (node === Node.root) {
      for (const id of listIds(memory, this.kernel.processTable, processKeys)) {
        if (id < from) continue;
        const name = encoder.encode(String(id));
        const number = numberOf(Node.process, id);
        if (!tell(NUMBERS + id + 1, number, Filetype.DIRECTORY, name)) return 0;
      }
    } else if (node === Node.descriptors) {
      for (const { fd, type } of listDescriptors(memory, table, from)) {
        const name = encoder.encode(String(fd));
        // The inode's number is what `stat` tells; here any that is not 0 will do.
        if (!tell(NUMBERS + fd + 1, fd + 1, type, name)) return 0;
      }
    }
    return 0;
  }
}
