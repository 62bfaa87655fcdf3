/**
 * The directories of a host that the guest is in: one record for each, found by what the host says it is (device and inode number).
 *
 * A record holds the directory open, and an open directory's inode number is not given to another one, so the number stays true as long as
 * the record lives. Names lead to records only by asking the host each time: nothing here has to learn of renames.
 *
 * Life: the table itself holds one count of each record. A record that nobody else counts is kept for the next walk, up to `CACHED`
 * records; older ones are closed when new ones come, or when the host runs out of descriptors.
 * Lock: `HostMount.lock`, rank Tree: the table, its list, and every count that goes from one to two.
 */
import {
  address,
  block,
  layout,
  mutex,
  Rank,
  u32,
  u64,
  atomic32,
  type KernelMemory,
} from "../../shm/index.ts";
import { Filetype } from "../../abi/enums.ts";
import { FilesystemId, Inode, inodeFields, keepInode, Mount } from "../../vfs/index.ts";
import type { HostFiles, HostStat } from "./port.ts";

/** Records that may be there before unused ones are closed. */
const CACHED = 64;
/** Records looked at for closing when one comes: keeps the lock short when most are in use. */
const LOOKED_AT = 16;
const BUCKETS = 256;

/** The super record of a mounted host directory. */
export const HostMount = layout("HostMount", {
  lock: mutex(Rank.Tree),
  /** Directory at the top, with a count of the mount's: immutable. */
  root: address,
  /** Not the same for any two mounts that are ever at one address: immutable. */
  serial: u32,
  /** 1: names in the root too are looked up in the open directory, not by its path. Only ever set. */
  pinned: atomic32,
  /** Records in the table: guarded by lock. */
  count: u32,
  /** Youngest and oldest record: guarded by lock. */
  youngest: address,
  oldest: address,
  /** First record of each bucket: guarded by lock. */
  buckets: block(BUCKETS * 4),
});

/** A directory of the host. The path of a directory that is not pinned follows the record. */
export const HostDirectory = layout("HostDirectory", {
  ...inodeFields,
  /** The host's descriptor plus one; 0 where directories are not pinned: immutable. */
  descriptor: u32,
  /** Whether this is the root of its mount: immutable. */
  isRoot: u32,
  /** What the host says it is: immutable. */
  device: u64,
  inode: u64,
  /** Bytes of path after the record: immutable. */
  pathLength: u32,
  /** Set when found, taken back when looked at for closing: guarded by lock. */
  used: u32,
  /** Links of the bucket and of the list by age: guarded by lock. */
  next: address,
  younger: address,
  older: address,
});

/** The super record of the mount that a directory belongs to. */
export function hostMountOf(memory: KernelMemory, directory: number): number {
  return Mount.state.get(memory, Inode.mount.get(memory, directory));
}

/** The path bytes of a directory that is not pinned. */
export function directoryPath(memory: KernelMemory, directory: number): Uint8Array {
  const start = directory + HostDirectory.bytes;
  return memory.u8.slice(start, start + HostDirectory.pathLength.get(memory, directory));
}

/** Looks for the record of a directory; with a count, or 0. `path` is empty where directories are pinned. */
export function findDirectory(
  memory: KernelMemory,
  host: number,
  stat: HostStat,
  path: Uint8Array,
): number {
  HostMount.lock.acquire(memory, host);
  const directory = lookUpLocked(memory, host, stat, path);
  HostMount.lock.release(memory, host);
  return directory;
}

/**
 * Makes a record, or finds the one that another agent has made in the meantime. Takes over the descriptor.
 *
 * @param descriptor an open directory, or -1 where directories are not pinned; @param stat what it is
 * @returns the record with a count for the caller, or 0 when the kernel heap is full
 */
