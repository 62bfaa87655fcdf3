/**
 * Walking paths: from a string of bytes to a directory and a last name.
 *
 * A walk starts at a directory (or at the process's root for an absolute path), follows symbolic links in all places but the last, crosses mounts in
 * both directions, and never goes above the root. It ends with `directory` (one count held by the walk) and `name`; an empty name
 * means the directory itself. The last name is not looked at: each operation does so itself, once, and calls `follow` when it meets a symbolic link that
 * it wants followed. One walk object serves one call at a time; `end` drops what it holds.
 */
import { Errno } from "../abi/errno.ts";
import { panic } from "../shm/index.ts";
import { Name } from "./filesystem.ts";
import { dropInode, Inode, InodeFlags, keepInode } from "./inode.ts";
import { Mount, mountOn } from "./mount.ts";
import { IS_SYMLINK } from "./result.ts";
import type { Vfs } from "./vfs.ts";

/** Longest path in bytes (PATH_MAX on Linux), longest name, most symbolic links in one walk. */
export const PATH_MAX = 4096;
export const NAME_MAX = 255;
export const SYMLINK_MAX = 40;

const SLASH = 47;
const DOT = 46;

export class PathWalk {
  /** Directory that holds the last name; the walk has one count of it. 0 when no walk is on. */
  directory = 0;
  /** The last name, or empty: the directory itself. */
  readonly name = new Name();
  /** Whether a slash followed the last name: it must be a directory. */
  trailingSlash = false;
  /** Whether the walk ended on the root of a mount, reached by its name: it cannot be removed or replaced. */
  onMountpoint = false;

  private root = 0;
  private links = 0;
  private position = 0;
  private end_ = 0;
  private readonly rest = new Name();
  private readonly buffer = new Uint8Array(2 * PATH_MAX + 2);
  private readonly target = new Uint8Array(PATH_MAX);

  constructor(
    private readonly vfs: Vfs,
    private readonly mounts: number,
  ) {}

  /**
   * Walks to the last name of a path. The path's bytes are copied first, so that nobody can change them under the walk.
   *
   * @param root directory that `/` and the topmost `..` mean; @param start directory that a relative path starts from
   * @returns 0, or ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL (a NUL byte) negated
   */
  begin(root: number, start: number, bytes: Uint8Array, from: number, length: number): number {
    if (this.directory !== 0) panic("path: a walk was begun inside another");
    if (length === 0) return -Errno.ENOENT;
    // The C library's paths end with a NUL byte, which counts.
    if (length >= PATH_MAX) return -Errno.ENAMETOOLONG;
    const { buffer } = this;
    for (let index = 0; index < length; index++) {
      const byte = bytes[from + index];
      if (byte === 0) return -Errno.EINVAL;
      buffer[index] = byte;
    }
    this.root = root;
    this.links = 0;
    this.position = 0;
    this.end_ = length;
    this.directory = keepInode(this.vfs.memory, buffer[0] === SLASH ? root : start);
    return this.go();
  }

  /** Drops what the walk holds. Harmless when there is nothing. */
  end(): void {
    if (this.directory === 0) return;
    const { directory } = this;
    this.directory = 0;
    dropInode(this.vfs, directory);
  }

  /** Whether the path led through a symbolic link. */
  get followedLinks(): boolean {
    return this.links > 0;
  }

  /** Gives the directory's count to the caller. */
  takeDirectory(): number {
    const { directory } = this;
    this.directory = 0;
    return directory;
  }

  /** Goes on through the symbolic link that the last name is. */
  follow(): number {
    const trailing = this.trailingSlash;
    const result = this.expand(this.end_);
    if (result < 0) return this.fail(result);
    const walked = this.go();
    if (walked === 0 && trailing) this.trailingSlash = true;
    return walked;
  }

  /** Steps into the last name, following symbolic links: afterwards the walk stands on a directory itself. ENOTDIR otherwise. */
  enter(): number {
    while (this.name.length !== 0) {
      const result = this.stepInto();
      if (result === IS_SYMLINK) {
        const followed = this.follow();
        if (followed < 0) return followed;
      } else if (result < 0) return this.fail(result);
      else this.name.length = 0;
    }
    return 0;
  }

