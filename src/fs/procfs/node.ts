/**
 * What there is in `/proc`: names and kinds of its files, and the inodes of those that are walked through or open.
 *
 * Life: an inode is made for each step and open, and freed with its last count; the mount holds one of the root. Two inodes may stand for the same.
 * Lock: none is needed, since nothing changes but the counts.
 */
import { Filetype } from "../../abi/enums.ts";
import { layout, u32, type KernelMemory } from "../../shm/index.ts";
import { FilesystemId, inodeFields, Mount, type Stat, type Vfs } from "../../vfs/index.ts";

/** What a name stands for. Their order is that of listings. */
export const Node = {
  root: 0,
  cpuinfo: 1,
  meminfo: 2,
  mountsLink: 3,
  self: 4,
  uptime: 5,
  process: 6,
  cmdline: 7,
  cwd: 8,
  environ: 9,
  exe: 10,
  descriptors: 11,
  mounts: 12,
  rootLink: 13,
  stat: 14,
  status: 15,
  descriptor: 16,
} as const;

/** Names in `/proc`, besides the numbers of processes. */
export const ROOT_NAMES: ReadonlyMap<string, number> = new Map([
  ["cpuinfo", Node.cpuinfo],
  ["meminfo", Node.meminfo],
  ["mounts", Node.mountsLink],
  ["self", Node.self],
  ["uptime", Node.uptime],
]);

/** Names in the directory of a process. */
export const PROCESS_NAMES: ReadonlyMap<string, number> = new Map([
  ["cmdline", Node.cmdline],
  ["cwd", Node.cwd],
  ["environ", Node.environ],
  ["exe", Node.exe],
  ["fd", Node.descriptors],
  ["mounts", Node.mounts],
  ["root", Node.rootLink],
  ["stat", Node.stat],
  ["status", Node.status],
]);

/** The `Filetype` of a node; descriptors have that of what they stand for. */
export function typeOf(node: number): number {
  switch (node) {
    case Node.root:
    case Node.process:
    case Node.descriptors:
      return Filetype.DIRECTORY;
    case Node.mountsLink:
    case Node.self:
    case Node.cwd:
    case Node.exe:
    case Node.rootLink:
      return Filetype.SYMBOLIC_LINK;
    default:
      return Filetype.REGULAR_FILE;
  }
}

export const ProcInode = layout("ProcInode", {
  ...inodeFields,
  /** `Node`, and the number of the process it belongs to, or 0. */
  node: u32,
  pid: u32,
});

/** Makes an inode with a count of one; 0 when the kernel heap is full. */
export function makeInode(memory: KernelMemory, mount: number, node: number, pid: number): number {
  const inode = ProcInode.allocate(memory);
  if (inode === 0) return 0;
  ProcInode.refs.store(memory, inode, 1);
  ProcInode.filesystem.set(memory, inode, FilesystemId.procfs);
  ProcInode.type.set(memory, inode, typeOf(node));
  ProcInode.mount.set(memory, inode, mount);
  ProcInode.number.set(memory, inode, numberOf(node, pid));
  ProcInode.node.set(memory, inode, node);
  ProcInode.pid.set(memory, inode, pid);
  return inode;
}

/** The number that `stat` shows: the same for the same file whenever it is looked at. */
export function numberOf(node: number, pid: number): number {
  return pid * 32 + node + 1;
}

/** Describes a node. As on Linux its size is 0 and its times are now: what it holds is made when it is opened. */
export function describeNode(
  vfs: Vfs,
  mount: number,
  node: number,
  pid: number,
  into: Stat,
): number {
  const number = numberOf(node, pid);
  into.device = Mount.device.get(vfs.memory, mount);
  into.inodeLow = number >>> 0;
  into.inodeHigh = Math.floor(number / 2 ** 32);
  into.type = typeOf(node);
  into.links = into.type === Filetype.DIRECTORY ? 2 : 1;
  into.size = 0;
  vfs.now();
  into.accessedLow = into.modifiedLow = into.changedLow = vfs.nowLow;
  into.accessedHigh = into.modifiedHigh = into.changedHigh = vfs.nowHigh;
  return 0;
}
