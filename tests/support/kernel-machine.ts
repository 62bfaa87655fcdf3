/**
 * A kernel heap with a root filesystem in memory, and calls by path as a system call would make them: the walk, the last symbolic link
 * followed, the operation. Answers are results or `-errno`.
 */
import { Filetype } from "../../src/abi/enums.ts";
import { Errno } from "../../src/abi/errno.ts";
import {
  createOverlayfs,
  createTmpfs,
  destroyDevfs,
  destroyOverlayfs,
  destroyTmpfs,
  installOverlayfs,
  installTmpfs,
} from "../../src/fs/index.ts";
import {
  blockSize,
  FIRST_POOL,
  Header,
  KernelMemory,
  LockOrder,
  type KernelMemoryOptions,
  readLedger,
  usedBytes,
} from "../../src/shm/index.ts";
import {
  addMount,
  AT_OFFSET,
  dropFile,
  dropInode,
  type Filesystem,
  FilesystemId,
  Inode,
  IS_SYMLINK,
  Mount,
  Mounts,
  numberMount,
  Open,
  OpenFile,
  PathWalk,
  Stat,
  Transfer,
  Vfs,
} from "../../src/vfs/index.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Listed {
  name: string;
  cookie: number;
  inode: number;
  type: number;
}

/** Bytes of the open files that are free: their pool keeps them. */
function pooledBytes(memory: KernelMemory): number {
  const list = Header.classes + FIRST_POOL * 8;
  let bytes = 0;
  for (let block = memory.u32[list >> 2]; block !== 0; block = memory.u32[(block + 4) >> 2]) {
    bytes += blockSize(OpenFile.bytes);
  }
  return bytes;
}

export class KernelMachine {
  readonly vfs: Vfs;
  readonly transfer = new Transfer();
  readonly stat = new Stat();
  /** The directory that `/` means. */
  root: number;
  private readonly walk: PathWalk;
  private readonly otherWalk: PathWalk;
  /** Mounts made here, oldest first. */
  private readonly made: number[] = [];

  private constructor(
    readonly memory: KernelMemory,
    readonly mounts: number,
    now: () => number,
  ) {
    this.vfs = new Vfs(memory, { milliseconds: now });
    installTmpfs(this.vfs);
    installOverlayfs(this.vfs);
    if (Mounts.first.get(memory, mounts) === 0) {
      const mount = createTmpfs(this.vfs);
      addMount(memory, mounts, mount, 0, 0);
      this.made.push(mount);
    }
    let first = Mounts.first.get(memory, mounts);
    while (Mount.next.get(memory, first) !== 0) first = Mount.next.get(memory, first);
    this.root = Mount.root.get(memory, first);
    this.walk = new PathWalk(this.vfs, mounts);
    this.otherWalk = new PathWalk(this.vfs, mounts);
  }

  /** A new heap with an empty root. */
  static create(options: KernelMemoryOptions = {}, now: () => number = Date.now): KernelMachine {
    const memory = KernelMemory.create(true, { lockOrder: new LockOrder(), ...options });
    return new KernelMachine(memory, Mounts.allocate(memory), now);
  }

  /** Another agent's view of a machine; `root` where its `/` is no longer the first mount's. */
  static attach(memory: KernelMemory, mounts: number, root?: number): KernelMachine {
    const machine = new KernelMachine(memory, mounts, Date.now);
    if (root !== undefined) machine.root = root;
    return machine;
  }

  /** Lays an overlay over the root: from now on what is there is only read, and changes go to a new layer above it. Nothing may be open. */
  coverRoot(): void {
    const { memory, mounts, vfs } = this;
    const upper = createTmpfs(vfs);
    numberMount(memory, mounts, upper);
    const overlay = createOverlayfs(vfs, upper, [Inode.mount.get(memory, this.root)]);
    numberMount(memory, mounts, overlay);
    this.made.push(upper, overlay);
    this.root = Mount.root.get(memory, overlay);
  }

