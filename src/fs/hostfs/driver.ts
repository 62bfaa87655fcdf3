/**
 * The filesystem of host directories: a directory of the machine that runs us, in the guest's tree.
 *
 * What keeps the guest inside: every call acts on one name in one directory that is held open, and the host is told never to follow a
 * symbolic link there. Links are read and walked by `PathWalk` in the guest's tree, so an absolute target means the guest's root. A
 * name that is swapped for a link, or a directory that is renamed, during a call cannot lead it elsewhere. `..` is answered by
 * looking where the directory lies now, and never above the root of the mount.
 *
 * Names in the root of a mount are addressed by the root's real path, which is quicker, unless something that the guest may rename
 * lies above it (`roots.ts`). Whoever moves a mounted directory on the host should mount it with `pinned`.
 *
 * Regular files and directories can be opened. Pipes, sockets and devices are shown by `stat` and in listings, and can be renamed and removed,
 * but opening one answers EACCES: a host's device is not part of a directory's contents, and a pipe could block. (The host does open it
 * for a moment, without waiting, as nothing else tells safely what it is. A caller that opens for reading and can wait for that answer
 * gets a file that is asked what it is when it is first used: `unseen-operations.ts`.)
 *
 * State: `HostMount` and its directories (`directory.ts`); an agent's driver holds only scratch objects and texts of root paths.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import { panic, type KernelMemory } from "../../shm/index.ts";
import {
  Access,
  type Filesystem,
  FilesystemId,
  Inode,
  IS_SYMLINK,
  keepInode,
  dropInode,
  makeOpenDirectory,
  makeOpenFile,
  Mount,
  MountFlags,
  type Name,
  Open,
  OperationsId,
  type Stat,
  type Times,
  type Vfs,
} from "../../vfs/index.ts";
import {
  addDirectory,
  closeUnused,
  directoryPath,
  findDirectory,
  HostDirectory,
  HostMount,
  hostMountOf,
} from "./directory.ts";
import { HostDirectoryOperations } from "./directory-operations.ts";
import { HostFileOperations } from "./file-operations.ts";
import { HostUnseenOperations } from "./unseen-operations.ts";
import { type HostFiles, HostPlace, HostStat } from "./port.ts";
import { Shortcuts } from "./shortcuts.ts";

/** How often a call looks again when a name changes its kind between two looks. */
const TRIES = 8;
/** How far above a directory the root of the mount is looked for. */
const DEEPEST = 1024;

const NO_PATH = new Uint8Array(0);
/** In the place of a `Filetype`: the host was not asked. */
const UNSEEN = 256;

interface RootPath {
  readonly mount: number;
  readonly serial: number;
  readonly path: string;
}

export class HostfsDriver implements Filesystem {
  private readonly stat = new HostStat();
  private readonly here = new HostPlace();
  private readonly there = new HostPlace();
  /** Texts of the roots' paths by mount, each with the serial of the mount it was made for; and the one that was asked for last. */
  private readonly roots = new Map<number, RootPath>();
  private lastRoot: RootPath = { mount: 0, serial: 0, path: "" };
  private readonly shortcuts = new Shortcuts(this);

  constructor(readonly port: HostFiles) {}

  /** Makes this agent's `vfs` serve host directories. */
  register(vfs: Vfs): this {
    vfs.addFilesystem(FilesystemId.hostfs, this);
    vfs.addOperations(OperationsId.hostFile, new HostFileOperations(this));
    const directories = new HostDirectoryOperations(this);
    vfs.addOperations(OperationsId.hostDirectory, directories);
    vfs.addOperations(OperationsId.hostSeenDirectory, directories);
    vfs.addOperations(OperationsId.hostUnseen, new HostUnseenOperations(this));
    return this;
  }

  step(vfs: Vfs, directory: number, name: Name): number {
    const { memory } = vfs;
    const { port, stat } = this;
    const place = this.place(memory, directory, this.here);
    for (let tries = TRIES; tries > 0; tries--) {
      const result = port.statAt(place, name, stat);
      if (result < 0) return result;
      if (stat.type === Filetype.SYMBOLIC_LINK) return IS_SYMLINK;
      if (stat.type !== Filetype.DIRECTORY) return -Errno.ENOTDIR;
      let path: Uint8Array = NO_PATH;
      if (!port.pins) {
        const joined = port.join(place.path, name);
        if (typeof joined === "number") return joined;
        path = joined;
      }
      const host = hostMountOf(memory, directory);
      const known = findDirectory(memory, host, stat, path);
      if (known !== 0) return known;
      let descriptor = -1;
      if (port.pins) {
        descriptor = port.openDirectoryAt(place, name);
        if (descriptor === -Errno.EMFILE) {
          closeUnused(memory, port, host);
          descriptor = port.openDirectoryAt(place, name);
        }
        // It is something else by now: look again what.
        if (descriptor === -Errno.ENOTDIR || descriptor === -Errno.ELOOP) continue;
        if (descriptor < 0) return descriptor;
      }
      return this.adopt(vfs, Inode.mount.get(memory, directory), descriptor, path);
    }
    return -Errno.EAGAIN;
  }

