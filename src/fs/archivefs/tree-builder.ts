/**
 * From the entries of an archive to a tree in memory: names, times and links are records as in any filesystem in memory, and a file's bytes are a
 * place in the archive.
 *
 * Names are taken as relative to the mount, whatever they begin with. A name that would lead elsewhere, or that no filesystem could have, refuses the whole archive: such
 * an archive was not made by chance.
 */
import { Errno, errnoName } from "../../abi/errno.ts";
import {
  dropFile,
  dropInode,
  keepInode,
  Mount,
  Name,
  NAME_MAX,
  Open,
  PATH_MAX,
  Times,
  type Vfs,
} from "../../vfs/index.ts";
import { packFile } from "../tmpfs/index.ts";
import { ArchiveError, quote } from "./archive-error.ts";

/** What an entry stands for. */
export interface ArchiveEntry {
  readonly path: Uint8Array;
  /** Seconds since 1970. */
  readonly modified: number;
}

/** Where a file's bytes are. */
export interface PackedPlace {
  /** Where they begin in the archive, and how many there are. */
  readonly start: number;
  readonly length: number;
  /** Bytes of the file. */
  readonly size: number;
  /** Whether they are compressed by deflate. */
  readonly isDeflated: boolean;
  /** CRC-32 of the file. Only looked at where the bytes are compressed. */
  readonly checksum: number;
}

const SLASH = 47;
const DOT = 46;

/** Levels of directories that an archive may have. */
const DEEPEST = 1024;

export class TreeBuilder {
  private readonly times = new Times();
  private readonly name = new Name();
  /** Directories whose times are set when nothing is made in them any more. */
  private readonly directories: ArchiveEntry[] = [];

  constructor(
    private readonly vfs: Vfs,
    private readonly mount: number,
  ) {}

  /** Adds a directory, or gives one that is there its times: they are set at the end. */
  addDirectory(entry: ArchiveEntry): void {
    const parts = splitPath(entry.path);
    dropInode(this.vfs, this.enter(parts, entry));
    if (parts.length > 0) this.directories.push(entry);
  }

  /** Adds a file; one of that name that is there already is replaced, or, where `mayReplace` is false, an error. */
  addFile(entry: ArchiveEntry, place: PackedPlace, mayReplace: boolean): void {
    this.inParent(entry, mayReplace, (filesystem, directory, name) => {
      const { vfs } = this;
      const file = filesystem.openAt(
        vfs,
        directory,
        name,
        Open.create | Open.write | Open.exclusive,
        0,
      );
      if (file < 0) return file;
      const packed = packFile(vfs, file, place);
      dropFile(vfs, file);
      return packed ? 0 : -Errno.ENOSPC;
    });
  }

  /** Adds a symbolic link, as `addFile`. */
  addSymlink(entry: ArchiveEntry, target: Uint8Array, mayReplace: boolean): void {
    if (target.length === 0 || target.length >= PATH_MAX || target.includes(0)) {
      throw new ArchiveError(
        `the symbolic link ${quote(entry.path)} leads to nothing that could be a path`,
      );
    }
    this.inParent(entry, mayReplace, (filesystem, directory, name) =>
      filesystem.symlinkAt(this.vfs, directory, name, target),
    );
  }

  /** Adds another name of a file that came before. */
  addHardLink(entry: ArchiveEntry, target: Uint8Array): void {
    const parts = splitPath(target);
    const last = parts.pop();
    const source = last === undefined ? -Errno.ENOENT : this.walk(parts);
    if (source < 0 || last === undefined) {
      throw new ArchiveError(
        `${quote(entry.path)} is a link to ${quote(target)}, which did not come before it`,
      );
    }
    const sourceName = new Name().set(last, 0, last.length);
    try {
      this.inParent(entry, true, (filesystem, directory, name) =>
        filesystem.linkAt(this.vfs, source, sourceName, directory, name),
      );
    } finally {
      dropInode(this.vfs, source);
    }
  }

  /** To be called when everything was added. */
  finish(): void {
    for (const entry of this.directories.reverse()) {
      const directory = this.walk(splitPath(entry.path));
      // It may have become something else.
      if (directory < 0) continue;
      this.vfs.filesystemOf(directory).setDirectoryTimes(this.vfs, directory, this.timesOf(entry));
      dropInode(this.vfs, directory);
    }
  }

