/**
 * The filesystem in memory: names in directories.
 *
 * Each operation takes the tree's lock once, looks the name up, acts, and lets go; counts that fall are dropped after that, since the last
 * one may free much. Memory that an operation needs is had before anything changes, so ENOSPC leaves all as it was.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import { allocate, blockSize, type KernelMemory } from "../../shm/index.ts";
import {
  dropInode,
  type Filesystem,
  Inode,
  InodeFlags,
  IS_SYMLINK,
  keepInode,
  makeOpenDirectory,
  makeOpenFile,
  Access,
  type Name,
  Open,
  OpenFile,
  OperationsId,
  type Stat,
  type Times,
  type Vfs,
} from "../../vfs/index.ts";
import { releaseBytes } from "./bytes.ts";
import { isDirectory, isEmpty } from "./directory.ts";
import { freeEntry, makeEntry, TmpfsEntry } from "./entry.ts";
import { setInodeSize } from "./file.ts";
import {
  describeInode,
  makeInode,
  setInodeTimes,
  TmpfsInode,
  touchChanged,
  touchModified,
} from "./inode.ts";
import { findEntry, insertEntry, removeEntry } from "./names.ts";
import { freePacked } from "./packed.ts";
import { addLinks, renameEntry } from "./rename.ts";
import { TmpfsTree, treeOf } from "./tree.ts";

export class Tmpfs implements Filesystem {
  step(vfs: Vfs, directory: number, name: Name): number {
    const { memory } = vfs;
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const inode = lookUp(vfs, tree, directory, name);
    let result = inode;
    if (inode > 0) {
      const type = TmpfsInode.type.get(memory, inode);
      if (type === Filetype.DIRECTORY) keepInode(memory, inode);
      else result = type === Filetype.SYMBOLIC_LINK ? IS_SYMLINK : -Errno.ENOTDIR;
    }
    TmpfsTree.lock.release(memory, tree);
    return result;
  }

  parent(vfs: Vfs, directory: number): number {
    const { memory } = vfs;
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const parent = keepInode(memory, TmpfsInode.parent.get(memory, directory));
    TmpfsTree.lock.release(memory, tree);
    return parent;
  }

  openAt(vfs: Vfs, directory: number, name: Name, request: number, flags: number): number {
    const { memory } = vfs;
    if ((request & Open.create) !== 0 && (request & Open.directory) !== 0) return -Errno.EINVAL;
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const inode = lookUp(vfs, tree, directory, name);
    if (inode < 0) {
      const made =
        (request & Open.create) !== 0
          ? createFile(vfs, tree, directory, name, request, flags)
          : inode;
      TmpfsTree.lock.release(memory, tree);
      return made;
    }
    const type = TmpfsInode.type.get(memory, inode);
    const refusal = refuseOpen(type, request);
    if (refusal === 0) keepInode(memory, inode);
    TmpfsTree.lock.release(memory, tree);
    if (refusal !== 0) return refusal;
    const operations = operationsOf(memory, inode, type);
    const access = request & (Access.read | Access.write);
    const file = makeOpenFile(memory, operations, type, access, flags, inode);
    if (file === 0) {
      dropInode(vfs, inode);
      return -Errno.ENOSPC;
    }
    if ((request & Open.truncate) !== 0) setInodeSize(vfs, inode, 0);
    return file;
  }

  openDirectory(vfs: Vfs, directory: number, flags: number): number {
    const { tmpfsDirectory } = OperationsId;
    return makeOpenDirectory(vfs.memory, tmpfsDirectory, directory, flags) || -Errno.ENOSPC;
  }

  statAt(vfs: Vfs, directory: number, name: Name, into: Stat): number {
    const { memory } = vfs;
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const inode = lookUp(vfs, tree, directory, name);
    const result = inode < 0 ? inode : describeInode(vfs, inode, into);
    TmpfsTree.lock.release(memory, tree);
    return result;
  }

  statDirectory(vfs: Vfs, directory: number, into: Stat): number {
    return describeInode(vfs, directory, into);
  }

  setTimesAt(vfs: Vfs, directory: number, name: Name, times: Times): number {
    const { memory } = vfs;
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const inode = lookUp(vfs, tree, directory, name);
    const result = inode < 0 ? inode : setInodeTimes(vfs, inode, times);
    TmpfsTree.lock.release(memory, tree);
    return result;
  }

  setDirectoryTimes(vfs: Vfs, directory: number, times: Times): number {
    return setInodeTimes(vfs, directory, times);
  }

  makeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    const { memory } = vfs;
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const made = createName(vfs, tree, directory, name, Filetype.DIRECTORY);
    if (made > 0) addLinks(memory, directory, 1);
    TmpfsTree.lock.release(memory, tree);
    return made < 0 ? made : 0;
  }

  symlinkAt(vfs: Vfs, directory: number, name: Name, target: Uint8Array): number {
    const { memory } = vfs;
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const made = createName(vfs, tree, directory, name, Filetype.SYMBOLIC_LINK, target);
    TmpfsTree.lock.release(memory, tree);
    return made < 0 ? made : 0;
  }

  readlinkAt(vfs: Vfs, directory: number, name: Name, into: Uint8Array): number {
    const { memory } = vfs;
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const inode = lookUp(vfs, tree, directory, name);
    let result = inode;
    if (inode > 0) {
      if (TmpfsInode.type.get(memory, inode) !== Filetype.SYMBOLIC_LINK) result = -Errno.EINVAL;
      else {
        // A link's target never changes, so its inode's lock is not needed.
        const data = TmpfsInode.data.get(memory, inode);
        result = Math.min(into.length, TmpfsInode.size.get(memory, inode));
        into.set(memory.u8.subarray(data, data + result));
      }
    }
    TmpfsTree.lock.release(memory, tree);
    return result;
  }

  unlinkAt(vfs: Vfs, directory: number, name: Name): number {
    const { memory } = vfs;
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const entry = findEntry(memory, tree, directory, name);
    const inode = entry === 0 ? 0 : TmpfsEntry.inode.get(memory, entry);
    let result = 0;
    if (entry === 0) result = -Errno.ENOENT;
    else if (isDirectory(vfs, inode)) result = -Errno.EISDIR;
    else {
      removeEntry(memory, tree, entry);
      addLinks(memory, inode, -1);
      touchChanged(vfs, inode);
      touchModified(vfs, directory);
    }
    TmpfsTree.lock.release(memory, tree);
    if (result === 0) dropInode(vfs, inode);
    return result;
  }

  removeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    const { memory } = vfs;
    const tree = treeOf(memory, directory);
    TmpfsTree.lock.acquire(memory, tree);
    const entry = findEntry(memory, tree, directory, name);
    const inode = entry === 0 ? 0 : TmpfsEntry.inode.get(memory, entry);
    let result = 0;
    if (entry === 0) result = -Errno.ENOENT;
    else if (!isDirectory(vfs, inode)) result = -Errno.ENOTDIR;
    else if ((Inode.flags.load(memory, inode) & InodeFlags.mountpoint) !== 0) result = -Errno.EBUSY;
    else if (!isEmpty(vfs, inode)) result = -Errno.ENOTEMPTY;
    else {
      removeEntry(memory, tree, entry);
      TmpfsInode.links.set(memory, inode, 0);
      addLinks(memory, directory, -1);
      touchChanged(vfs, inode);
      touchModified(vfs, directory);
    }
    TmpfsTree.lock.release(memory, tree);
    if (result === 0) dropInode(vfs, inode);
    return result;
  }

  renameAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number {
    return renameEntry(vfs, treeOf(vfs.memory, from), from, fromName, to, toName);
  }

  linkAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number {
    const { memory } = vfs;
    const tree = treeOf(memory, from);
    TmpfsTree.lock.acquire(memory, tree);
    const result = linkLocked(vfs, tree, from, fromName, to, toName);
    TmpfsTree.lock.release(memory, tree);
    return result;
  }

  dropInode(vfs: Vfs, inode: number): void {
    freeInode(vfs, inode);
  }
}

/** The inode of a name, without a count, or ENOENT. Preconditions: the tree's lock is held. */
function lookUp(vfs: Vfs, tree: number, directory: number, name: Name): number {
  const entry = findEntry(vfs.memory, tree, directory, name);
  return entry === 0 ? -Errno.ENOENT : TmpfsEntry.inode.get(vfs.memory, entry);
}

