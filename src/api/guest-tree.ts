/**
 * The guest's tree as the host program walks it: every operation by absolute path, done at once by the calling agent.
 *
 * The same filesystems and the same path walk as the guest's own calls. Nothing here sleeps.
 */
import { Filetype } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { type Kernel, KernelRoot } from "../kernel/index.ts";
import { loadLateParts } from "../threads/late-parts.ts";
import {
  AT_OFFSET,
  type DirectoryReader,
  dropFile,
  Inode,
  IS_SYMLINK,
  isReadOnly,
  keepInode,
  Open,
  PathWalk,
  type Stat,
  Transfer,
} from "../vfs/index.ts";
import { WeftError } from "./errors.ts";

/** What a name in a directory is. */
export interface TreeEntry {
  readonly name: string;
  readonly type: number;
}

/** Bytes moved at once between a file and an array. */
const PIECE = 2 ** 24;

export class GuestTree {
  private readonly walk: PathWalk;
  private readonly otherWalk: PathWalk;
  private readonly encoder = new TextEncoder();
  private readonly transfer = new Transfer();

  constructor(private readonly kernel: Kernel) {
    this.walk = new PathWalk(kernel.vfs, kernel.mounts);
    this.otherWalk = new PathWalk(kernel.vfs, kernel.mounts);
  }

  /** Opens a file. @returns an open file with one count; throws WeftError ERR_FILE */
  open(path: string, request: number, flags = 0): number {
    const { vfs } = this.kernel;
    const writes = (request & (Open.write | Open.create | Open.truncate)) !== 0;
    return this.at("open", path, writes, (walk) => {
      for (;;) {
        if (walk.name.length === 0 || (walk.trailingSlash && walk.enter() === 0)) {
          return writes
            ? -Errno.EISDIR
            : vfs.filesystemOf(walk.directory).openDirectory(vfs, walk.directory, flags);
        }
        const file = vfs
          .filesystemOf(walk.directory)
          .openAt(vfs, walk.directory, walk.name, request, flags);
        if (file !== IS_SYMLINK) return file;
        const followed = walk.follow();
        if (followed < 0) return followed;
      }
    });
  }

  /** The bytes of a file. */
  read(path: string): Uint8Array {
    const { vfs } = this.kernel;
    const file = this.open(path, Open.read);
    try {
      const operations = vfs.operationsOf(file);
      const pieces: Uint8Array[] = [];
      let total = 0;
      for (;;) {
        const expected = operations.seekable
          ? this.check("read", path, operations.size(vfs, file)) - total
          : 65536;
        const piece = new Uint8Array(Math.min(PIECE, Math.max(expected, 1)));
        const count = this.check(
          "read",
          path,
          operations.read(vfs, file, this.transfer.single(piece, 0, piece.length), AT_OFFSET),
        );
        if (count === 0) break;
        pieces.push(piece.subarray(0, count));
        total += count;
      }
      if (pieces.length === 1) return pieces[0];
      const all = new Uint8Array(total);
      let at = 0;
      for (const piece of pieces) {
        all.set(piece, at);
        at += piece.length;
      }
      return all;
    } finally {
      dropFile(vfs, file);
    }
  }

  /** Makes or replaces a file. */
  write(path: string, content: string | Uint8Array, append = false): void {
    const { vfs } = this.kernel;
    const bytes = typeof content === "string" ? this.encoder.encode(content) : content;
    const file = this.open(
      path,
      Open.write | Open.create | (append ? 0 : Open.truncate),
      append ? 1 : 0,
    );
    try {
      const operations = vfs.operationsOf(file);
      for (let done = 0; done < bytes.length;) {
        this.transfer.single(bytes, done, Math.min(PIECE, bytes.length - done));
        const count = this.check(
          "write",
          path,
          operations.write(vfs, file, this.transfer, AT_OFFSET),
        );
        if (count === 0) throw this.error("write", path, Errno.EIO);
        done += count;
      }
    } finally {
      dropFile(vfs, file);
    }
  }

  /** Makes a directory and those above it; one that exists is fine. `made` is told of each that was made. */
  makeDirectories(path: string, made?: (path: string) => void): void {
    const parts = path.split("/").filter((part) => part !== "");
    for (let count = 1; count <= parts.length; count++) {
      const prefix = "/" + parts.slice(0, count).join("/");
      const result = this.tryMakeDirectory(prefix);
      if (result !== -Errno.EEXIST) {
        this.check("mkdir", prefix, result);
        made?.(prefix);
      }
    }
  }

  /** Makes a directory. */
  makeDirectory(path: string): void {
    this.check("mkdir", path, this.tryMakeDirectory(path));
  }

  /** The same; answers a negated errno. EEXIST for what is there, also where nothing could be made (mkdir(2) of Linux). */
  private tryMakeDirectory(path: string): number {
    const { memory, vfs } = this.kernel;
    return this.tryAt(path, false, (walk) => {
      const { directory, name } = walk;
      if (name.length === 0) return -Errno.EEXIST;
      const filesystem = vfs.filesystemOf(directory);
      if (!isReadOnly(memory, directory)) return filesystem.makeDirectoryAt(vfs, directory, name);
      const found = filesystem.statAt(vfs, directory, name, vfs.stat);
      if (found >= 0) return -Errno.EEXIST;
      return found === -Errno.ENOENT ? -Errno.EROFS : found;
    });
  }

