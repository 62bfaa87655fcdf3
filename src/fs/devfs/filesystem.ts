/**
 * The filesystem of devices: one directory whose names never change, and in it `shm`, on which memory is mounted. Whatever would make, remove or change a name answers EACCES, which
 * is what an ordinary user gets in `/dev`.
 */
import { Errno } from "../../abi/errno.ts";
import {
  Access,
  type Filesystem,
  Inode,
  IS_SYMLINK,
  keepInode,
  makeOpenDirectory,
  makeOpenFile,
  Mount,
  type Name,
  Open,
  OperationsId,
  type Stat,
  type Vfs,
} from "../../vfs/index.ts";
import { describeInode, DevfsInode, Device, inodeOf, isLink, targetOf } from "./inode.ts";

const asciiOf = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** Names by device. */
export const NAMES: readonly Uint8Array[] = Object.keys(Device).map(asciiOf);

/** Opens the terminal of the process that asks: an open file with one count, or `-errno`. */
export type OpenTerminal = (vfs: Vfs, access: number, flags: number) => number;

export class Devfs implements Filesystem {
  constructor(private readonly openTerminal: OpenTerminal | undefined) {}

  step({ memory }: Vfs, directory: number, name: Name): number {
    const device = find(name);
    if (device === Device.shm) return keepInode(memory, inodeOf(memory, directory, device));
    if (isLink(device)) return IS_SYMLINK;
    return device === 0 ? -Errno.ENOENT : -Errno.ENOTDIR;
  }

  parent({ memory }: Vfs, directory: number): number {
    return keepInode(memory, Mount.root.get(memory, Inode.mount.get(memory, directory)));
  }

  openAt(vfs: Vfs, directory: number, name: Name, request: number, flags: number): number {
    const create = (request & Open.create) !== 0;
    if (create && (request & Open.directory) !== 0) return -Errno.EINVAL;
    const device = find(name);
    if (device === 0) return create ? -Errno.EACCES : -Errno.ENOENT;
    if (create && (request & Open.exclusive) !== 0) return -Errno.EEXIST;
    if (isLink(device)) return IS_SYMLINK;
    if (device === Device.shm) {
      if ((request & Open.write) !== 0 || create) return -Errno.EISDIR;
      return this.openDirectory(vfs, inodeOf(vfs.memory, directory, device), flags);
    }
    if ((request & Open.directory) !== 0) return -Errno.ENOTDIR;
    const access = request & (Access.read | Access.write);
    if (device === Device.tty) return this.openTerminal?.(vfs, access, flags) ?? -Errno.ENXIO;
    const inode = inodeOf(vfs.memory, directory, device);
    return openInode(vfs, inode, OperationsId.device, access, flags);
  }

  openDirectory(vfs: Vfs, directory: number, flags: number): number {
    const { devfsDirectory } = OperationsId;
    return makeOpenDirectory(vfs.memory, devfsDirectory, directory, flags) || -Errno.ENOSPC;
  }

  statAt(vfs: Vfs, directory: number, name: Name, into: Stat): number {
    const device = find(name);
    if (device === 0) return -Errno.ENOENT;
    return describeInode(vfs, inodeOf(vfs.memory, directory, device), into);
  }

  statDirectory(vfs: Vfs, directory: number, into: Stat): number {
    return describeInode(vfs, directory, into);
  }

  setTimesAt(_vfs: Vfs, _directory: number, name: Name): number {
    return find(name) === 0 ? -Errno.ENOENT : -Errno.EACCES;
  }

  setDirectoryTimes(): number {
    return -Errno.EACCES;
  }

  makeDirectoryAt(_vfs: Vfs, _directory: number, name: Name): number {
    return find(name) === 0 ? -Errno.EACCES : -Errno.EEXIST;
  }

  symlinkAt(_vfs: Vfs, _directory: number, name: Name): number {
    return find(name) === 0 ? -Errno.EACCES : -Errno.EEXIST;
  }

  readlinkAt(_vfs: Vfs, _directory: number, name: Name, into: Uint8Array): number {
    const device = find(name);
    if (!isLink(device)) return device === 0 ? -Errno.ENOENT : -Errno.EINVAL;
    const target = asciiOf(targetOf(device));
    into.set(target);
    return target.length;
  }

  unlinkAt(_vfs: Vfs, _directory: number, name: Name): number {
    return find(name) === 0 ? -Errno.ENOENT : -Errno.EACCES;
  }

  removeDirectoryAt(_vfs: Vfs, _directory: number, name: Name): number {
    const device = find(name);
    if (device === Device.shm) return -Errno.EACCES;
    return device === 0 ? -Errno.ENOENT : -Errno.ENOTDIR;
  }

  renameAt(_vfs: Vfs, _from: number, fromName: Name): number {
    return find(fromName) === 0 ? -Errno.ENOENT : -Errno.EACCES;
  }

  linkAt(_vfs: Vfs, _from: number, fromName: Name, _to: number, toName: Name): number {
    if (find(fromName) === 0) return -Errno.ENOENT;
    return find(toName) === 0 ? -Errno.EACCES : -Errno.EEXIST;
  }

  dropInode(vfs: Vfs, inode: number): void {
    DevfsInode.free(vfs.memory, inode);
  }
}

/** The device of a name; 0, the directory, for none. */
function find({ bytes, start, length }: Name): number {
  for (let device = 1; device < NAMES.length; device++) {
    const name = NAMES[device];
    if (name.length === length && name.every((byte, index) => bytes[start + index] === byte)) {
      return device;
    }
  }
  return 0;
}

function openInode(
  vfs: Vfs,
  inode: number,
  operations: number,
  access: number,
  flags: number,
): number {
  const { memory } = vfs;
  const type = Inode.type.get(memory, inode);
  const file = makeOpenFile(memory, operations, type, access, flags, inode);
  if (file === 0) return -Errno.ENOSPC;
  keepInode(memory, inode);
  return file;
}
