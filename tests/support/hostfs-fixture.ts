/** What the tests of host directories share: a machine with one host directory as its root, and calls by path. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { NodeFiles } from "../../src/hosts/node/files.ts";
import { KernelMemory, LockOrder, readLedger } from "../../src/shm/index.ts";
import {
  addMount,
  dropFile,
  dropInode,
  IS_SYMLINK,
  Mount,
  Mounts,
  Name,
  PathWalk,
  Stat,
  Times,
  Transfer,
  Vfs,
} from "../../src/vfs/index.ts";
import {
  createHostfs,
  destroyHostfs,
  HostfsDriver,
  type HostfsOptions,
} from "../../src/fs/hostfs/index.ts";

export interface Entry {
  name: string;
  cookie: number;
  type: number;
  inode: number;
}

/** One agent's view of a machine. */
export class Machine {
  readonly vfs: Vfs;
  readonly driver: HostfsDriver;
  readonly transfer = new Transfer();
  readonly stat = new Stat();

  constructor(
    readonly memory: KernelMemory,
    readonly mounts: number,
    readonly port = new NodeFiles(),
  ) {
    this.vfs = new Vfs(memory, { milliseconds: () => Date.now() });
    this.driver = new HostfsDriver(port).register(this.vfs);
  }

  /** The root of the first mount. */
  get root(): number {
    let mount = Mounts.first.get(this.memory, this.mounts);
    while (Mount.next.get(this.memory, mount) !== 0) mount = Mount.next.get(this.memory, mount);
    return Mount.root.get(this.memory, mount);
  }

  /** Walks to a path's last name, follows it if asked, and acts there. */
  at(
    where: string | Uint8Array,
    act: (directory: number, name: Name) => number,
    start = this.root,
  ): number {
    const walk = new PathWalk(this.vfs, this.mounts);
    const bytes = typeof where === "string" ? Buffer.from(where) : where;
    let result = walk.begin(this.root, start, bytes, 0, bytes.length);
    while (result === 0) {
      result = act(walk.directory, walk.name);
      if (result !== IS_SYMLINK) break;
      result = walk.follow();
    }
    walk.end();
    return result;
  }

  open(where: string | Uint8Array, request: number, flags = 0, start = this.root): number {
    return this.at(
      where,
      (directory, name) =>
        name.length === 0
          ? this.driver.openDirectory(this.vfs, directory, flags)
          : this.driver.openAt(this.vfs, directory, name, request, flags),
      start,
    );
  }

  /** Steps to a directory and keeps it. */
  enter(where: string, start = this.root): number {
    const walk = new PathWalk(this.vfs, this.mounts);
    const bytes = Buffer.from(where);
    let result = walk.begin(this.root, start, bytes, 0, bytes.length);
    if (result === 0) result = walk.enter();
    return result < 0 ? result : walk.takeDirectory();
  }

  drop(directory: number): void {
    dropInode(this.vfs, directory);
  }

  close(file: number): void {
    dropFile(this.vfs, file);
  }

  write(file: number, text: string | Uint8Array, position = -1): number {
    const bytes = Buffer.from(text as string);
    const transfer = this.transfer.single(bytes, 0, bytes.length);
    return this.vfs.operationsOf(file).write(this.vfs, file, transfer, position);
  }

  read(file: number, length = 1000, position = -1): string | number {
    const bytes = new Uint8Array(new SharedArrayBuffer(length));
    const transfer = this.transfer.single(bytes, 0, length);
    const result = this.vfs.operationsOf(file).read(this.vfs, file, transfer, position);
    return result < 0 ? result : Buffer.from(bytes.slice(0, result)).toString();
  }

  /** Opens, reads, closes. */
  readFile(where: string | Uint8Array, start = this.root): string | number {
    const file = this.open(where, 1, 0, start);
    if (file < 0) return file;
    const text = this.read(file);
    this.close(file);
    return text;
  }

  statAt(where: string | Uint8Array): number {
    return this.at(where, (directory, name) =>
      name.length === 0
        ? this.driver.statDirectory(this.vfs, directory, this.stat)
        : this.driver.statAt(this.vfs, directory, name, this.stat),
    );
  }

  /** Entries from a cookie on, at most `most`. */
  list(file: number, cookie = 0, most = Infinity): Entry[] | number {
    const entries: Entry[] = [];
    const result = this.vfs.operationsOf(file).list(this.vfs, file, cookie, {
      entry(next, inodeLow, inodeHigh, type, bytes, start, length) {
        if (entries.length === most) return false;
        const name = Buffer.from(bytes.slice(start, start + length)).toString("latin1");
        entries.push({ name, cookie: next, type, inode: inodeHigh * 2 ** 32 + inodeLow });
        return true;
      },
    });
    return result < 0 ? result : entries;
  }
}

export interface Fixture extends Machine {
  /** Path of the mounted directory. */
  directory: string;
  /** A directory beside it that the guest must never reach. */
  outside: string;
  /** Undoes all; throws when anything is left. */
  end(): void;
}

/** Makes a temporary directory, mounts it as the root of a new machine. */
export function makeFixture(options: HostfsOptions & { pins?: boolean } = {}): Fixture {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "weft-hostfs-")));
  const directory = path.join(base, "inside");
  const outside = path.join(base, "outside");
  fs.mkdirSync(directory);
  fs.mkdirSync(outside);
  fs.writeFileSync(path.join(outside, "secret"), "secret");
  const port = new NodeFiles(options.pins === false ? { pins: false } : {});
  const descriptors = openDescriptors();
  const memory = KernelMemory.create(true, { lockOrder: new LockOrder() });
  const before = JSON.stringify(readLedger(memory));
  const mounts = Mounts.allocate(memory);
  const machine = new Machine(memory, mounts, port);
  const mount = createHostfs(machine.vfs, port, directory, options);
  addMount(memory, mounts, mount, 0, 0);
  return Object.assign(machine, {
    directory,
    outside,
    end() {
      destroyHostfs(machine.vfs, port, mount);
      Mounts.free(memory, mounts);
      fs.rmSync(base, { recursive: true, force: true });
      const after = JSON.stringify(readLedger(memory));
      if (after !== before) throw new Error(`records left: ${after}`);
      const left = openDescriptors();
      if (left !== descriptors) throw new Error(`${left - descriptors} descriptors left open`);
    },
  });
}

/** Descriptors that this process has open, where the system tells. */
export function openDescriptors(): number {
  return fs.existsSync("/proc/self/fd") ? fs.readdirSync("/proc/self/fd").length : 0;
}

export function nameOf(text: string | Uint8Array): Name {
  const bytes = Buffer.from(text as string);
  return new Name().set(bytes, 0, bytes.length);
}

/** Times to set: nanoseconds, or none. */
export function timesOf(accessed: bigint | undefined, modified: bigint | undefined): Times {
  const times = new Times();
  if (accessed !== undefined) {
    times.setAccessed = true;
    times.accessedLow = Number(accessed & 0xffffffffn);
    times.accessedHigh = Number(accessed >> 32n);
  }
  if (modified !== undefined) {
    times.setModified = true;
    times.modifiedLow = Number(modified & 0xffffffffn);
    times.modifiedHigh = Number(modified >> 32n);
  }
  return times;
}

export function join64(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
