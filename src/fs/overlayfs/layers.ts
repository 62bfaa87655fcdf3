/**
 * What a name in a directory of an overlay is: the search through the layers, and whiteouts.
 *
 * Lock: everything here needs the overlay's lock held, or a directory that nobody else knows.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import {
  dropFile,
  dropInode,
  Inode,
  Mount,
  Name,
  NAME_MAX,
  Open,
  type Stat,
  type Vfs,
} from "../../vfs/index.ts";
import {
  findDirectory,
  layerDirectory,
  makeDirectory,
  OverlayDirectory,
  OverlayMount,
  overlayOf,
  readName,
  setLayerDirectory,
} from "./directory.ts";

const encoder = (text: string): Uint8Array =>
  Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** What every name of the overlay's own begins with, the name that hides all of the layers below, and what copies in progress begin with. */
const WHITEOUT = encoder(".wh.");
const OPAQUE = encoder(".wh..wh..opq");
const COPY = encoder(".wh..wh.copy-");

const opaqueName = new Name().set(OPAQUE, 0, OPAQUE.length);

/** Whether a name is one of the overlay's own, which nobody else may use. */
export function isReserved(bytes: Uint8Array, start: number, length: number): boolean {
  return (
    length >= WHITEOUT.length && WHITEOUT.every((byte, index) => bytes[start + index] === byte)
  );
}

/** The name of the whiteout for a name; undefined where it would be too long. */
function whiteoutOf(name: Name): Name | undefined {
  const length = WHITEOUT.length + name.length;
  if (length > NAME_MAX) return undefined;
  const bytes = new Uint8Array(length);
  bytes.set(WHITEOUT);
  bytes.set(name.bytes.subarray(name.start, name.start + name.length), WHITEOUT.length);
  return new Name().set(bytes, 0, length);
}

/** The name that a whiteout hides; undefined for another of the overlay's own names. */
export function hiddenBy(name: Uint8Array): Uint8Array | undefined {
  const hidden = name.subarray(WHITEOUT.length);
  return isReserved(hidden, 0, hidden.length) ? undefined : hidden;
}

/** A name for a copy in progress that no other has. */
export function nextCopyName(vfs: Vfs, overlay: number): Name {
  const number = OverlayMount.copies.get(vfs.memory, overlay) + 1;
  OverlayMount.copies.set(vfs.memory, overlay, number);
  const digits = encoder(String(number));
  const bytes = new Uint8Array(COPY.length + digits.length);
  bytes.set(COPY);
  bytes.set(digits, COPY.length);
  return new Name().set(bytes, 0, bytes.length);
}

/**
 * Finds the uppermost layer, from `first` on, that has a name in a directory, and describes what it is there in `into`.
 *
 * @returns the layer; ENOENT, or what a layer answered
 */
export function findLayer(vfs: Vfs, directory: number, name: Name, into: Stat, first = 0): number {
  const { memory } = vfs;
  if (OverlayDirectory.isGone.get(memory, directory) !== 0) return -Errno.ENOENT;
  const count = OverlayMount.layerCount.get(memory, overlayOf(memory, directory));
  for (let layer = first; layer < count; layer++) {
    const base = layerDirectory(memory, directory, layer);
    if (base === 0) continue;
    const result = vfs.filesystemOf(base).statAt(vfs, base, name, into);
    if (result === 0) return layer;
    if (result !== -Errno.ENOENT) return result;
    if (isHidden(vfs, base, name)) return -Errno.ENOENT;
  }
  return -Errno.ENOENT;
}

/** Whether layers below `layer` have a name that it would show if it had not one of its own. */
export function isBelow(
  vfs: Vfs,
  directory: number,
  name: Name,
  layer: number,
  scratch: Stat,
): boolean {
  const base = layerDirectory(vfs.memory, directory, layer);
  if (base !== 0 && isHidden(vfs, base, name)) return false;
  return findLayer(vfs, directory, name, scratch, layer + 1) >= 0;
}

/** Whether a directory of a layer hides a name of the layers below. */
function isHidden(vfs: Vfs, base: number, name: Name): boolean {
  const whiteout = whiteoutOf(name);
  return (
    whiteout !== undefined && vfs.filesystemOf(base).statAt(vfs, base, whiteout, vfs.stat) === 0
  );
}

/** Hides a name of the layers below. 0, or a negated errno. */
export function hide(vfs: Vfs, upper: number, name: Name): number {
  const whiteout = whiteoutOf(name);
  if (whiteout === undefined) return -Errno.ENAMETOOLONG;
  const file = vfs.filesystemOf(upper).openAt(vfs, upper, whiteout, Open.create | Open.write, 0);
  if (file < 0) return file;
  dropFile(vfs, file);
  return 0;
}

/**
 * Steps into a directory: its record with a count.
 *
 * @param scratch is overwritten
 * @returns ENOENT, ENOTDIR, ENOSPC, or what a layer answered
 */
