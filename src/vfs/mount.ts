/**
 * Mount: a filesystem's root put over a directory.
 *
 * Life: made at boot or by the host program, for the life of the machine. The first mount is the root and covers nothing.
 * Holds a count of its root inode and of the directory it covers.
 * Lock: the list is guarded by `Mounts.lock`; mounts themselves are immutable, but that `MountFlags.holdsMounts` may come, under the lock too.
 */
import {
  address,
  allocate,
  free,
  layout,
  mutex,
  Rank,
  u32,
  type KernelMemory,
} from "../shm/index.ts";
import { Inode, InodeFlags, keepInode } from "./inode.ts";

export const MountFlags = {
  readOnly: 1,
  /** Another is mounted on a directory of this one. */
  holdsMounts: 2,
} as const;

export const Mount = layout("Mount", {
  next: address,
  /** `FilesystemId`. */
  filesystem: u32,
  flags: u32,
  /** The number `stat` shows as device. */
  device: u32,
  /** Root inode, with a count. */
  root: address,
  /** The directory it covers, with a count, or 0 for the root mount. */
  covered: address,
  /** Belongs to the filesystem: its super record. */
  state: address,
  /** Where it comes from, for people: address and length of UTF-8 bytes; a host directory's path. */
  source: address,
  sourceLength: u32,
  /** Where it is in the tree: UTF-8 bytes and their number, or 0 for the root mount. Guarded by `Mounts.lock`. */
  path: address,
  pathLength: u32,
});

/** The table of mounts: one per machine. */
export const Mounts = layout("Mounts", {
  lock: mutex(Rank.Mounts),
  /** First mount: guarded by lock for changes, mounts are only ever added in front. */
  first: address,
  nextDevice: u32,
});

/** Gives a mount its device number. `addMount` does so; the layers of an overlay, which are in no table, get theirs here. */
export function numberMount(memory: KernelMemory, mounts: number, mount: number): void {
  Mounts.lock.acquire(memory, mounts);
  const device = Mounts.nextDevice.get(memory, mounts) + 1;
  Mounts.nextDevice.set(memory, mounts, device);
  Mount.device.set(memory, mount, device);
  Mounts.lock.release(memory, mounts);
}

/** Puts a mount in the table. `parent` is the directory in which the covered one has its name. */
export function addMount(
  memory: KernelMemory,
  mounts: number,
  mount: number,
  covered: number,
  parent: number,
): void {
  numberMount(memory, mounts, mount);
  Mounts.lock.acquire(memory, mounts);
  Mount.next.set(memory, mount, Mounts.first.get(memory, mounts));
  if (covered !== 0) coverDirectory(memory, mount, covered, parent);
  Mounts.first.set(memory, mounts, mount);
  Mounts.lock.release(memory, mounts);
}

/** Puts a mount over a directory, of which it takes a count: under `Mounts.lock`, or where nobody walks yet. */
export function coverDirectory(
  memory: KernelMemory,
  mount: number,
  covered: number,
  parent: number,
): void {
  Mount.covered.set(memory, mount, keepInode(memory, covered));
  Inode.flags.or(memory, covered, InodeFlags.mountpoint);
  Inode.flags.or(memory, parent, InodeFlags.parentOfMountpoint);
  const around = Inode.mount.get(memory, covered);
  Mount.flags.set(memory, around, Mount.flags.get(memory, around) | MountFlags.holdsMounts);
}

/** Says where in the tree a mount is, for people: `/proc/mounts`. Without room for it nothing is said. */
export function nameMount(
  memory: KernelMemory,
  mounts: number,
  mount: number,
  path: Uint8Array,
): void {
  const copy = allocate(memory, path.length);
  if (copy === 0) return;
  memory.u8.set(path, copy);
  Mounts.lock.acquire(memory, mounts);
  Mount.path.set(memory, mount, copy);
  Mount.pathLength.set(memory, mount, path.length);
  Mounts.lock.release(memory, mounts);
}

/** Where in the tree a mount is. */
export function mountPath(memory: KernelMemory, mount: number): string {
  const start = Mount.path.get(memory, mount);
  if (start === 0) return "/";
  const bytes = memory.u8.slice(start, start + Mount.pathLength.get(memory, mount));
  return new TextDecoder().decode(bytes);
}

/** Frees what `nameMount` made: before the mount goes. */
export function forgetMountName(memory: KernelMemory, mount: number): void {
  const path = Mount.path.get(memory, mount);
  if (path !== 0) free(memory, path, Mount.pathLength.get(memory, mount));
  Mount.path.set(memory, mount, 0);
}

/** The mount that was added last, or 0. */
export function firstMount(memory: KernelMemory, mounts: number): number {
  return Mounts.first.get(memory, mounts);
}

/** The mount that covers a directory, or 0. */
export function mountOn(memory: KernelMemory, mounts: number, directory: number): number {
  if ((Inode.flags.load(memory, directory) & InodeFlags.mountpoint) === 0) return 0;
  let mount = Mounts.first.get(memory, mounts);
  while (mount !== 0 && Mount.covered.get(memory, mount) !== directory)
    mount = Mount.next.get(memory, mount);
  return mount;
}

/** Whether the mount that an inode belongs to refuses changes. */
export function isReadOnly(memory: KernelMemory, inode: number): boolean {
  return (Mount.flags.get(memory, Inode.mount.get(memory, inode)) & MountFlags.readOnly) !== 0;
}
