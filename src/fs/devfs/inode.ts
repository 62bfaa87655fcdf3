/**
 * Inodes of devices, of the directory they are in, and of the one in it.
 *
 * Life: all are made with their mount and freed with it. The root holds a count of each.
 * Lock: none is needed, since nothing changes but the counts.
 */
import { Filetype } from "../../abi/enums.ts";
import { address, layout, u32, u64, type KernelMemory } from "../../shm/index.ts";
import { FilesystemId, inodeFields, Mount, type Stat, type Vfs } from "../../vfs/index.ts";

/**
 * What an inode stands for: the directory, a device by name, `shm`, an empty directory to mount memory on, or a link to descriptors of the process that
 * asks (`targetOf`).
 */
export const Device = {
  directory: 0,
  null: 1,
  zero: 2,
  full: 3,
  random: 4,
  urandom: 5,
  tty: 6,
  shm: 7,
  fd: 8,
  stdin: 9,
  stdout: 10,
  stderr: 11,
} as const;

/** How many there are: their numbers begin at 0. */
export const DEVICES = 12;

/** Whether a device is a link: the last ones are. */
export const isLink = (device: number): boolean => device >= Device.fd;

export const DevfsInode = layout("DevfsInode", {
  ...inodeFields,
  /** `Device`. */
  device: u32,
  /** The next device of the directory, in order of their numbers: the root has the first. */
  next: address,
  /** When it was made: all its times. */
  made: u64,
});

/** Makes an inode with a count of one; 0 when the kernel heap is full. */
export function makeInode(vfs: Vfs, mount: number, device: number): number {
  const { memory } = vfs;
  const inode = DevfsInode.allocate(memory);
  if (inode === 0) return 0;
  const isDirectory = device === Device.directory || device === Device.shm;
  const type = isDirectory
    ? Filetype.DIRECTORY
    : isLink(device)
      ? Filetype.SYMBOLIC_LINK
      : Filetype.CHARACTER_DEVICE;
  DevfsInode.refs.store(memory, inode, 1);
  DevfsInode.filesystem.set(memory, inode, FilesystemId.devfs);
  DevfsInode.type.set(memory, inode, type);
  DevfsInode.mount.set(memory, inode, mount);
  DevfsInode.number.set(memory, inode, device + 1);
  DevfsInode.device.set(memory, inode, device);
  vfs.now();
  DevfsInode.made.set(memory, inode, vfs.nowLow, vfs.nowHigh);
  return inode;
}

/** Where a link leads, as on Linux: plain ASCII. Nowhere for other devices. */
export function targetOf(device: number): string {
  if (!isLink(device)) return "";
  return device === Device.fd ? "/proc/self/fd" : `/proc/self/fd/${device - Device.stdin}`;
}

/** The inode of a device, without a count. */
export function inodeOf(memory: KernelMemory, root: number, device: number): number {
  let inode = root;
  for (let step = 0; step < device; step++) inode = DevfsInode.next.get(memory, inode);
  return inode;
}

/** Describes an inode. */
export function describeInode(vfs: Vfs, inode: number, into: Stat): number {
  const { memory } = vfs;
  into.device = Mount.device.get(memory, DevfsInode.mount.get(memory, inode));
  into.inodeLow = DevfsInode.number.get(memory, inode);
  into.inodeHigh = 0;
  into.type = DevfsInode.type.get(memory, inode);
  into.links = into.type === Filetype.DIRECTORY ? 2 : 1;
  into.size = targetOf(DevfsInode.device.get(memory, inode)).length;
  into.accessedLow = into.modifiedLow = into.changedLow = DevfsInode.made.low(memory, inode);
  into.accessedHigh = into.modifiedHigh = into.changedHigh = DevfsInode.made.high(memory, inode);
  return 0;
}
