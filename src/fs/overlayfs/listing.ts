/**
 * The names in a directory of an overlay: those of every layer that no layer above has or hides.
 *
 * Lock: everything here needs the overlay's lock held.
 */
import { Errno } from "../../abi/errno.ts";
import { type DirectoryReader, dropFile, Name, type Stat, type Vfs } from "../../vfs/index.ts";
import { layerDirectory, OverlayMount, overlayOf } from "./directory.ts";
import { findLayer, hiddenBy, isReserved } from "./layers.ts";

/** Takes every name; `.` and `..` left out. */
class NameCollector implements DirectoryReader {
  readonly names: Uint8Array[] = [];

  entry(
    _cookie: number,
    _low: number,
    _high: number,
    _type: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): boolean {
    const isDots =
      bytes[start] === 46 && (length === 1 || (length === 2 && bytes[start + 1] === 46));
    if (!isDots) this.names.push(bytes.slice(start, start + length));
    return true;
  }
}

/** The names in a layer's directory, the overlay's own too; or a negated errno. */
function readLayer(vfs: Vfs, inode: number): Uint8Array[] | number {
  const file = vfs.filesystemOf(inode).openDirectory(vfs, inode, 0);
  if (file < 0) return file;
  const collector = new NameCollector();
  const result = vfs.operationsOf(file).list(vfs, file, 0, collector);
  dropFile(vfs, file);
  return result < 0 ? result : collector.names;
}

/** A key for a name: a letter for each byte. */
function keyOf(name: Uint8Array): string {
  let key = "";
  for (let start = 0; start < name.length; start += 512)
    key += String.fromCharCode(...name.subarray(start, start + 512));
  return key;
}

/** The names in a directory, or a negated errno. */
export function readNames(vfs: Vfs, directory: number): Uint8Array[] | number {
  const { memory } = vfs;
  const count = OverlayMount.layerCount.get(memory, overlayOf(memory, directory));
  const names: Uint8Array[] = [];
  const taken = new Set<string>();
  for (let layer = 0; layer < count; layer++) {
    const inode = layerDirectory(memory, directory, layer);
    if (inode === 0) continue;
    const found = readLayer(vfs, inode);
    if (typeof found === "number") return found;
    const hidden: string[] = [];
    for (const name of found) {
      if (isReserved(name, 0, name.length)) {
        const covered = hiddenBy(name);
        if (covered !== undefined) hidden.push(keyOf(covered));
        continue;
      }
      const key = keyOf(name);
      if (taken.has(key)) continue;
      taken.add(key);
      names.push(name);
    }
    // A whiteout says nothing of its own layer.
    for (const key of hidden) taken.add(key);
  }
  return names;
}

/** 0 where a directory has no names, ENOTEMPTY where it has, or what a layer answered. */
export function isEmpty(vfs: Vfs, directory: number, scratch: Stat): number {
  const names = readNames(vfs, directory);
  if (typeof names === "number") return names;
  // What went since is none.
  const name = new Name();
  return names.some(
    (bytes) => findLayer(vfs, directory, name.set(bytes, 0, bytes.length), scratch) >= 0,
  )
    ? -Errno.ENOTEMPTY
    : 0;
}

/** Removes whiteouts and what is left of copies from a directory of the writable layer that is about to be removed. 0 or a negated errno. */
export function clearUpper(vfs: Vfs, upper: number): number {
  const names = readLayer(vfs, upper);
  if (typeof names === "number") return names;
  const name = new Name();
  for (const bytes of names) {
    if (!isReserved(bytes, 0, bytes.length)) continue;
    const removed = vfs.filesystemOf(upper).unlinkAt(vfs, upper, name.set(bytes, 0, bytes.length));
    if (removed < 0 && removed !== -Errno.ENOENT) return removed;
  }
  return 0;
}