export function addDirectory(
  memory: KernelMemory,
  port: HostFiles,
  mount: number,
  descriptor: number,
  stat: HostStat,
  path: Uint8Array,
): number {
  const host = Mount.state.get(memory, mount);
  const made = HostDirectory.allocate(memory, path.length);
  if (made === 0) {
    if (descriptor >= 0) port.close(descriptor);
    return 0;
  }
  Inode.filesystem.set(memory, made, FilesystemId.hostfs);
  Inode.type.set(memory, made, Filetype.DIRECTORY);
  Inode.mount.set(memory, made, mount);
  Inode.number.set(memory, made, stat.inodeHigh * 2 ** 32 + stat.inodeLow);
  HostDirectory.descriptor.set(memory, made, descriptor + 1);
  HostDirectory.device.set(memory, made, stat.deviceLow, stat.deviceHigh);
  HostDirectory.inode.set(memory, made, stat.inodeLow, stat.inodeHigh);
  HostDirectory.pathLength.set(memory, made, path.length);
  memory.u8.set(path, made + HostDirectory.bytes);

  HostMount.lock.acquire(memory, host);
  const known = lookUpLocked(memory, host, stat, path);
  let closing = 0;
  if (known === 0) {
    Inode.refs.store(memory, made, 2);
    const bucket = bucketOf(host, stat.deviceLow, stat.inodeLow, stat.inodeHigh);
    HostDirectory.next.set(memory, made, memory.u32[bucket >>> 2]);
    memory.u32[bucket >>> 2] = made;
    pushLocked(memory, host, made);
    HostMount.count.set(memory, host, HostMount.count.get(memory, host) + 1);
    closing = trimLocked(memory, host, CACHED, LOOKED_AT);
  }
  HostMount.lock.release(memory, host);
  closeDirectories(memory, port, closing);
  if (known === 0) return made;
  if (descriptor >= 0) port.close(descriptor);
  HostDirectory.free(memory, made, path.length);
  return known;
}

/** Closes some directories that are more than the table should have: called where one may have lost its last user. */
export function trimDirectories(memory: KernelMemory, port: HostFiles, host: number): void {
  HostMount.lock.acquire(memory, host);
  const closing = trimLocked(memory, host, CACHED, LOOKED_AT);
  HostMount.lock.release(memory, host);
  closeDirectories(memory, port, closing);
}

/**
 * Closes all directories that nobody uses: for a host that is out of descriptors, and at the end.
 *
 * @param marked also those that are marked for a mount in them, for a tree that nobody walks any more
 * @returns how many are left
 */
export function closeUnused(
  memory: KernelMemory,
  port: HostFiles,
  host: number,
  marked = false,
): number {
  HostMount.lock.acquire(memory, host);
  // Twice, as the first look at each takes back its mark.
  const closing = trimLocked(memory, host, 0, 2 * HostMount.count.get(memory, host), marked);
  const left = HostMount.count.get(memory, host);
  HostMount.lock.release(memory, host);
  closeDirectories(memory, port, closing);
  return left;
}

/** All records of a mount that nobody walks. */
export function listDirectories(memory: KernelMemory, host: number): number[] {
  const list: number[] = [];
  let directory = HostMount.youngest.get(memory, host);
  for (; directory !== 0; directory = HostDirectory.older.get(memory, directory))
    list.push(directory);
  return list;
}

/** The word of the bucket of a directory. */
function bucketOf(host: number, device: number, inodeLow: number, inodeHigh: number): number {
  const mixed = Math.imul(inodeLow ^ Math.imul(inodeHigh ^ device, 0x85ebca6b), 0x9e3779b1);
  return HostMount.buckets.at(host) + (mixed >>> 24) * 4;
}

function lookUpLocked(
  memory: KernelMemory,
  host: number,
  stat: HostStat,
  path: Uint8Array,
): number {
  const { inodeLow, inodeHigh, deviceLow, deviceHigh } = stat;
  let directory = memory.u32[bucketOf(host, deviceLow, inodeLow, inodeHigh) >>> 2];
  while (directory !== 0) {
    if (
      HostDirectory.inode.low(memory, directory) === inodeLow &&
      HostDirectory.inode.high(memory, directory) === inodeHigh &&
      HostDirectory.device.low(memory, directory) === deviceLow &&
      HostDirectory.device.high(memory, directory) === deviceHigh &&
      hasPath(memory, directory, path)
    ) {
      HostDirectory.used.set(memory, directory, 1);
      return keepInode(memory, directory);
    }
    directory = HostDirectory.next.get(memory, directory);
  }
  return 0;
}

