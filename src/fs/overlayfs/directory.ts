/**
 * The directories of an overlay that somebody uses: one record for each, found by the directory above and the name.
 *
 * A record holds a count of its directory in each layer that has a part in it, and of the record above. Names in it are looked up in those directories, so
 * what is below a renamed directory needs no change.
 *
 * Life: a count for each user and for each record below it. With the last one it leaves the table and is freed. A record that was found without a
 * count is about to go; a walk that wants the directory then makes another.
 * Lock: `OverlayMount.lock`: the table, names, parents, layers' directories, `isGone`. The place of the layers behind a record is arithmetic on
 * addresses, which is done here and nowhere else.
 */
import { Filetype } from "../../abi/enums.ts";
import {
  address,
  allocate,
  block,
  free,
  layout,
  mutex,
  Rank,
  u32,
  type KernelMemory,
} from "../../shm/index.ts";
import {
  dropInode,
  FilesystemId,
  Inode,
  inodeFields,
  keepInode,
  Mount,
  Name,
  type Vfs,
} from "../../vfs/index.ts";

const BUCKETS = 64;

/** The super record of an overlay. The layers' mounts follow it: the writable one first, or 0. */
export const OverlayMount = layout("OverlayMount", {
  lock: mutex(Rank.Overlay),
  /** Immutable, as the mounts are. */
  layerCount: u32,
  /** Number of the file that was copied up last: guarded by lock. */
  copies: u32,
  /** Records alive: guarded by lock. */
  directories: u32,
  /** First record of each bucket: guarded by lock. */
  buckets: block(BUCKETS * 4),
});

/** A directory of an overlay. Its directories in the layers follow the record, 0 where a layer has no part in it. */
export const OverlayDirectory = layout("OverlayDirectory", {
  ...inodeFields,
  /** The record above, with a count; 0 for the root. */
  parent: address,
  /** A block with the name's bytes; 0 for the root. */
  name: address,
  nameLength: u32,
  /** Link of the bucket. */
  next: address,
  /** Whether it was removed: nothing can be found or made in it. */
  isGone: u32,
  /** The number that `stat` shows, in halves: immutable. */
  numberLow: u32,
  numberHigh: u32,
});

/** Makes a mount a layer of a new overlay. */
export function setLayerMount(
  memory: KernelMemory,
  overlay: number,
  layer: number,
  mount: number,
): void {
  memory.u32[(overlay + OverlayMount.bytes + layer * 4) >>> 2] = mount;
}

/** The mount of a layer, or 0. */
export function layerMount(memory: KernelMemory, overlay: number, layer: number): number {
  return memory.u32[(overlay + OverlayMount.bytes + layer * 4) >>> 2];
}

/** The directory that a layer has for a record, without a count; 0 for none. */
export function layerDirectory(memory: KernelMemory, directory: number, layer: number): number {
  return memory.u32[(directory + OverlayDirectory.bytes + layer * 4) >>> 2];
}

/** Gives a record its directory in a layer, with its count. */
export function setLayerDirectory(
  memory: KernelMemory,
  directory: number,
  layer: number,
  inode: number,
): void {
  memory.u32[(directory + OverlayDirectory.bytes + layer * 4) >>> 2] = inode;
}

/** The super record of the overlay that a directory belongs to. */
export function overlayOf(memory: KernelMemory, directory: number): number {
  return Mount.state.get(memory, Inode.mount.get(memory, directory));
}

/**
 * Makes a record with a count of one and, unless it is the root, puts it in the table.
 *
 * @param parent the record above, of which a count is taken; @param tops its directories in the layers, whose counts are taken over
 * @returns 0 when the kernel heap is full: the counts stay the caller's
 */
export function makeDirectory(
  memory: KernelMemory,
  mount: number,
  parent: number,
  name: Name | undefined,
  tops: readonly number[],
): number {
  const directory = OverlayDirectory.allocate(memory, tops.length * 4);
  if (directory === 0) return 0;
  if (name !== undefined && !setName(memory, directory, name)) {
    OverlayDirectory.free(memory, directory, tops.length * 4);
    return 0;
  }
  const overlay = Mount.state.get(memory, mount);
  OverlayDirectory.refs.store(memory, directory, 1);
  OverlayDirectory.filesystem.set(memory, directory, FilesystemId.overlayfs);
  OverlayDirectory.type.set(memory, directory, Filetype.DIRECTORY);
  OverlayDirectory.mount.set(memory, directory, mount);
  tops.forEach((inode, layer) => setLayerDirectory(memory, directory, layer, inode));
  OverlayMount.directories.set(memory, overlay, OverlayMount.directories.get(memory, overlay) + 1);
  if (parent !== 0) {
    OverlayDirectory.parent.set(memory, directory, keepInode(memory, parent));
    insert(memory, overlay, directory);
  }
  return directory;
}

function setName(memory: KernelMemory, directory: number, name: Name): boolean {
  const copy = allocate(memory, name.length);
  if (copy === 0) return false;
  memory.u8.set(name.bytes.subarray(name.start, name.start + name.length), copy);
  OverlayDirectory.name.set(memory, directory, copy);
  OverlayDirectory.nameLength.set(memory, directory, name.length);
  return true;
}

/** Finds the record of a name in a directory: with a count, or 0. */
export function findDirectory(
  memory: KernelMemory,
  overlay: number,
  parent: number,
  name: Name,
): number {
  let directory = memory.u32[bucketOf(overlay, parent, name) >>> 2];
  while (directory !== 0) {
    if (
      OverlayDirectory.parent.get(memory, directory) === parent &&
      hasName(memory, directory, name) &&
      tryKeep(memory, directory)
    ) {
      return directory;
    }
    directory = OverlayDirectory.next.get(memory, directory);
  }
  return 0;
}