  /** Describes a file in `vfs.stat`; follows a symbolic link unless told not to. */
  stat(path: string, follow = true): Stat {
    const { vfs } = this.kernel;
    this.at("stat", path, false, (walk) => {
      for (;;) {
        const filesystem = vfs.filesystemOf(walk.directory);
        if (walk.name.length === 0) return filesystem.statDirectory(vfs, walk.directory, vfs.stat);
        const result = filesystem.statAt(vfs, walk.directory, walk.name, vfs.stat);
        if (result < 0) return result;
        if (vfs.stat.type !== Filetype.SYMBOLIC_LINK || !follow) {
          return walk.trailingSlash && vfs.stat.type !== Filetype.DIRECTORY ? -Errno.ENOTDIR : 0;
        }
        const followed = walk.follow();
        if (followed < 0) return followed;
      }
    });
    return vfs.stat;
  }

  /** The names in a directory, without `.` and `..`. */
  list(path: string): TreeEntry[] {
    const { vfs } = this.kernel;
    const entries: TreeEntry[] = [];
    const decoder = new TextDecoder();
    const reader: DirectoryReader = {
      entry: (_cookie, _low, _high, type, bytes, start, length) => {
        const name = decoder.decode(bytes.slice(start, start + length));
        if (name !== "." && name !== "..") entries.push({ name, type });
        return true;
      },
    };
    const file = this.open(path, Open.read | Open.directory);
    try {
      this.check("readdir", path, vfs.operationsOf(file).list(vfs, file, 0, reader));
    } finally {
      dropFile(vfs, file);
    }
    return entries;
  }

  /** Removes a name that is no directory, or an empty directory. */
  remove(path: string, directory: boolean): void {
    const { vfs } = this.kernel;
    this.at(directory ? "rmdir" : "unlink", path, true, (walk) => {
      if (walk.name.length === 0) return -Errno.EBUSY;
      const filesystem = vfs.filesystemOf(walk.directory);
      return directory
        ? filesystem.removeDirectoryAt(vfs, walk.directory, walk.name)
        : filesystem.unlinkAt(vfs, walk.directory, walk.name);
    });
  }

  /** Renames within one mount, replacing as rename(2) does; EBUSY for a root. */
  rename(from: string, to: string): void {
    const { vfs, memory } = this.kernel;
    this.at("rename", from, true, (source) =>
      this.at(
        "rename",
        to,
        true,
        (target) => {
          if (source.name.length === 0 || target.name.length === 0) return -Errno.EBUSY;
          const filesystem = vfs.filesystemOf(source.directory);
          if (
            vfs.filesystemOf(target.directory) !== filesystem ||
            !sameMount(memory, source, target)
          )
            return -Errno.EXDEV;
          return filesystem.renameAt(
            vfs,
            source.directory,
            source.name,
            target.directory,
            target.name,
          );
        },
        this.otherWalk,
      ),
    );
  }

  /** Makes a symbolic link at `path` to `target`, which is stored as it is. */
  symlink(target: string, path: string): void {
    const { vfs } = this.kernel;
    this.at("symlink", path, true, (walk) =>
      walk.name.length === 0
        ? -Errno.EEXIST
        : vfs
            .filesystemOf(walk.directory)
            .symlinkAt(vfs, walk.directory, walk.name, this.encoder.encode(target)),
    );
  }

  /** The target of a symbolic link; EINVAL for anything else. */
  readlink(path: string): string {
    const { vfs } = this.kernel;
    const target = new Uint8Array(4096);
    const length = this.at("readlink", path, false, (walk) =>
      walk.name.length === 0
        ? -Errno.EINVAL
        : vfs.filesystemOf(walk.directory).readlinkAt(vfs, walk.directory, walk.name, target),
    );
    return new TextDecoder().decode(target.subarray(0, length));
  }

  /** A directory's inode with a count. */
  findDirectory(path: string): number {
    let directory = 0;
    this.at("open", path, false, (walk) => {
      const entered = walk.enter();
      if (entered === 0) directory = keepInode(this.kernel.memory, walk.directory);
      return entered;
    });
    return directory;
  }

  /** Walks to a path and does something there; negated errnos become exceptions. */
  private at(
    call: string,
    path: string,
    changes: boolean,
    act: (walk: PathWalk) => number,
    walk = this.walk,
  ): number {
    return this.check(call, path, this.tryAt(path, changes, act, walk));
  }

  /** The same; answers a negated errno. */
  private tryAt(
    path: string,
    changes: boolean,
    act: (walk: PathWalk) => number,
    walk = this.walk,
  ): number {
    const { memory, root } = this.kernel;
    memory.refreshIfGrown();
    const bytes = this.encoder.encode(path);
    const rootInode = KernelRoot.rootInode.get(memory, root);
    let result = walk.begin(rootInode, rootInode, bytes, 0, bytes.length);
    if (result === 0) {
      try {
        result = changes && isReadOnly(memory, walk.directory) ? -Errno.EROFS : act(walk);
      } finally {
        walk.end();
      }
    }
    return result;
  }

  private check(call: string, path: string, result: number): number {
    if (result < 0) throw this.error(call, path, -result);
    return result;
  }

  private error(call: string, path: string, errno: number): WeftError {
    const name = loadLateParts().errnoName(errno);
    return new WeftError("ERR_FILE", `${name}: ${call} ${JSON.stringify(path)}`, { errno: name });
  }
}

function sameMount(memory: Kernel["memory"], a: PathWalk, b: PathWalk): boolean {
  return Inode.mount.get(memory, a.directory) === Inode.mount.get(memory, b.directory);
}