  /** Frees everything; what is left then in the ledger, and bytes in use. */
  destroy(): { ledger: Record<string, number>; bytes: number } {
    for (const mount of this.made.reverse()) {
      const kind = Mount.filesystem.get(this.memory, mount);
      if (kind === FilesystemId.devfs) destroyDevfs(this.vfs, mount);
      else if (kind === FilesystemId.overlayfs) destroyOverlayfs(this.vfs, mount);
      else destroyTmpfs(this.vfs, mount);
    }
    Mounts.free(this.memory, this.mounts);
    this.memory.lockOrder?.mustBeEmpty("destroy");
    return {
      ledger: readLedger(this.memory),
      bytes: usedBytes(this.memory) - pooledBytes(this.memory),
    };
  }

  /** Puts a filesystem over a directory: a new one in memory, unless another is given. */
  mount(path: string, mount = createTmpfs(this.vfs)): number {
    const result = this.at(path, (filesystem, directory) => {
      const covered = filesystem.step(this.vfs, directory, this.walk.name);
      if (covered < 0) return covered;
      addMount(this.memory, this.mounts, mount, covered, directory);
      dropInode(this.vfs, covered);
      return 0;
    });
    if (result < 0) throw new Error(`mount ${path}: ${result}`);
    this.made.push(mount);
    return mount;
  }

  open(path: string, request: number, flags = 0): number {
    return this.at(path, (filesystem, directory) => {
      if (this.walk.name.length !== 0) {
        return filesystem.openAt(this.vfs, directory, this.walk.name, request, flags);
      }
      if ((request & (Open.write | Open.create)) !== 0) return -Errno.EISDIR;
      return filesystem.openDirectory(this.vfs, directory, flags);
    });
  }

  close(file: number): void {
    dropFile(this.vfs, file);
  }

  read(file: number, length: number, position = AT_OFFSET): Uint8Array | number {
    const bytes = new Uint8Array(length);
    const { vfs, transfer } = this;
    const done = vfs
      .operationsOf(file)
      .read(vfs, file, transfer.single(bytes, 0, length), position);
    return done < 0 ? done : bytes.subarray(0, done);
  }

  write(file: number, bytes: Uint8Array | string, position = AT_OFFSET): number {
    const data = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
    const { vfs, transfer } = this;
    return vfs.operationsOf(file).write(vfs, file, transfer.single(data, 0, data.length), position);
  }

  truncate(file: number, size: number): number {
    return this.vfs.operationsOf(file).setSize(this.vfs, file, size);
  }

  /** Makes or replaces a file. */
  put(path: string, bytes: Uint8Array | string): void {
    const file = this.open(path, Open.write | Open.create | Open.truncate);
    if (file < 0) throw new Error(`open ${path}: ${file}`);
    const length = typeof bytes === "string" ? encoder.encode(bytes).length : bytes.length;
    const done = this.write(file, bytes);
    this.close(file);
    if (done !== length) throw new Error(`write ${path}: ${done}`);
  }

  /** The text of a file, or `-errno`. */
  text(path: string): string | number {
    const file = this.open(path, Open.read);
    if (file < 0) return file;
    const bytes = this.read(file, this.vfs.operationsOf(file).size(this.vfs, file), 0);
    this.close(file);
    return typeof bytes === "number" ? bytes : decoder.decode(bytes);
  }

  /** Describes what a path stands for; of a symbolic link itself when `follow` is false. */
  statOf(path: string, follow = true): Stat | number {
    const result = this.at(path, (filesystem, directory) => {
      if (this.walk.name.length === 0) {
        return filesystem.statDirectory(this.vfs, directory, this.stat);
      }
      const done = filesystem.statAt(this.vfs, directory, this.walk.name, this.stat);
      const link = done === 0 && this.stat.type === Filetype.SYMBOLIC_LINK;
      return link && (follow || this.walk.trailingSlash) ? IS_SYMLINK : done;
    });
    return result < 0 ? result : Object.assign(new Stat(), this.stat);
  }