/** Takes a count of a record unless its last one is gone. */
function tryKeep(memory: KernelMemory, directory: number): boolean {
  for (;;) {
    const refs = Inode.refs.load(memory, directory);
    if (refs <= 0) return false;
    if (Inode.refs.compareExchange(memory, directory, refs, refs + 1) === refs) return true;
  }
}

function hasName(memory: KernelMemory, directory: number, name: Name): boolean {
  const { length } = name;
  if (OverlayDirectory.nameLength.get(memory, directory) !== length) return false;
  const at = OverlayDirectory.name.get(memory, directory);
  for (let index = 0; index < length; index++) {
    if (memory.u8[at + index] !== name.bytes[name.start + index]) return false;
  }
  return true;
}

/** Lets a name stand for the bytes of a record's own. */
export function readName(memory: KernelMemory, directory: number, into: Name): Name {
  const start = OverlayDirectory.name.get(memory, directory);
  return into.set(memory.u8, start, OverlayDirectory.nameLength.get(memory, directory));
}

/** All records in the table: every directory that is in use but the root. */
export function listDirectories(memory: KernelMemory, overlay: number): number[] {
  const list: number[] = [];
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    let directory = memory.u32[(OverlayMount.buckets.at(overlay) + bucket * 4) >>> 2];
    for (; directory !== 0; directory = OverlayDirectory.next.get(memory, directory))
      list.push(directory);
  }
  return list;
}

/** Marks a directory as removed and takes it out of the table. Those who use it keep it. */
export function removeDirectory(memory: KernelMemory, overlay: number, directory: number): void {
  remove(memory, overlay, directory);
  OverlayDirectory.isGone.set(memory, directory, 1);
}

/**
 * Gives a directory another place. False, and nothing changed, when the kernel heap is full. The count of the record that was above it before goes to
 * the caller.
 */
export function moveDirectory(
  memory: KernelMemory,
  overlay: number,
  directory: number,
  parent: number,
  name: Name,
): boolean {
  const oldName = OverlayDirectory.name.get(memory, directory);
  const oldLength = OverlayDirectory.nameLength.get(memory, directory);
  remove(memory, overlay, directory);
  const moved = setName(memory, directory, name);
  if (moved) {
    free(memory, oldName, oldLength);
    OverlayDirectory.parent.set(memory, directory, keepInode(memory, parent));
  }
  insert(memory, overlay, directory);
  return moved;
}

/** Frees a record whose last count is gone, and those above that only it held. Takes the lock. */
export function freeDirectory(vfs: Vfs, directory: number): void {
  const { memory } = vfs;
  const overlay = overlayOf(memory, directory);
  const count = OverlayMount.layerCount.get(memory, overlay);
  // A loop, since a guest may make a chain of directories deeper than any stack.
  for (;;) {
    const parent = OverlayDirectory.parent.get(memory, directory);
    OverlayMount.lock.acquire(memory, overlay);
    if (parent !== 0 && OverlayDirectory.isGone.get(memory, directory) === 0)
      remove(memory, overlay, directory);
    OverlayMount.directories.set(
      memory,
      overlay,
      OverlayMount.directories.get(memory, overlay) - 1,
    );
    OverlayMount.lock.release(memory, overlay);
    for (let layer = 0; layer < count; layer++) {
      const inode = layerDirectory(memory, directory, layer);
      if (inode !== 0) dropInode(vfs, inode);
    }
    const name = OverlayDirectory.name.get(memory, directory);
    if (name !== 0) free(memory, name, OverlayDirectory.nameLength.get(memory, directory));
    OverlayDirectory.free(memory, directory, count * 4);
    if (parent === 0 || Inode.refs.add(memory, parent, -1) !== 1) return;
    directory = parent;
  }
}

/** The word of the bucket for a name: FNV-1a, begun with the directory above. */
function bucketOf(overlay: number, parent: number, name: Name): number {
  let hash = Math.imul(parent >>> 5, 0x9e3779b1) ^ 0x811c9dc5;
  for (let index = name.start; index < name.start + name.length; index++) {
    hash = Math.imul(hash ^ name.bytes[index], 0x01000193);
  }
  hash ^= hash >>> 15;
  return OverlayMount.buckets.at(overlay) + (hash & (BUCKETS - 1)) * 4;
}

function ownBucket(memory: KernelMemory, overlay: number, directory: number): number {
  const name = readName(memory, directory, new Name());
  return bucketOf(overlay, OverlayDirectory.parent.get(memory, directory), name);
}

function insert(memory: KernelMemory, overlay: number, directory: number): void {
  const bucket = ownBucket(memory, overlay, directory) >>> 2;
  OverlayDirectory.next.set(memory, directory, memory.u32[bucket]);
  memory.u32[bucket] = directory;
}

function remove(memory: KernelMemory, overlay: number, directory: number): void {
  const bucket = ownBucket(memory, overlay, directory) >>> 2;
  const next = OverlayDirectory.next.get(memory, directory);
  let other = memory.u32[bucket];
  if (other === directory) memory.u32[bucket] = next;
  else {
    while (OverlayDirectory.next.get(memory, other) !== directory)
      other = OverlayDirectory.next.get(memory, other);
    OverlayDirectory.next.set(memory, other, next);
  }
}
