/**
 * The names of an overlay.
 *
 * Each operation takes the overlay's lock once, finds the layer, and does the same to the name there; one that changes a file of a lower layer lets go,
 * copies it up, and begins again. A whiteout is made before the name that it stands for is removed or covered, so that what was hidden never
 * shows, whatever comes in between.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import {
  dropInode,
  type Filesystem,
  Inode,
  InodeFlags,
  IS_SYMLINK,
  keepInode,
  makeOpenDirectory,
  type Name,
  Open,
  OperationsId,
  Stat,
  type Times,
  type Vfs,
} from "../../vfs/index.ts";
import { COPY_UP, copyUp } from "./copy-up.ts";
import {
  freeDirectory,
  layerDirectory,
  OverlayDirectory,
  OverlayMount,
  overlayOf,
  removeDirectory,
} from "./directory.ts";
import {
  describeDirectory,
  enterDirectory,
  findLayer,
  hide,
  isBelow,
  isReserved,
  makeUpper,
} from "./layers.ts";
import { clearUpper, isEmpty } from "./listing.ts";
import { renameLocked } from "./rename.ts";

function isOwn(name: Name): boolean {
  return isReserved(name.bytes, name.start, name.length);
}

export class Overlayfs implements Filesystem {
  private readonly stat = new Stat();
  /** Records that an operation let go of: dropped when the lock is not held any more. */
  private readonly dropped: number[] = [];

  constructor(private readonly vfs: Vfs) {}

  step(vfs: Vfs, directory: number, name: Name): number {
    if (isOwn(name)) return -Errno.ENOENT;
    return this.locked(directory, () => {
      const entered = enterDirectory(vfs, directory, name, this.stat);
      const link = entered === -Errno.ENOTDIR && this.stat.type === Filetype.SYMBOLIC_LINK;
      return link ? IS_SYMLINK : entered;
    });
  }

  parent({ memory }: Vfs, directory: number): number {
    return this.locked(directory, () => {
      const parent = OverlayDirectory.parent.get(memory, directory);
      return keepInode(memory, parent === 0 ? directory : parent);
    });
  }

  openAt(vfs: Vfs, directory: number, name: Name, request: number, flags: number): number {
    const creates = (request & Open.create) !== 0;
    if (creates && (request & Open.directory) !== 0) return -Errno.EINVAL;
    if (isOwn(name)) return creates ? -Errno.EPERM : -Errno.ENOENT;
    const empty = (request & Open.truncate) !== 0;
    return this.copying(vfs, directory, name, empty, () =>
      this.openLocked(vfs, directory, name, request, flags),
    );
  }

  openDirectory(vfs: Vfs, directory: number, flags: number): number {
    const { overlayDirectory } = OperationsId;
    return makeOpenDirectory(vfs.memory, overlayDirectory, directory, flags) || -Errno.ENOSPC;
  }

  statAt(vfs: Vfs, directory: number, name: Name, into: Stat): number {
    if (isOwn(name)) return -Errno.ENOENT;
    return this.locked(directory, () => {
      const layer = findLayer(vfs, directory, name, into);
      if (layer < 0 || into.type !== Filetype.DIRECTORY) return Math.min(layer, 0);
      const inside = this.enter(vfs, directory, name);
      return inside < 0 ? inside : describeDirectory(vfs, inside, into);
    });
  }

  statDirectory(vfs: Vfs, directory: number, into: Stat): number {
    return this.locked(directory, () => describeDirectory(vfs, directory, into));
  }

  setTimesAt(vfs: Vfs, directory: number, name: Name, times: Times): number {
    if (isOwn(name)) return -Errno.ENOENT;
    return this.copying(vfs, directory, name, false, () => {
      const layer = findLayer(vfs, directory, name, this.stat);
      if (layer < 0) return layer;
      if (this.stat.type === Filetype.DIRECTORY) {
        const inside = this.enter(vfs, directory, name);
        return inside < 0 ? inside : this.setTimesLocked(vfs, inside, times);
      }
      if (layer > 0) return COPY_UP;
      const upper = layerDirectory(vfs.memory, directory, 0);
      return vfs.filesystemOf(upper).setTimesAt(vfs, upper, name, times);
    });
  }

  setDirectoryTimes(vfs: Vfs, directory: number, times: Times): number {
    return this.locked(directory, () => this.setTimesLocked(vfs, directory, times));
  }

  makeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    return this.making(vfs, directory, name, (upper) => {
      // A directory in a lower layer of a name that was removed stays hidden by its whiteout.
      return vfs.filesystemOf(upper).makeDirectoryAt(vfs, upper, name);
    });
  }

  symlinkAt(vfs: Vfs, directory: number, name: Name, target: Uint8Array): number {
    return this.making(vfs, directory, name, (upper) =>
      vfs.filesystemOf(upper).symlinkAt(vfs, upper, name, target),
    );
  }

  readlinkAt(vfs: Vfs, directory: number, name: Name, into: Uint8Array): number {
    if (isOwn(name)) return -Errno.ENOENT;
    return this.locked(directory, () => {
      const layer = findLayer(vfs, directory, name, this.stat);
      if (layer < 0) return layer;
      if (this.stat.type !== Filetype.SYMBOLIC_LINK) return -Errno.EINVAL;
      const base = layerDirectory(vfs.memory, directory, layer);
      return vfs.filesystemOf(base).readlinkAt(vfs, base, name, into);
    });
  }

  unlinkAt(vfs: Vfs, directory: number, name: Name): number {
    if (isOwn(name)) return -Errno.ENOENT;
    return this.locked(directory, () => {
      const layer = findLayer(vfs, directory, name, this.stat);
      if (layer < 0) return layer;
      if (this.stat.type === Filetype.DIRECTORY) return -Errno.EISDIR;
      const upper = this.uncover(vfs, directory, name, layer);
      if (upper < 0 || layer > 0) return Math.min(upper, 0);
      return vfs.filesystemOf(upper).unlinkAt(vfs, upper, name);
    });
  }

  removeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    if (isOwn(name)) return -Errno.ENOENT;
    return this.locked(directory, () => {
      const inside = this.enter(vfs, directory, name);
      if (inside < 0) return inside;
      const { memory } = vfs;
      if ((Inode.flags.load(memory, inside) & InodeFlags.mountpoint) !== 0) return -Errno.EBUSY;
      const empty = isEmpty(vfs, inside, this.stat);
      if (empty < 0) return empty;
      const own = layerDirectory(memory, inside, 0);
      const upper = this.uncover(vfs, directory, name, own === 0 ? 1 : 0);
      if (upper < 0) return upper;
      if (own !== 0) {
        const cleared = clearUpper(vfs, own);
        const removed =
          cleared < 0 ? cleared : vfs.filesystemOf(upper).removeDirectoryAt(vfs, upper, name);
        if (removed < 0) return removed;
      }
      removeDirectory(memory, overlayOf(memory, directory), inside);
      return 0;
    });
  }

  renameAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number {
    if (isOwn(fromName)) return -Errno.ENOENT;
    if (isOwn(toName)) return -Errno.EPERM;
    return this.copying(vfs, from, fromName, false, () =>
      renameLocked(vfs, from, fromName, to, toName, this.stat, this.dropped),
    );
  }

  linkAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number {
    if (isOwn(fromName)) return -Errno.ENOENT;
    if (isOwn(toName)) return -Errno.EPERM;
    return this.copying(vfs, from, fromName, false, () => {
      const { memory } = vfs;
      const layer = findLayer(vfs, from, fromName, this.stat);
      if (layer < 0) return layer;
      const { type } = this.stat;
      if (findLayer(vfs, to, toName, this.stat) >= 0) return -Errno.EEXIST;
      if (type === Filetype.DIRECTORY) return -Errno.EPERM;
      if (layer > 0) return COPY_UP;
      const upper = makeUpper(vfs, to);
      if (upper < 0) return upper;
      const source = layerDirectory(memory, from, 0);
      return vfs.filesystemOf(upper).linkAt(vfs, source, fromName, upper, toName);
    });
  }

  dropInode(vfs: Vfs, inode: number): void {
    freeDirectory(vfs, inode);
  }

  /** Does something with the overlay's lock held; then drops what it has let go of. */
  locked(directory: number, act: () => number): number {
    const { memory } = this.vfs;
    const overlay = overlayOf(memory, directory);
    OverlayMount.lock.acquire(memory, overlay);
    const result = act();
    OverlayMount.lock.release(memory, overlay);
    for (let record = this.dropped.pop(); record !== undefined; record = this.dropped.pop())
      dropInode(this.vfs, record);
    return result;
  }

  /** Steps into a directory for the operation in progress. Preconditions: the lock is held. */
  enter(vfs: Vfs, directory: number, name: Name): number {
    const inside = enterDirectory(vfs, directory, name, this.stat);
    if (inside > 0) this.dropped.push(inside);
    return inside;
  }

  /** The same for an operation that may need a file copied up first. */
  private copying(
    vfs: Vfs,
    directory: number,
    name: Name,
    empty: boolean,
    act: () => number,
  ): number {
    for (;;) {
      const result = this.locked(directory, act);
      if (result !== COPY_UP) return result;
      const copied = copyUp(vfs, directory, name, empty);
      if (copied < 0) return copied;
    }
  }

  /** Makes a name that is not there yet in the writable layer. */
  private making(vfs: Vfs, directory: number, name: Name, make: (upper: number) => number): number {
    if (isOwn(name)) return -Errno.EPERM;
    return this.locked(directory, () => {
      const layer = findLayer(vfs, directory, name, this.stat);
      if (layer !== -Errno.ENOENT) return layer < 0 ? layer : -Errno.EEXIST;
      const upper = makeUpper(vfs, directory);
      return upper < 0 ? upper : make(upper);
    });
  }

  private openLocked(
    vfs: Vfs,
    directory: number,
    name: Name,
    request: number,
    flags: number,
  ): number {
    const { memory } = vfs;
    const layer = findLayer(vfs, directory, name, this.stat);
    const creates = (request & Open.create) !== 0;
    if (layer === -Errno.ENOENT && creates) {
      const upper = makeUpper(vfs, directory);
      return upper < 0 ? upper : vfs.filesystemOf(upper).openAt(vfs, upper, name, request, flags);
    }
    if (layer < 0) return layer;
    if (creates && (request & Open.exclusive) !== 0) return -Errno.EEXIST;
    const { type } = this.stat;
    if (type === Filetype.SYMBOLIC_LINK) return IS_SYMLINK;
    if (type === Filetype.DIRECTORY) {
      if ((request & (Open.write | Open.create | Open.truncate)) !== 0) return -Errno.EISDIR;
      const inside = this.enter(vfs, directory, name);
      return inside < 0 ? inside : this.openDirectory(vfs, inside, flags);
    }
    if ((request & Open.directory) !== 0) return -Errno.ENOTDIR;
    if (layer > 0 && (request & (Open.write | Open.truncate)) !== 0) return COPY_UP;
    const base = layerDirectory(memory, directory, layer);
    const asked = request & ~(Open.create | Open.exclusive);
    return vfs.filesystemOf(base).openAt(vfs, base, name, asked, flags);
  }

  private setTimesLocked(vfs: Vfs, directory: number, times: Times): number {
    const upper = makeUpper(vfs, directory);
    return upper < 0 ? upper : vfs.filesystemOf(upper).setDirectoryTimes(vfs, upper, times);
  }

  /**
   * Before a name is removed from `layer`: hides it where lower layers have it too. The directory of the writable layer, or a negated
   * errno.
   */
  private uncover(vfs: Vfs, directory: number, name: Name, layer: number): number {
    const upper = makeUpper(vfs, directory);
    if (upper < 0) return upper;
    const hidden = layer > 0 || isBelow(vfs, directory, name, 0, this.stat);
    const result = hidden ? hide(vfs, upper, name) : 0;
    return result < 0 ? result : upper;
  }
}