/** Where directories are not pinned, one that was renamed is another: its record has the path that calls will use. */
function hasPath(memory: KernelMemory, directory: number, path: Uint8Array): boolean {
  if (HostDirectory.pathLength.get(memory, directory) !== path.length) return false;
  const start = directory + HostDirectory.bytes;
  for (let index = 0; index < path.length; index++) {
    if (memory.u8[start + index] !== path[index]) return false;
  }
  return true;
}

/**
 * Takes unused records out of the table while there are more than `keep`: the oldest that were not found again since the last look.
 *
 * @returns them, linked by `next`, with no count left
 */
function trimLocked(
  memory: KernelMemory,
  host: number,
  keep: number,
  looks: number,
  marked = false,
): number {
  let closing = 0;
  while (looks-- > 0 && HostMount.count.get(memory, host) > keep) {
    const directory = HostMount.oldest.get(memory, host);
    unlinkLocked(memory, host, directory);
    // With one count, the table's, only a look-up could give it to somebody, and that takes the lock. What mounts have noted in
    // a record (`InodeFlags`) would be lost with it.
    if (
      HostDirectory.used.get(memory, directory) === 0 &&
      (marked || Inode.flags.load(memory, directory) === 0) &&
      Inode.refs.compareExchange(memory, directory, 1, 0) === 1
    ) {
      removeLocked(memory, host, directory);
      HostDirectory.next.set(memory, directory, closing);
      closing = directory;
    } else {
      HostDirectory.used.set(memory, directory, 0);
      pushLocked(memory, host, directory);
    }
  }
  return closing;
}

/** Takes a record out of its bucket. */
function removeLocked(memory: KernelMemory, host: number, directory: number): void {
  const bucket = bucketOf(
    host,
    HostDirectory.device.low(memory, directory),
    HostDirectory.inode.low(memory, directory),
    HostDirectory.inode.high(memory, directory),
  );
  const next = HostDirectory.next.get(memory, directory);
  let other = memory.u32[bucket >>> 2];
  if (other === directory) memory.u32[bucket >>> 2] = next;
  else {
    while (HostDirectory.next.get(memory, other) !== directory) {
      other = HostDirectory.next.get(memory, other);
    }
    HostDirectory.next.set(memory, other, next);
  }
  HostMount.count.set(memory, host, HostMount.count.get(memory, host) - 1);
}

/** Puts a record at the young end of the list. */
function pushLocked(memory: KernelMemory, host: number, directory: number): void {
  const youngest = HostMount.youngest.get(memory, host);
  HostDirectory.older.set(memory, directory, youngest);
  HostDirectory.younger.set(memory, directory, 0);
  if (youngest === 0) HostMount.oldest.set(memory, host, directory);
  else HostDirectory.younger.set(memory, youngest, directory);
  HostMount.youngest.set(memory, host, directory);
}

function unlinkLocked(memory: KernelMemory, host: number, directory: number): void {
  const younger = HostDirectory.younger.get(memory, directory);
  const older = HostDirectory.older.get(memory, directory);
  if (younger === 0) HostMount.youngest.set(memory, host, older);
  else HostDirectory.older.set(memory, younger, older);
  if (older === 0) HostMount.oldest.set(memory, host, younger);
  else HostDirectory.younger.set(memory, older, younger);
}

/** Closes and frees records that are in no table any more. */
function closeDirectories(memory: KernelMemory, port: HostFiles, first: number): void {
  for (let directory = first; directory !== 0;) {
    const next = HostDirectory.next.get(memory, directory);
    const descriptor = HostDirectory.descriptor.get(memory, directory) - 1;
    if (descriptor >= 0) port.close(descriptor);
    HostDirectory.free(memory, directory, HostDirectory.pathLength.get(memory, directory));
    directory = next;
  }
}