export function enterDirectory(vfs: Vfs, directory: number, name: Name, scratch: Stat): number {
  const { memory } = vfs;
  const overlay = overlayOf(memory, directory);
  if (OverlayDirectory.isGone.get(memory, directory) !== 0) return -Errno.ENOENT;
  const known = findDirectory(memory, overlay, directory, name);
  if (known !== 0) return known;
  const found = findLayer(vfs, directory, name, scratch);
  if (found < 0) return found;
  if (scratch.type !== Filetype.DIRECTORY) return -Errno.ENOTDIR;
  const count = OverlayMount.layerCount.get(memory, overlay);
  const tops = new Array<number>(count).fill(0);
  const result = collectDirectories(vfs, directory, name, scratch, found, tops);
  const mount = Inode.mount.get(memory, directory);
  const made = result < 0 ? result : makeDirectory(memory, mount, directory, name, tops);
  if (made > 0) {
    numberDirectory(vfs, made, count);
    return made;
  }
  for (const top of tops) if (top !== 0) dropInode(vfs, top);
  return made < 0 ? made : -Errno.ENOSPC;
}

/** Enters a directory in each layer that adds to it, from the layer `found` down. */
function collectDirectories(
  vfs: Vfs,
  directory: number,
  name: Name,
  scratch: Stat,
  found: number,
  tops: number[],
): number {
  for (let layer = found; layer >= 0;) {
    const base = layerDirectory(vfs.memory, directory, layer);
    const filesystem = vfs.filesystemOf(base);
    const inode = filesystem.step(vfs, base, name);
    // Changed behind the overlay's back: no errno of a path is wrong.
    if (inode < 0) return -Errno.ENOENT;
    tops[layer] = inode;
    if (filesystem.statAt(vfs, inode, opaqueName, scratch) === 0) return 0;
    if (isHidden(vfs, base, name)) return 0;
    layer = findLayer(vfs, directory, name, scratch, layer + 1);
    if (layer >= 0 && scratch.type !== Filetype.DIRECTORY) return 0;
  }
  return 0;
}

/**
 * Gives a directory its number: that of its part in the lowest layer, which a change never touches, with the layer in the uppermost byte. So it stays the
 * same when the directory gets a part in the writable layer.
 */
export function numberDirectory(vfs: Vfs, directory: number, count: number): void {
  const { memory, stat } = vfs;
  let lowest = count - 1;
  while (lowest > 0 && layerDirectory(memory, directory, lowest) === 0) lowest--;
  const inode = layerDirectory(memory, directory, lowest);
  const described = vfs.filesystemOf(inode).statDirectory(vfs, inode, stat);
  OverlayDirectory.numberLow.set(memory, directory, described < 0 ? inode : stat.inodeLow);
  OverlayDirectory.numberHigh.set(memory, directory, (stat.inodeHigh ^ ((lowest + 1) << 24)) >>> 0);
}

/** Describes a directory: its uppermost part, with the overlay's own device and number. 0, or what the layer answered. */
export function describeDirectory(vfs: Vfs, directory: number, into: Stat): number {
  const { memory } = vfs;
  let layer = 0;
  while (layerDirectory(memory, directory, layer) === 0) layer++;
  const inode = layerDirectory(memory, directory, layer);
  const result = vfs.filesystemOf(inode).statDirectory(vfs, inode, into);
  if (result < 0) return result;
  into.device = Mount.device.get(memory, Inode.mount.get(memory, directory));
  into.inodeLow = OverlayDirectory.numberLow.get(memory, directory);
  into.inodeHigh = OverlayDirectory.numberHigh.get(memory, directory);
  // Nobody counts the directories in it, and one link says so to programs that would rely on the number.
  into.links = OverlayDirectory.isGone.get(memory, directory) === 0 ? 1 : 0;
  return 0;
}

/**
 * The directory of the writable layer for a record, made with those above it where they are not there yet.
 *
 * @returns the layer's inode, without a count; EROFS, ENOENT in a removed directory, or what the layer answered
 */
export function makeUpper(vfs: Vfs, directory: number): number {
  const { memory } = vfs;
  if (OverlayDirectory.isGone.get(memory, directory) !== 0) return -Errno.ENOENT;
  const missing: number[] = [];
  let above = directory;
  while (above !== 0 && layerDirectory(memory, above, 0) === 0) {
    missing.push(above);
    above = OverlayDirectory.parent.get(memory, above);
  }
  if (above === 0) return -Errno.EROFS;
  let upper = layerDirectory(memory, above, 0);
  const name = new Name();
  for (const next of missing.reverse()) {
    readName(memory, next, name);
    const filesystem = vfs.filesystemOf(upper);
    const made = filesystem.makeDirectoryAt(vfs, upper, name);
    if (made < 0 && made !== -Errno.EEXIST) return made;
    const inode = filesystem.step(vfs, upper, name);
    if (inode < 0) return inode;
    keepTimes(vfs, next, inode);
    setLayerDirectory(memory, next, 0, inode);
    upper = inode;
  }
  return upper;
}

/** Gives a new directory of the writable layer the times of what it stands above. */
function keepTimes(vfs: Vfs, directory: number, inode: number): void {
  const { stat, times } = vfs;
  // The times that the call in progress may be about to set.
  const { setAccessed, setModified, accessedLow, accessedHigh, modifiedLow, modifiedHigh } = times;
  if (describeDirectory(vfs, directory, stat) === 0) {
    times.setAccessed = times.setModified = true;
    times.accessedLow = stat.accessedLow;
    times.accessedHigh = stat.accessedHigh;
    times.modifiedLow = stat.modifiedLow;
    times.modifiedHigh = stat.modifiedHigh;
    vfs.filesystemOf(inode).setDirectoryTimes(vfs, inode, times);
  }
  Object.assign(times, {
    setAccessed,
    setModified,
    accessedLow,
    accessedHigh,
    modifiedLow,
    modifiedHigh,
  });
}
