/**
 * Shortcuts: from the root of a mount to a directory several names below it by one look at the host, where a walk takes one for each name.
 *
 * A shortcut says which directory some names led to a moment ago. The record of that directory holds it open, and the host is asked for the path of what is
 * open: when that is the root's path with just these names after it, each of them is there now, is a directory and no link. So what was renamed,
 * replaced or removed since is seen as by a walk, and all names are looked at in one moment. Any other answer, and the names are walked.
 *
 * What that answer does not tell is seen a second later at most, when the names are walked again: that a directory on the way may no longer be searched,
 * or has something mounted on it by the host.
 *
 * Life: with the agent that walked; records are counted only while they are looked at. No lock: nothing here is shared.
 */
import { dropInode, Inode, Mount, MountFlags, Name, NAME_MAX, type Vfs } from "../../vfs/index.ts";
import { findDirectory, HostDirectory, HostMount } from "./directory.ts";
import type { HostfsDriver } from "./driver.ts";
import { HostStat } from "./port.ts";

const SLOTS = 256;
/** Milliseconds after which the names are walked again. */
const LIFE = 1000;
const NO_PATH = new Uint8Array(0);
const SLASH = 47;
const DOT = 46;

interface Shortcut {
  /** `HostMount.serial` of the mount. */
  readonly serial: number;
  /** Path of the directory on the host, ASCII but for the root's, and where the names begin in it. */
  readonly path: string;
  readonly below: number;
  /** What the directory is. */
  readonly stat: HostStat;
  /** When the names were walked: milliseconds since 1970. */
  readonly walked: number;
}

export class Shortcuts {
  private readonly slots: (Shortcut | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);
  private readonly name = new Name();

  constructor(private readonly driver: HostfsDriver) {}

  /** `Filesystem.stepFar`: only from the root of a mount, whose path is known, and only where two names or more are to be stepped over. */
  stepFar(vfs: Vfs, directory: number, path: Name): number {
    const { memory } = vfs;
    const { driver } = this;
    if (HostDirectory.isRoot.get(memory, directory) === 0 || !driver.port.pins) return 0;
    const mount = Inode.mount.get(memory, directory);
    if ((Mount.flags.get(memory, mount) & MountFlags.holdsMounts) !== 0) return 0;
    const stop = lastSlash(path, path.start + path.length);
    if (lastSlash(path, stop) <= path.start) return 0;
    const root = driver.rootPath(memory, mount);
    if (root === "") return 0;
    const serial = HostMount.serial.get(memory, Mount.state.get(memory, mount));
    const slot = slotOf(path, stop);
    let reached = this.take(vfs, mount, serial, slot, path, stop);
    if (reached === 0) {
      const { start } = path;
      reached = this.walk(vfs, directory, path, stop);
      if (path.start === stop) this.note(vfs, reached, serial, slot, root, path, start, stop);
    } else {
      path.length -= stop - path.start;
      path.start = stop;
    }
    return reached;
  }

  /** The directory that the names before `stop` lead to, if that is known and still true. */
  private take(
    vfs: Vfs,
    mount: number,
    serial: number,
    slot: number,
    { bytes, start }: Name,
    stop: number,
  ): number {
    const { memory } = vfs;
    const known = this.slots[slot];
    if (known?.serial !== serial || known.path.length - known.below !== stop - start) return 0;
    const { below, path, stat, walked } = known;
    for (let index = start; index < stop; index++) {
      if (path.charCodeAt(below + index - start) !== bytes[index]) return 0;
    }
    const age = vfs.clock.milliseconds() - walked;
    if (age < 0 || age > LIFE) return 0;
    const directory = findDirectory(memory, Mount.state.get(memory, mount), stat, NO_PATH);
    if (directory === 0) return 0;
    const descriptor = HostDirectory.descriptor.get(memory, directory) - 1;
    if (this.driver.port.isAt(descriptor, path)) return directory;
    dropInode(vfs, directory);
    return 0;
  }

  /** Steps over the names before `stop` one by one, as far as they are directories. */
  private walk(vfs: Vfs, directory: number, path: Name, stop: number): number {
    const { bytes } = path;
    let reached = 0;
    while (path.start < stop) {
      let end = path.start;
      while (end < stop && bytes[end] !== SLASH) end++;
      const length = end - path.start;
      if (length === 0 || length > NAME_MAX || isDots(bytes, path.start, end)) break;
      const next = this.driver.step(
        vfs,
        reached || directory,
        this.name.set(bytes, path.start, length),
      );
      if (next < 0) break;
      vfs.memory.refreshIfGrown();
      if (reached !== 0) dropInode(vfs, reached);
      reached = next;
      // At the end there may be more slashes, which are the walk's.
      path.length -= Math.min(end + 1, stop) - path.start;
      path.start = Math.min(end + 1, stop);
    }
    return reached;
  }

  private note(
    { clock, memory }: Vfs,
    directory: number,
    serial: number,
    slot: number,
    root: string,
    { bytes }: Name,
    start: number,
    stop: number,
  ): void {
    let path = root.endsWith("/") ? root : `${root}/`;
    const below = path.length;
    // Another root, of bytes that are no text, would be read as one with this sign.
    if (path.includes("\ufffd")) return;
    for (let index = start; index < stop; index++) {
      if (bytes[index] >= 0x80) return;
      path += String.fromCharCode(bytes[index]);
    }
    // What Linux adds to the path of a directory that was removed.
    if (path.endsWith(" (deleted)")) return;
    const stat = new HostStat();
    stat.deviceLow = HostDirectory.device.low(memory, directory);
    stat.deviceHigh = HostDirectory.device.high(memory, directory);
    stat.inodeLow = HostDirectory.inode.low(memory, directory);
    stat.inodeHigh = HostDirectory.inode.high(memory, directory);
    this.slots[slot] = { serial, path, below, stat, walked: clock.milliseconds() };
  }
}

/** Where the name that ends before `end`, and slashes after it, is preceded by a slash, or the first of several; the start of the path if nowhere. */
function lastSlash({ bytes, start }: Name, end: number): number {
  while (end > start && bytes[end - 1] === SLASH) end--;
  while (end > start && bytes[end - 1] !== SLASH) end--;
  while (end > start && bytes[end - 1] === SLASH) end--;
  return end;
}

function isDots(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    bytes[start] === DOT && (end - start === 1 || (end - start === 2 && bytes[start + 1] === DOT))
  );
}

function slotOf({ bytes, start }: Name, stop: number): number {
  let hash = 0;
  for (let index = start; index < stop; index++) hash = (Math.imul(hash, 31) + bytes[index]) | 0;
  return (hash ^ (hash >>> 16)) & (SLOTS - 1);
}