/** Which operations an open file of an inode has. */
function operationsOf(memory: KernelMemory, inode: number, type: number): number {
  if (type === Filetype.DIRECTORY) return OperationsId.tmpfsDirectory;
  return TmpfsInode.packed.get(memory, inode) === 0
    ? OperationsId.tmpfsFile
    : OperationsId.archiveFile;
}

/** Why a name of this type cannot be opened as asked, or 0. */
function refuseOpen(type: number, request: number): number {
  if ((request & Open.exclusive) !== 0 && (request & Open.create) !== 0) return -Errno.EEXIST;
  if (type === Filetype.SYMBOLIC_LINK) return IS_SYMLINK;
  if (type === Filetype.DIRECTORY) {
    return (request & (Open.write | Open.create | Open.truncate)) !== 0 ? -Errno.EISDIR : 0;
  }
  return (request & Open.directory) !== 0 ? -Errno.ENOTDIR : 0;
}

/** Makes a regular file and opens it. Preconditions: the tree's lock is held and the name is free. */
function createFile(
  vfs: Vfs,
  tree: number,
  directory: number,
  name: Name,
  request: number,
  flags: number,
): number {
  const { memory } = vfs;
  const type = Filetype.REGULAR_FILE;
  const access = request & (Access.read | Access.write);
  const file = makeOpenFile(memory, OperationsId.tmpfsFile, type, access, flags);
  if (file === 0) return -Errno.ENOSPC;
  const inode = createName(vfs, tree, directory, name, type);
  if (inode < 0) {
    OpenFile.refs.store(memory, file, 0);
    OpenFile.free(memory, file);
    return inode;
  }
  OpenFile.inode.set(memory, file, keepInode(memory, inode));
  return file;
}

