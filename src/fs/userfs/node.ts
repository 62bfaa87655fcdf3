/**
 * Inodes of a filesystem written by a library user: what was walked to or opened, each known by its path.
 *
 * A record is made for each step and each open file; two may stand for one thing. So nothing can be mounted inside such a filesystem, and what was opened is
 * whatever has its path now.
 *
 * Life: a count for each user. Lock: none is needed, since nothing changes but the counts.
 */
import { Filetype } from "../../abi/enums.ts";
import { type KernelMemory, layout, u32 } from "../../shm/index.ts";
import { FilesystemId, inodeFields, Mount, type Name, type Stat } from "../../vfs/index.ts";
import type { UserAnswer } from "./port.ts";

/** The path's bytes follow the record. */
export const UserNode = layout("UserNode", { ...inodeFields, pathLength: u32 });

/** Makes a record with a count of one; 0 when the kernel heap is full. */
export function makeNode(
  memory: KernelMemory,
  mount: number,
  type: number,
  path: Uint8Array,
): number {
  const node = UserNode.allocate(memory, path.length);
  if (node === 0) return 0;
  UserNode.refs.store(memory, node, 1);
  UserNode.filesystem.set(memory, node, FilesystemId.userfs);
  UserNode.type.set(memory, node, type);
  UserNode.mount.set(memory, node, mount);
  UserNode.number.set(memory, node, numberOf(path));
  UserNode.pathLength.set(memory, node, path.length);
  memory.u8.set(path, node + UserNode.bytes);
  return node;
}

/** The path of a record: a copy. */
export function pathOf(memory: KernelMemory, node: number): Uint8Array {
  const start = node + UserNode.bytes;
  return memory.u8.slice(start, start + UserNode.pathLength.get(memory, node));
}

/** The path of a name in a directory. */
export function joinPath(memory: KernelMemory, directory: number, name: Name): Uint8Array {
  const above = pathOf(memory, directory);
  const path = new Uint8Array(above.length + (above.length === 0 ? 0 : 1) + name.length);
  path.set(above);
  if (above.length > 0) path[above.length] = 47;
  path.set(name.bytes.subarray(name.start, name.start + name.length), path.length - name.length);
  return path;
}

/** Frees a record whose last count is gone. */
export function freeNode(memory: KernelMemory, node: number): void {
  UserNode.free(memory, node, UserNode.pathLength.get(memory, node));
}

/** The number that `stat` shows: two FNV-1a sums of the path, 53 bits together, since the code that is asked has none. */
export function numberOf(path: Uint8Array): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (const byte of path) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x85ebca6b) + 1;
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}

/** Fills in what `stat` shows from an answer. */
export function describeAnswer(
  memory: KernelMemory,
  mount: number,
  path: Uint8Array,
  answer: UserAnswer,
  into: Stat,
): void {
  const number = numberOf(path);
  into.device = Mount.device.get(memory, mount);
  into.inodeLow = number >>> 0;
  into.inodeHigh = Math.floor(number / 2 ** 32);
  into.type = answer.type ?? Filetype.UNKNOWN;
  into.links = 1;
  into.size = answer.size ?? 0;
  const nanoseconds = BigInt(Math.floor((answer.modified ?? 0) * 1000)) * 1000n;
  into.accessedLow = into.modifiedLow = into.changedLow = Number(nanoseconds & 0xffffffffn);
  into.accessedHigh =
    into.modifiedHigh =
    into.changedHigh =
      Number((nanoseconds >> 32n) & 0xffffffffn);
}
