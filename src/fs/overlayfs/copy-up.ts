/**
 * Copying up: a file or symbolic link of a lower layer gets a copy in the writable one.
 *
 * The bytes move while the overlay's lock is not held, since there may be many, to a file with a name of the overlay's own. Then, with the lock, it is
 * given its name, unless something else has got it meanwhile. Runs of zeros stay holes.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import {
  dropFile,
  dropInode,
  keepInode,
  type Name,
  Open,
  Stat,
  Times,
  Transfer,
  type Vfs,
} from "../../vfs/index.ts";
import { layerDirectory, OverlayMount, overlayOf } from "./directory.ts";
import { findLayer, makeUpper, nextCopyName } from "./layers.ts";

/** Answer, inside the overlay, of an operation that needs a file copied up first. */
export const COPY_UP = -1100;

/** Bytes moved at once. */
const PIECE = 65536;

/** A copy in progress: both files open, the directory of the writable layer it is made in with a count. */
interface Copy {
  readonly source: number;
  readonly target: number;
  readonly upper: number;
  readonly copyName: Name;
  readonly times: Times;
  readonly layer: number;
}

/**
 * Copies up what a name is, if it is still in a lower layer. Takes the lock.
 *
 * @param empty without the bytes: they are about to be cut off
 * @returns 0: look again; or ENOENT, ENOSPC, EROFS, EACCES for what cannot be copied (a device), and what the layers answer
 */
export function copyUp(vfs: Vfs, directory: number, name: Name, empty: boolean): number {
  const { memory } = vfs;
  const overlay = overlayOf(memory, directory);
  OverlayMount.lock.acquire(memory, overlay);
  const begun = beginLocked(vfs, overlay, directory, name);
  OverlayMount.lock.release(memory, overlay);
  if (typeof begun === "number") return begun;
  let result = empty ? 0 : copyBytes(vfs, begun);
  if (result === 0 && !empty) {
    // Where times cannot be kept, a copy with its own is better than none.
    vfs.operationsOf(begun.target).setTimes(vfs, begun.target, begun.times);
  }
  OverlayMount.lock.acquire(memory, overlay);
  result = finishLocked(vfs, directory, name, begun, result);
  OverlayMount.lock.release(memory, overlay);
  dropFile(vfs, begun.source);
  dropFile(vfs, begun.target);
  dropInode(vfs, begun.upper);
  return result;
}

function beginLocked(vfs: Vfs, overlay: number, directory: number, name: Name): Copy | number {
  const { memory } = vfs;
  const stat = new Stat();
  const layer = findLayer(vfs, directory, name, stat);
  if (layer <= 0) return layer;
  const { type } = stat;
  const lower = layerDirectory(memory, directory, layer);
  if (type === Filetype.DIRECTORY) return 0;
  if (type === Filetype.SYMBOLIC_LINK)
    return copyLinkLocked(vfs, directory, name, lower, timesOf(stat));
  if (type !== Filetype.REGULAR_FILE) return -Errno.EACCES;
  const upper = makeUpper(vfs, directory);
  if (upper < 0) return upper;
  const source = vfs.filesystemOf(lower).openAt(vfs, lower, name, Open.read, 0);
  if (source < 0) return source;
  const copyName = nextCopyName(vfs, overlay);
  const request = Open.write | Open.create | Open.truncate;
  const target = vfs.filesystemOf(upper).openAt(vfs, upper, copyName, request, 0);
  if (target < 0) {
    dropFile(vfs, source);
    return target;
  }
  return { source, target, upper: keepInode(memory, upper), copyName, times: timesOf(stat), layer };
}

function timesOf(stat: Stat): Times {
  const times = new Times();
  times.setAccessed = times.setModified = true;
  times.accessedLow = stat.accessedLow;
  times.accessedHigh = stat.accessedHigh;
  times.modifiedLow = stat.modifiedLow;
  times.modifiedHigh = stat.modifiedHigh;
  return times;
}

function copyLinkLocked(
  vfs: Vfs,
  directory: number,
  name: Name,
  lower: number,
  times: Times,
): number {
  const target = new Uint8Array(4096);
  const length = vfs.filesystemOf(lower).readlinkAt(vfs, lower, name, target);
  if (length < 0) return length;
  const upper = makeUpper(vfs, directory);
  if (upper < 0) return upper;
  const filesystem = vfs.filesystemOf(upper);
  const made = filesystem.symlinkAt(vfs, upper, name, target.subarray(0, length));
  if (made === 0) filesystem.setTimesAt(vfs, upper, name, times);
  return made;
}

/** Copies all bytes; 0 or a negated errno. */
function copyBytes(vfs: Vfs, { source, target }: Copy): number {
  const from = vfs.operationsOf(source);
  const to = vfs.operationsOf(target);
  const transfer = new Transfer();
  const piece = new Uint8Array(PIECE);
  let position = 0;
  for (;;) {
    const read = from.read(vfs, source, transfer.single(piece, 0, PIECE), position);
    if (read < 0) return read;
    if (read === 0) return to.setSize(vfs, target, position);
    let written = isZero(piece, read) ? read : 0;
    while (written < read) {
      transfer.single(piece, written, read - written);
      const answer = to.write(vfs, target, transfer, position + written);
      if (answer < 0) return answer;
      if (answer === 0) return -Errno.EIO;
      written += answer;
    }
    position += read;
  }
}

function isZero(bytes: Uint8Array, length: number): boolean {
  for (let index = 0; index < length; index++) if (bytes[index] !== 0) return false;
  return true;
}

/** Gives the copy its name, or removes it where it is not wanted any more. */
function finishLocked(vfs: Vfs, directory: number, name: Name, copy: Copy, result: number): number {
  const { upper, copyName, layer } = copy;
  const filesystem = vfs.filesystemOf(upper);
  const isWanted =
    result === 0 &&
    layerDirectory(vfs.memory, directory, 0) === upper &&
    findLayer(vfs, directory, name, new Stat()) === layer;
  const done = isWanted ? filesystem.renameAt(vfs, upper, copyName, upper, name) : result;
  if (!isWanted || done < 0) filesystem.unlinkAt(vfs, upper, copyName);
  return done;
}