  stepFar(vfs: Vfs, directory: number, path: Name): number {
    return this.shortcuts.stepFar(vfs, directory, path);
  }

  parent(vfs: Vfs, directory: number): number {
    const { memory } = vfs;
    const host = hostMountOf(memory, directory);
    const above = this.port.pins
      ? this.parentPinned(vfs, host, directory)
      : this.parentByPath(vfs, host, directory);
    return above > 0 ? above : keepInode(memory, HostMount.root.get(memory, host));
  }

  openAt(vfs: Vfs, directory: number, name: Name, request: number, flags: number): number {
    const { memory } = vfs;
    const { port, stat } = this;
    const mount = Inode.mount.get(memory, directory);
    const readOnly = (Mount.flags.get(memory, mount) & MountFlags.readOnly) !== 0;
    if (readOnly && (request & (Open.write | Open.truncate)) !== 0) return -Errno.EROFS;
    const place = this.place(memory, directory, this.here);
    if (readOnly && (request & Open.create) !== 0 && (request & Open.exclusive) !== 0) {
      const looked = port.statAt(place, name, stat);
      if (looked !== -Errno.ENOENT) return looked < 0 ? looked : -Errno.EEXIST;
      return -Errno.EROFS;
    }
    if (!port.pins) {
      const looked = port.statAt(place, name, stat);
      if (looked >= 0 && stat.type === Filetype.DIRECTORY) {
        return this.openDirectoryByPath(vfs, directory, name, request, flags);
      }
    }
    // What is there already may be opened even where nothing may be made.
    const asked = readOnly ? request & ~Open.create : request;
    let descriptor = port.openAt(place, name, asked, flags);
    if (descriptor === -Errno.EMFILE) {
      closeUnused(memory, port, Mount.state.get(memory, mount));
      descriptor = port.openAt(place, name, asked, flags);
    }
    if (descriptor < 0) {
      if (descriptor === -Errno.ENOENT && asked !== request) return -Errno.EROFS;
      return this.whyNotOpened(place, name, request, descriptor);
    }
    const type = this.typeOfOpened(descriptor, asked);
    if (type < 0) {
      port.close(descriptor);
      return type;
    }
    if (type === Filetype.DIRECTORY) {
      const inode = this.adopt(vfs, mount, descriptor, NO_PATH);
      if (inode < 0) return inode;
      const file = this.openDirectory(vfs, inode, flags);
      dropInode(vfs, inode);
      return file;
    }
    if (type !== Filetype.REGULAR_FILE && type !== UNSEEN) {
      port.close(descriptor);
      return -Errno.EACCES;
    }
    const access =
      ((request & Open.read) !== 0 ? Access.read : 0) |
      ((request & Open.write) !== 0 ? Access.write : 0);
    const operations = type === UNSEEN ? OperationsId.hostUnseen : OperationsId.hostFile;
    const file = makeOpenFile(memory, operations, Filetype.REGULAR_FILE, access, flags);
    if (file === 0) {
      port.close(descriptor);
      return -Errno.ENOMEM;
    }
    HostFileOperations.attach(memory, file, descriptor, mount, flags);
    return file;
  }

  /** The `Filetype` of what was just opened: the host is asked only where that does not follow from the request, and cannot wait. */
  private typeOfOpened(descriptor: number, request: number): number {
    const { port } = this;
    const makes = Open.create | Open.exclusive;
    if ((request & makes) === makes) return Filetype.REGULAR_FILE;
    if (!port.pins) return port.typeOf(descriptor);
    if ((request & Open.directory) !== 0) return Filetype.DIRECTORY;
    const mayWait = (request & (Open.unseen | Open.write | Open.truncate)) === Open.unseen;
    return mayWait ? UNSEEN : port.typeOf(descriptor);
  }

  openDirectory(vfs: Vfs, directory: number, flags: number): number {
    const { hostDirectory } = OperationsId;
    return makeOpenDirectory(vfs.memory, hostDirectory, directory, flags) || -Errno.ENOMEM;
  }

  statAt(vfs: Vfs, directory: number, name: Name, into: Stat): number {
    const { memory } = vfs;
    const result = this.port.statAt(this.place(memory, directory, this.here), name, this.stat);
    if (result < 0) return result;
    fillStat(memory, Inode.mount.get(memory, directory), this.stat, into);
    return 0;
  }

