/**
 * Open files and directories of a filesystem written by a library user.
 *
 * While an answer is waited for no lock is held, so that two threads that read at one shared offset at once may get the same bytes.
 * A directory's listing is in `state` of its open file (`../listing.ts`): under the open file's lock.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import { Fdflags } from "../../abi/flags.ts";
import {
  AT_OFFSET,
  type DirectoryReader,
  FileOperations,
  Inode,
  isReadOnly,
  OpenFile,
  Stat,
  type Transfer,
  type Vfs,
} from "../../vfs/index.ts";
import { freeListing, listingCount, makeListing, nameLength, nameStart } from "../listing.ts";
import { LARGEST_PIECE, type Userfs } from "./filesystem.ts";
import { numberOf, pathOf } from "./node.ts";
import { UserOperation } from "./port.ts";

abstract class UserOperations extends FileOperations {
  protected readonly scratch = new Stat();

  constructor(protected readonly filesystem: Userfs) {
    super();
  }

  override stat({ memory }: Vfs, file: number, into: Stat): number {
    const inode = OpenFile.inode.get(memory, file);
    return this.filesystem.describe(Inode.mount.get(memory, inode), pathOf(memory, inode), into);
  }

  /** There is no method that would keep them. */
  override setTimes({ memory }: Vfs, file: number): number {
    return isReadOnly(memory, OpenFile.inode.get(memory, file)) ? -Errno.EROFS : -Errno.EPERM;
  }
}

export class UserFile extends UserOperations {
  override readonly seekable = true;

  override read({ memory }: Vfs, file: number, into: Transfer, position: number): number {
    const start = position === AT_OFFSET ? this.offset(memory, file) : position;
    const length = Math.min(into.total - into.done, LARGEST_PIECE);
    if (length === 0) return 0;
    const { result, bytes } = this.askAt(memory, file, UserOperation.read, {
      position: start,
      length,
    });
    if (result < 0 || bytes === undefined) return result;
    if (bytes.length > length) return -Errno.EIO;
    into.put(bytes, 0, bytes.length);
    if (position === AT_OFFSET) this.setOffset(memory, file, start + bytes.length);
    return bytes.length;
  }

  override write(vfs: Vfs, file: number, from: Transfer, position: number): number {
    const { memory } = vfs;
    const length = Math.min(from.total - from.done, LARGEST_PIECE);
    if (length === 0) return 0;
    let start = position;
    if (position === AT_OFFSET) {
      const appends = (OpenFile.flags.load(memory, file) & Fdflags.APPEND) !== 0;
      start = appends ? this.size(vfs, file) : this.offset(memory, file);
      if (start < 0) return start;
    }
    const other = new Uint8Array(length);
    from.take(other, 0, length);
    const { result } = this.askAt(memory, file, UserOperation.write, { position: start, other });
    if (result < 0) return result;
    if (position === AT_OFFSET) this.setOffset(memory, file, start + length);
    return length;
  }

  override size(vfs: Vfs, file: number): number {
    const result = this.stat(vfs, file, this.scratch);
    return result < 0 ? result : this.scratch.size;
  }

  override setSize({ memory }: Vfs, file: number, size: number): number {
    return Math.min(this.askAt(memory, file, UserOperation.truncate, { position: size }).result, 0);
  }

  override allocate(vfs: Vfs, file: number, end: number): number {
    const size = this.size(vfs, file);
    return size < 0 ? size : size < end ? this.setSize(vfs, file, end) : 0;
  }

  private askAt(
    memory: Vfs["memory"],
    file: number,
    operation: number,
    more: Parameters<Userfs["ask"]>[3],
  ) {
    const inode = OpenFile.inode.get(memory, file);
    return this.filesystem.ask(
      Inode.mount.get(memory, inode),
      operation,
      pathOf(memory, inode),
      more,
    );
  }

  private offset(memory: Vfs["memory"], file: number): number {
    OpenFile.lock.acquire(memory, file);
    const offset = OpenFile.offset.get(memory, file);
    OpenFile.lock.release(memory, file);
    return offset;
  }

  private setOffset(memory: Vfs["memory"], file: number, offset: number): void {
    OpenFile.lock.acquire(memory, file);
    OpenFile.offset.set(memory, file, offset);
    OpenFile.lock.release(memory, file);
  }
}

export class UserDirectory extends UserOperations {
  override read(): number {
    return -Errno.EISDIR;
  }

  override write(): number {
    return -Errno.EISDIR;
  }

  override list(vfs: Vfs, file: number, cookie: number, into: DirectoryReader): number {
    const { memory } = vfs;
    const inode = OpenFile.inode.get(memory, file);
    const mount = Inode.mount.get(memory, inode);
    const path = pathOf(memory, inode);
    if (cookie === 0 || OpenFile.state.get(memory, file) === 0) {
      const refreshed = this.readNames(vfs, file, mount, path);
      if (refreshed < 0) return refreshed;
    }
    for (let index = cookie; ; index++) {
      const name = copyName(vfs, file, index);
      if (name === undefined) return 0;
      const isDots = index < 2;
      const own =
        index === 0
          ? path
          : index === 1
            ? path.subarray(0, Math.max(0, path.lastIndexOf(47)))
            : join(path, name);
      let type: number = Filetype.DIRECTORY;
      if (!isDots) {
        const described = this.filesystem.describe(mount, own, this.scratch);
        if (described === -Errno.ENOENT) continue;
        if (described === -Errno.EINTR) return described;
        type = described < 0 ? Filetype.UNKNOWN : this.scratch.type;
      }
      const number = numberOf(own);
      if (
        !into.entry(
          index + 1,
          number >>> 0,
          Math.floor(number / 2 ** 32),
          type,
          name,
          0,
          name.length,
        )
      )
        return 0;
    }
  }

  override release({ memory }: Vfs, file: number): void {
    const listing = OpenFile.state.get(memory, file);
    if (listing !== 0) freeListing(memory, listing);
  }

  /** Asks for the names and keeps them. 0 or a negated errno. */
  private readNames({ memory }: Vfs, file: number, mount: number, path: Uint8Array): number {
    const { result, bytes = new Uint8Array(0) } = this.filesystem.ask(
      mount,
      UserOperation.readdir,
      path,
    );
    if (result < 0) return result;
    const names: Uint8Array[] = [Uint8Array.of(46), Uint8Array.of(46, 46)];
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf(0, start);
      names.push(bytes.slice(start, end));
      start = end + 1;
    }
    const listing = makeListing(memory, names);
    if (listing === 0) return -Errno.ENOMEM;
    OpenFile.lock.acquire(memory, file);
    const old = OpenFile.state.get(memory, file);
    OpenFile.state.set(memory, file, listing);
    if (old !== 0) freeListing(memory, old);
    OpenFile.lock.release(memory, file);
    return 0;
  }
}

/** A copy of a name of the listing; undefined behind the last. */
function copyName({ memory }: Vfs, file: number, index: number): Uint8Array | undefined {
  OpenFile.lock.acquire(memory, file);
  const listing = OpenFile.state.get(memory, file);
  let name: Uint8Array | undefined;
  if (index < listingCount(memory, listing)) {
    const start = nameStart(memory, listing, index);
    name = memory.u8.slice(start, start + nameLength(memory, listing, index));
  }
  OpenFile.lock.release(memory, file);
  return name;
}

function join(path: Uint8Array, name: Uint8Array): Uint8Array {
  if (path.length === 0) return name;
  const joined = new Uint8Array(path.length + 1 + name.length);
  joined.set(path);
  joined[path.length] = 47;
  joined.set(name, path.length + 1);
  return joined;
}