  makeDirectory(path: string): number {
    return this.named(path, -Errno.EEXIST, (filesystem, directory) =>
      filesystem.makeDirectoryAt(this.vfs, directory, this.walk.name),
    );
  }

  symlink(target: string, path: string): number {
    return this.named(path, -Errno.EEXIST, (filesystem, directory) =>
      filesystem.symlinkAt(this.vfs, directory, this.walk.name, encoder.encode(target)),
    );
  }

  readlink(path: string): string | number {
    const into = new Uint8Array(4096);
    const length = this.named(path, -Errno.EINVAL, (filesystem, directory) =>
      filesystem.readlinkAt(this.vfs, directory, this.walk.name, into),
    );
    return length < 0 ? length : decoder.decode(into.subarray(0, length));
  }

  unlink(path: string): number {
    return this.named(path, -Errno.EISDIR, (filesystem, directory) =>
      filesystem.unlinkAt(this.vfs, directory, this.walk.name),
    );
  }

  removeDirectory(path: string): number {
    return this.named(path, -Errno.EBUSY, (filesystem, directory) =>
      filesystem.removeDirectoryAt(this.vfs, directory, this.walk.name),
    );
  }

  rename(from: string, to: string): number {
    return this.twice(from, to, "renameAt");
  }

  link(from: string, to: string): number {
    return this.twice(from, to, "linkAt");
  }

  /** Lists an open directory from a cookie on, at most `most` entries. */
  list(file: number, cookie = 0, most = Infinity): Listed[] | number {
    const entries: Listed[] = [];
    const result = this.vfs.operationsOf(file).list(this.vfs, file, cookie, {
      entry(own, low, high, type, bytes, start, length) {
        if (entries.length >= most) return false;
        const name = decoder.decode(bytes.slice(start, start + length));
        entries.push({ name, cookie: own, inode: high * 2 ** 32 + low, type });
        return true;
      },
    });
    return result < 0 ? result : entries;
  }

  /** Names in a directory without `.` and `..`, sorted; or `-errno`. */
  names(path: string): string[] | number {
    const file = this.open(path, Open.read | Open.directory);
    if (file < 0) return file;
    const listed = this.list(file);
    this.close(file);
    if (typeof listed === "number") return listed;
    return listed
      .map((entry) => entry.name)
      .filter((name) => name !== "." && name !== "..")
      .sort();
  }

  /** Walks to a path's last name and acts there; follows the link if the action answers that it is one. */
  private at(path: string, act: (filesystem: Filesystem, directory: number) => number): number {
    const bytes = encoder.encode(path);
    let result = this.walk.begin(this.root, this.root, bytes, 0, bytes.length);
    while (result === 0) {
      result = act(this.vfs.filesystemOf(this.walk.directory), this.walk.directory);
      if (result !== IS_SYMLINK) {
        this.walk.end();
        return result;
      }
      result = this.walk.follow();
    }
    return result;
  }

  /** The same for operations on a name itself, which answer `unnamed` for a path that ends on a directory without one. */
  private named(
    path: string,
    unnamed: number,
    act: (filesystem: Filesystem, directory: number) => number,
  ): number {
    return this.at(path, (filesystem, directory) =>
      this.walk.name.length === 0 ? unnamed : act(filesystem, directory),
    );
  }

  private twice(from: string, to: string, operation: "renameAt" | "linkAt"): number {
    const { walk, otherWalk, vfs } = this;
    const bytes = encoder.encode(to);
    return this.named(from, -Errno.EBUSY, (filesystem, directory) => {
      const walked = otherWalk.begin(this.root, this.root, bytes, 0, bytes.length);
      if (walked < 0) return walked;
      const result =
        otherWalk.name.length === 0
          ? -Errno.EBUSY
          : filesystem[operation](vfs, directory, walk.name, otherWalk.directory, otherWalk.name);
      otherWalk.end();
      return result;
    });
  }
}