  statDirectory(vfs: Vfs, directory: number, into: Stat): number {
    const { memory } = vfs;
    const result = this.port.statDirectory(this.place(memory, directory, this.here), this.stat);
    if (result < 0) return result;
    fillStat(memory, Inode.mount.get(memory, directory), this.stat, into);
    return 0;
  }

  /** Describes an open file of a mount. */
  statDescriptor(vfs: Vfs, mount: number, descriptor: number, into: Stat): number {
    const result = this.port.statDescriptor(descriptor, this.stat);
    if (result < 0) return result;
    fillStat(vfs.memory, mount, this.stat, into);
    return 0;
  }

  setTimesAt(vfs: Vfs, directory: number, name: Name, times: Times): number {
    return this.port.setTimesAt(this.place(vfs.memory, directory, this.here), name, times);
  }

  setDirectoryTimes(vfs: Vfs, directory: number, times: Times): number {
    return this.port.setDirectoryTimes(this.place(vfs.memory, directory, this.here), times);
  }

  makeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    return this.port.makeDirectoryAt(this.place(vfs.memory, directory, this.here), name);
  }

  symlinkAt(vfs: Vfs, directory: number, name: Name, target: Uint8Array): number {
    return this.port.symlinkAt(this.place(vfs.memory, directory, this.here), name, target);
  }

  readlinkAt(vfs: Vfs, directory: number, name: Name, into: Uint8Array): number {
    return this.port.readlinkAt(this.place(vfs.memory, directory, this.here), name, into);
  }

  unlinkAt(vfs: Vfs, directory: number, name: Name): number {
    return this.port.unlinkAt(this.place(vfs.memory, directory, this.here), name);
  }

  removeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    return this.port.removeDirectoryAt(this.place(vfs.memory, directory, this.here), name);
  }

  renameAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number {
    const { memory } = vfs;
    const here = this.place(memory, from, this.here);
    return this.port.renameAt(here, fromName, this.place(memory, to, this.there), toName);
  }

  linkAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number {
    const { memory } = vfs;
    const here = this.place(memory, from, this.here);
    return this.port.linkAt(here, fromName, this.place(memory, to, this.there), toName);
  }

  dropInode(_vfs: Vfs, inode: number): never {
    panic(`host directory ${inode} was dropped once too often: its table holds the last count`);
  }

  /** How the host is told of a directory. */
  place(memory: KernelMemory, directory: number, into: HostPlace): HostPlace {
    into.descriptor = HostDirectory.descriptor.get(memory, directory) - 1;
    if (HostDirectory.isRoot.get(memory, directory) !== 0) {
      into.path = this.rootPath(memory, Inode.mount.get(memory, directory));
    } else if (into.descriptor < 0) {
      into.path = this.port.text(directoryPath(memory, directory));
    } else into.path = "";
    return into;
  }

  /** The path by which names in a root are addressed; empty when it is pinned. */
  rootPath(memory: KernelMemory, mount: number): string {
    const host = Mount.state.get(memory, mount);
    if (HostMount.pinned.load(memory, host) !== 0) return "";
    const serial = HostMount.serial.get(memory, host);
    const last = this.lastRoot;
    if (last.mount === mount && last.serial === serial) return last.path;
    const known = this.roots.get(mount);
    if (known !== undefined && known.serial === serial) {
      this.lastRoot = known;
      return known.path;
    }
    const start = Mount.source.get(memory, mount);
    const length = Mount.sourceLength.get(memory, mount);
    const path = this.port.text(memory.u8.slice(start, start + length));
    this.lastRoot = { mount, serial, path };
    this.roots.set(mount, this.lastRoot);
    return path;
  }

  /**
   * The record of a directory of a mount that was just opened (or seen, where directories are not pinned). What was opened counts, not
   * what a look before it showed. Takes over the descriptor, also where it fails.
   */
  adopt(vfs: Vfs, mount: number, descriptor: number, path: Uint8Array): number {
    const { memory } = vfs;
    const { port, stat } = this;
    if (descriptor >= 0) {
      const result = port.statDescriptor(descriptor, stat);
      if (result < 0) {
        port.close(descriptor);
        return result;
      }
    }
    const directory = addDirectory(memory, port, mount, descriptor, stat, path);
    return directory === 0 ? -Errno.ENOMEM : directory;
  }

  /**
   * The directory above a pinned one, wherever the host has it now.
   *
   * A directory that has a record was reached in the mount, so it may be answered. Any other is opened first and then looked whether it lies
   * in the mount, so that a rename in between cannot smuggle one in.
   */
  private parentPinned(vfs: Vfs, host: number, directory: number): number {
    const { memory } = vfs;
    const { port, stat } = this;
    const root = HostMount.root.get(memory, host);
    if (directory === root) return 0;
    const descriptor = HostDirectory.descriptor.get(memory, directory) - 1;
    if (port.statAncestor(descriptor, 1, stat) < 0) return 0;
    const known = findDirectory(memory, host, stat, NO_PATH);
    if (known !== 0) return known;
    const above = port.openParent(descriptor);
    if (above < 0) return 0;
    if (!this.liesIn(memory, root, above)) {
      port.close(above);
      return 0;
    }
    return this.adopt(vfs, Inode.mount.get(memory, directory), above, NO_PATH);
  }

  /** Whether an open directory is in the tree of a root: walks up until it meets it. */
  private liesIn(memory: KernelMemory, root: number, descriptor: number): boolean {
    const { port, stat } = this;
    let inodeLow = 0;
    let inodeHigh = 0;
    let device = 0;
    for (let levels = 0; levels <= DEEPEST; levels++) {
      if (port.statAncestor(descriptor, levels, stat) < 0) return false;
      if (isSame(memory, root, stat)) return true;
      // The top of the host's tree is its own parent.
      const { inodeLow: low, inodeHigh: high, deviceLow } = stat;
      if (levels > 0 && low === inodeLow && high === inodeHigh && deviceLow === device) {
        return false;
      }
      inodeLow = low;
      inodeHigh = high;
      device = deviceLow;
    }
    return false;
  }

  /** The directory above one that is not pinned: its path without the last name. */
  private parentByPath(vfs: Vfs, host: number, directory: number): number {
    const { memory } = vfs;
    const { port, stat } = this;
    if (directory === HostMount.root.get(memory, host)) return 0;
    const path = directoryPath(memory, directory);
    let length = path.length;
    // Both kinds of slash: a name with either cannot come here (`HostFiles.join`).
    do length--;
    while (length > 0 && path[length] !== 47 && path[length] !== 92);
    const above = path.subarray(0, length);
    const rootLength = Mount.sourceLength.get(memory, Inode.mount.get(memory, directory));
    if (length <= rootLength) return 0;
    const { here } = this;
    here.descriptor = -1;
    here.path = port.text(above);
    if (port.statDirectory(here, stat) < 0) return 0;
    const known = findDirectory(memory, host, stat, above);
    return known !== 0 ? known : this.adopt(vfs, Inode.mount.get(memory, directory), -1, above);
  }

  private openDirectoryByPath(
    vfs: Vfs,
    directory: number,
    name: Name,
    request: number,
    flags: number,
  ): number {
    if ((request & Open.create) !== 0 && (request & Open.exclusive) !== 0) return -Errno.EEXIST;
    if ((request & (Open.write | Open.create | Open.truncate)) !== 0) return -Errno.EISDIR;
    const inode = this.step(vfs, directory, name);
    if (inode < 0) return inode;
    const file = this.openDirectory(vfs, inode, flags);
    dropInode(vfs, inode);
    return file;
  }

  /** Turns the host's answers that may mean a symbolic link into the right one. */
  private whyNotOpened(place: HostPlace, name: Name, request: number, errno: number): number {
    if (errno === -Errno.ELOOP) return IS_SYMLINK;
    if (errno !== -Errno.ENOTDIR || (request & Open.directory) === 0) return errno;
    const looked = this.port.statAt(place, name, this.stat);
    return looked >= 0 && this.stat.type === Filetype.SYMBOLIC_LINK ? IS_SYMLINK : errno;
  }
}

