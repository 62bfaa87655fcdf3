/** Renaming within an overlay. Preconditions of everything here: the overlay's lock is held. */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import { Inode, InodeFlags, type Name, type Stat, type Vfs } from "../../vfs/index.ts";
import { COPY_UP } from "./copy-up.ts";
import {
  layerDirectory,
  moveDirectory,
  OverlayDirectory,
  OverlayMount,
  overlayOf,
  removeDirectory,
} from "./directory.ts";
import { enterDirectory, findLayer, hide, isBelow, makeUpper } from "./layers.ts";
import { clearUpper, isEmpty } from "./listing.ts";

/**
 * rename(2) without the walk: ENOENT, EINVAL, EISDIR, ENOTDIR, ENOTEMPTY, EBUSY, EXDEV for a directory that a lower layer has, what the layers answer;
 * or that a file has to be copied up first.
 *
 * @param dropped takes records whose counts the caller drops without the lock
 */
export function renameLocked(
  vfs: Vfs,
  from: number,
  fromName: Name,
  to: number,
  toName: Name,
  scratch: Stat,
  dropped: number[],
): number {
  const { memory } = vfs;
  const layer = findLayer(vfs, from, fromName, scratch);
  if (layer < 0) return layer;
  const { device, inodeLow, inodeHigh } = scratch;
  const moved =
    scratch.type === Filetype.DIRECTORY
      ? take(enterDirectory(vfs, from, fromName, scratch), dropped)
      : 0;
  if (moved < 0) return moved;
  if (moved > 0) {
    const refused = refuseMove(vfs, moved, to);
    if (refused < 0) return refused;
  }

  const target = findLayer(vfs, to, toName, scratch);
  let replaced = 0;
  if (target >= 0) {
    const isFile = scratch.type !== Filetype.DIRECTORY;
    if (isFile && moved > 0) return -Errno.ENOTDIR;
    if (
      isFile &&
      scratch.device === device &&
      scratch.inodeLow === inodeLow &&
      scratch.inodeHigh === inodeHigh
    )
      return 0;
    if (!isFile) {
      replaced = take(enterDirectory(vfs, to, toName, scratch), dropped);
      if (replaced < 0) return replaced;
      if (replaced === moved) return 0;
      if (moved === 0) return isWithin(vfs, from, replaced) ? -Errno.ENOTEMPTY : -Errno.EISDIR;
      const empty = isEmpty(vfs, replaced, scratch);
      if (empty < 0) return empty;
      if ((Inode.flags.load(memory, replaced) & InodeFlags.mountpoint) !== 0) return -Errno.EBUSY;
    }
  } else if (target !== -Errno.ENOENT) return target;
  if (moved > 0 && hasLowerPart(vfs, moved)) return -Errno.EXDEV;
  if (layer > 0) return COPY_UP;
  return moveLocked(vfs, { from, fromName, to, toName, moved, replaced }, scratch, dropped);
}

interface Move {
  from: number;
  fromName: Name;
  to: number;
  toName: Name;
  /** Record of the directory that is moved, and of the one it replaces; or 0. */
  moved: number;
  replaced: number;
}

/** Moves what lies in the writable layer, its checks done. */
function moveLocked(
  vfs: Vfs,
  { from, fromName, to, toName, moved, replaced }: Move,
  scratch: Stat,
  dropped: number[],
): number {
  const { memory } = vfs;
  const overlay = overlayOf(memory, from);
  const target = makeUpper(vfs, to);
  if (target < 0) return target;
  const source = layerDirectory(memory, from, 0);
  // A directory lets what is below it show through, where a file does not.
  let result = moved > 0 && isBelow(vfs, to, toName, 0, scratch) ? hide(vfs, target, toName) : 0;
  if (result === 0 && isBelow(vfs, from, fromName, 0, scratch))
    result = hide(vfs, source, fromName);
  const own = replaced > 0 ? layerDirectory(memory, replaced, 0) : 0;
  if (result === 0 && own !== 0) result = clearUpper(vfs, own);
  if (result < 0) return result;
  result = vfs.filesystemOf(source).renameAt(vfs, source, fromName, target, toName);
  if (result < 0) return result;
  if (moved > 0) {
    const oldParent = OverlayDirectory.parent.get(memory, moved);
    if (moveDirectory(memory, overlay, moved, to, toName)) dropped.push(oldParent);
    // No room for its new name: to those who hold the directory it is gone, and the next who comes by makes another record.
    else removeDirectory(memory, overlay, moved);
  }
  if (replaced > 0) removeDirectory(memory, overlay, replaced);
  return 0;
}

function take(record: number, dropped: number[]): number {
  if (record > 0) dropped.push(record);
  return record;
}

/** Why a directory cannot be moved into another, or 0. */
function refuseMove(vfs: Vfs, moved: number, to: number): number {
  if (isWithin(vfs, to, moved)) return -Errno.EINVAL;
  return (Inode.flags.load(vfs.memory, moved) & InodeFlags.mountpoint) !== 0 ? -Errno.EBUSY : 0;
}

function isWithin({ memory }: Vfs, directory: number, ancestor: number): boolean {
  for (let above = directory; above !== 0; above = OverlayDirectory.parent.get(memory, above)) {
    if (above === ancestor) return true;
  }
  return false;
}

function hasLowerPart({ memory }: Vfs, directory: number): boolean {
  const count = OverlayMount.layerCount.get(memory, overlayOf(memory, directory));
  for (let layer = 1; layer < count; layer++) {
    if (layerDirectory(memory, directory, layer) !== 0) return true;
  }
  return false;
}