  /** Makes a name in its directory, which is made with those above it where it is not there. */
  private inParent(
    entry: ArchiveEntry,
    mayReplace: boolean,
    make: (filesystem: ReturnType<Vfs["filesystemOf"]>, directory: number, name: Name) => number,
  ): void {
    const { vfs } = this;
    const parts = splitPath(entry.path);
    const last = parts.pop();
    if (last === undefined) throw new ArchiveError(`the entry ${quote(entry.path)} has no name`);
    const directory = this.enter(parts, entry);
    const filesystem = vfs.filesystemOf(directory);
    const name = new Name().set(last, 0, last.length);
    let result = make(filesystem, directory, name);
    if (result === -Errno.EEXIST && mayReplace) {
      const removed = filesystem.unlinkAt(vfs, directory, name);
      result = removed < 0 ? removed : make(filesystem, directory, name);
    }
    if (result === 0) filesystem.setTimesAt(vfs, directory, name, this.timesOf(entry));
    dropInode(vfs, directory);
    if (result < 0) throw this.refusal(entry, result);
  }

  /** The directory at a path, with a count; made where it is not there. */
  private enter(parts: readonly Uint8Array[], entry: ArchiveEntry): number {
    const { vfs } = this;
    let directory = keepInode(vfs.memory, Mount.root.get(vfs.memory, this.mount));
    for (const part of parts) {
      const filesystem = vfs.filesystemOf(directory);
      this.name.set(part, 0, part.length);
      let next = filesystem.step(vfs, directory, this.name);
      if (next === -Errno.ENOENT) {
        const made = filesystem.makeDirectoryAt(vfs, directory, this.name);
        next = made < 0 ? made : filesystem.step(vfs, directory, this.name);
      }
      dropInode(vfs, directory);
      if (next < 0) throw this.refusal(entry, next);
      directory = next;
    }
    return directory;
  }

  /** The directory at a path, with a count, or a negated errno. */
  private walk(parts: readonly Uint8Array[]): number {
    const { vfs } = this;
    let directory = keepInode(vfs.memory, Mount.root.get(vfs.memory, this.mount));
    for (const part of parts) {
      const next = vfs
        .filesystemOf(directory)
        .step(vfs, directory, this.name.set(part, 0, part.length));
      dropInode(vfs, directory);
      if (next < 0) return next;
      directory = next;
    }
    return directory;
  }

  private timesOf({ modified }: ArchiveEntry): Times {
    const { times } = this;
    const nanoseconds = BigInt(Math.max(0, Math.min(modified, 2 ** 33))) * 1_000_000_000n;
    times.setAccessed = times.setModified = true;
    times.accessedLow = times.modifiedLow = Number(nanoseconds & 0xffffffffn);
    times.accessedHigh = times.modifiedHigh = Number(nanoseconds >> 32n);
    return times;
  }

  private refusal({ path }: ArchiveEntry, answer: number): ArchiveError {
    if (answer === -Errno.ENOSPC) {
      return new ArchiveError(`there is no room for the names in it, at ${quote(path)}`, "ENOSPC");
    }
    if (answer === -Errno.EEXIST) return new ArchiveError(`the name ${quote(path)} comes twice`);
    if (answer === -Errno.EISDIR)
      return new ArchiveError(`${quote(path)} is a directory and also something else`);
    if (answer === -Errno.ENOENT)
      return new ArchiveError(`${quote(path)} is a link to what did not come before it`);
    // A step answers below every errno for a symbolic link.
    if (answer < -1000 || answer === -Errno.ENOTDIR) {
      return new ArchiveError(`${quote(path)} lies in what is no directory`);
    }
    return new ArchiveError(`${quote(path)} cannot be had: ${errnoName(-answer)}`);
  }
}

/** The names that a path is made of. @throws ArchiveError for one that leads out, or cannot be */
function splitPath(path: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start <= path.length;) {
    let end = path.indexOf(SLASH, start);
    if (end < 0) end = path.length;
    const part = path.slice(start, end);
    start = end + 1;
    if (part.length === 0 || (part.length === 1 && part[0] === DOT)) continue;
    if (part.length === 2 && part[0] === DOT && part[1] === DOT) {
      throw new ArchiveError(`the entry ${quote(path)} leads out of it`);
    }
    if (part.includes(0)) throw new ArchiveError(`the name ${quote(path)} holds a NUL byte`);
    if (part.length > NAME_MAX) throw new ArchiveError(`the name ${quote(path)} is too long`);
    parts.push(part);
  }
  if (parts.length > DEEPEST) throw new ArchiveError(`the entry ${quote(path)} lies too deep`);
  return parts;
}