/** Whether the host described the directory of a record. */
function isSame(memory: KernelMemory, directory: number, stat: HostStat): boolean {
  return (
    HostDirectory.inode.low(memory, directory) === stat.inodeLow &&
    HostDirectory.inode.high(memory, directory) === stat.inodeHigh &&
    HostDirectory.device.low(memory, directory) === stat.deviceLow &&
    HostDirectory.device.high(memory, directory) === stat.deviceHigh
  );
}

/**
 * Hands on what the host told. The device is the mount's number; where other filesystems of the host begin inside the mount, it is
 * another number for each, so that equal inode numbers do not make two files look like one.
 */
function fillStat(memory: KernelMemory, mount: number, from: HostStat, into: Stat): void {
  const root = Mount.root.get(memory, mount);
  const other =
    from.deviceLow ^
    HostDirectory.device.low(memory, root) ^
    from.deviceHigh ^
    HostDirectory.device.high(memory, root);
  into.device = Mount.device.get(memory, mount) + (other >>> 0) * 65536;
  into.inodeLow = from.inodeLow;
  into.inodeHigh = from.inodeHigh;
  into.type = from.type;
  into.links = from.links;
  into.size = from.size;
  into.accessedLow = from.accessedLow;
  into.accessedHigh = from.accessedHigh;
  into.modifiedLow = from.modifiedLow;
  into.modifiedHigh = from.modifiedHigh;
  into.changedLow = from.changedLow;
  into.changedHigh = from.changedHigh;
}