  private go(): number {
    const { buffer, vfs } = this;
    this.onMountpoint = false;
    this.trailingSlash = false;
    for (;;) {
      while (this.position < this.end_ && buffer[this.position] === SLASH) this.position++;
      const start = this.position;
      let stop = start;
      while (stop < this.end_ && buffer[stop] !== SLASH) stop++;
      let rest = stop;
      while (rest < this.end_ && buffer[rest] === SLASH) rest++;
      const length = stop - start;
      this.position = rest;
      if (length === 0 || (length === 1 && buffer[start] === DOT)) {
        this.name.length = 0;
        if (rest === this.end_) return 0;
        continue;
      }
      if (length === 2 && buffer[start] === DOT && buffer[start + 1] === DOT) {
        this.ascend();
        this.name.length = 0;
        if (rest === this.end_) return 0;
        continue;
      }
      if (length > NAME_MAX) return this.fail(-Errno.ENAMETOOLONG);
      this.name.set(buffer, start, length);
      if (rest === this.end_) {
        this.trailingSlash = rest > stop;
        return this.arrive();
      }
      if (this.stepFar(start, rest)) continue;
      const result = this.stepInto();
      if (result === IS_SYMLINK) {
        const expanded = this.expand(rest);
        if (expanded < 0) return this.fail(expanded);
      } else if (result < 0) return this.fail(result);
      vfs.memory.refreshIfGrown();
    }
  }

  /** Steps over several names at once, the first of which begins at `start`, in a filesystem that can. Those after it begin at `second`. */
  private stepFar(start: number, second: number): boolean {
    const { buffer, directory, rest, vfs } = this;
    const filesystem = vfs.filesystemOf(directory);
    if (filesystem.stepFar === undefined) return false;
    if (buffer.lastIndexOf(SLASH, this.end_ - 1) <= second) return false;
    rest.set(buffer, start, this.end_ - start);
    const reached = filesystem.stepFar(vfs, directory, rest);
    if (reached === 0) return false;
    this.moveTo(reached);
    this.position = rest.start;
    return true;
  }

  /** At the last name: if a mount lies on it, stand on the mount's root. */
  private arrive(): number {
    const { memory } = this.vfs;
    if ((Inode.flags.load(memory, this.directory) & InodeFlags.parentOfMountpoint) === 0) return 0;
    const child = this.vfs.filesystemOf(this.directory).step(this.vfs, this.directory, this.name);
    if (child < 0) return 0;
    const covered = (Inode.flags.load(memory, child) & InodeFlags.mountpoint) !== 0;
    dropInode(this.vfs, child);
    if (!covered) return 0;
    const result = this.stepInto();
    if (result < 0) return this.fail(result);
    this.name.length = 0;
    this.onMountpoint = true;
    return 0;
  }

  /** Steps into the directory `name`, and into what is mounted on it. */
  private stepInto(): number {
    const { memory } = this.vfs;
    let child = this.vfs.filesystemOf(this.directory).step(this.vfs, this.directory, this.name);
    if (child < 0) return child;
    for (
      let mount = mountOn(memory, this.mounts, child);
      mount !== 0;
      mount = mountOn(memory, this.mounts, child)
    ) {
      dropInode(this.vfs, child);
      child = keepInode(memory, Mount.root.get(memory, mount));
    }
    this.moveTo(child);
    return 0;
  }

  private ascend(): void {
    const { memory } = this.vfs;
    if (this.directory === this.root) return;
    for (;;) {
      const mount = Inode.mount.get(memory, this.directory);
      const covered = Mount.covered.get(memory, mount);
      if (Mount.root.get(memory, mount) !== this.directory || covered === 0) break;
      this.moveTo(keepInode(memory, covered));
    }
    this.moveTo(this.vfs.filesystemOf(this.directory).parent(this.vfs, this.directory));
  }

  /** Puts the target of the symbolic link `name` in front of the rest of the path, which begins at `rest`. */
  private expand(rest: number): number {
    if (++this.links > SYMLINK_MAX) return -Errno.ELOOP;
    const { buffer, target } = this;
    const length = this.vfs
      .filesystemOf(this.directory)
      .readlinkAt(this.vfs, this.directory, this.name, target);
    if (length < 0) return length;
    if (length === 0) return -Errno.ENOENT;
    const left = this.end_ - rest;
    if (length + 1 + left > buffer.length) return -Errno.ENAMETOOLONG;
    buffer.copyWithin(length + 1, rest, this.end_);
    buffer.set(target.subarray(0, length));
    buffer[length] = SLASH;
    this.position = 0;
    // A slash after the link's name alone is no part of what it points to.
    this.end_ = left === 0 ? length : length + 1 + left;
    if (target[0] === SLASH) this.moveTo(keepInode(this.vfs.memory, this.root));
    return 0;
  }

  private moveTo(directory: number): void {
    dropInode(this.vfs, this.directory);
    this.directory = directory;
  }

  private fail(errno: number): number {
    this.end();
    return errno;
  }
}