/**
 * Makes an inode and its name. Preconditions: the tree's lock is held.
 *
 * @param target of a symbolic link
 * @returns the inode, its one count held by the name; EEXIST, ENOENT in a removed directory, ENOSPC
 */
function createName(
  vfs: Vfs,
  tree: number,
  directory: number,
  name: Name,
  type: number,
  target?: Uint8Array,
): number {
  const { memory } = vfs;
  if (findEntry(memory, tree, directory, name) !== 0) return -Errno.EEXIST;
  if (TmpfsInode.links.get(memory, directory) === 0) return -Errno.ENOENT;
  const entry = makeEntry(memory, name);
  if (entry === 0) return -Errno.ENOSPC;
  const parent = type === Filetype.DIRECTORY ? directory : 0;
  const inode = makeInode(vfs, tree, TmpfsInode.mount.get(memory, directory), type, parent);
  if (inode === 0 || (target !== undefined && !setTarget(memory, inode, target))) {
    freeEntry(memory, entry);
    if (inode !== 0) dropInode(vfs, inode);
    return -Errno.ENOSPC;
  }
  insertEntry(memory, tree, directory, entry, name, inode);
  touchModified(vfs, directory);
  return inode;
}

/** Gives a new symbolic link its target. False when the kernel heap is full. */
function setTarget(memory: KernelMemory, inode: number, target: Uint8Array): boolean {
  const block = allocate(memory, target.length);
  if (block === 0) return false;
  memory.u8.set(target, block);
  TmpfsInode.data.set(memory, inode, block);
  TmpfsInode.capacity.set(memory, inode, blockSize(target.length));
  TmpfsInode.size.set(memory, inode, target.length);
  return true;
}

/** Preconditions: the tree's lock is held. */
function linkLocked(
  vfs: Vfs,
  tree: number,
  from: number,
  fromName: Name,
  to: number,
  toName: Name,
): number {
  const inode = lookUp(vfs, tree, from, fromName);
  return inode < 0 ? inode : linkInode(vfs, tree, inode, to, toName);
}

/** Gives an inode another name: EEXIST, EPERM, ENOENT, ENOSPC. Preconditions: the tree's lock is held. */
export function linkInode(vfs: Vfs, tree: number, inode: number, to: number, toName: Name): number {
  const { memory } = vfs;
  if (findEntry(memory, tree, to, toName) !== 0) return -Errno.EEXIST;
  if (isDirectory(vfs, inode)) return -Errno.EPERM;
  if (TmpfsInode.links.get(memory, to) === 0) return -Errno.ENOENT;
  const entry = makeEntry(memory, toName);
  if (entry === 0) return -Errno.ENOSPC;
  insertEntry(memory, tree, to, entry, toName, keepInode(memory, inode));
  addLinks(memory, inode, 1);
  touchChanged(vfs, inode);
  touchModified(vfs, to);
  return 0;
}

/** Frees an inode whose last count is gone, and the removed directories above it that only it held. */
function freeInode(vfs: Vfs, inode: number): void {
  const { memory } = vfs;
  for (;;) {
    const parent = TmpfsInode.parent.get(memory, inode);
    releaseBytes(memory, inode);
    freePacked(memory, inode);
    TmpfsInode.free(memory, inode);
    // A loop, since a guest may build a chain of removed directories deeper than any stack.
    if (parent === 0 || parent === inode || Inode.refs.add(memory, parent, -1) !== 1) return;
    inode = parent;
  }
}
