/**
 * Open directories of an overlay.
 *
 * A directory is listed as it was when it was last listed from the start (`../listing.ts`); what is gone before its entry is first shown is left out. A
 * cookie is the number of the next entry.
 *
 * `state` of the open file is its listing. Lock: the overlay's.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import {
  type DirectoryReader,
  dropFile,
  isReadOnly,
  type Name,
  OpenFile,
  Stat,
  type Times,
  type Vfs,
} from "../../vfs/index.ts";
import { ListedDirectoryOperations } from "../listed-directory.ts";
import { layerDirectory, OverlayDirectory } from "./directory.ts";
import type { Overlayfs } from "./filesystem.ts";
import { describeDirectory, findLayer } from "./layers.ts";
import { readNames } from "./listing.ts";

export class OverlayDirectoryOperations extends ListedDirectoryOperations {
  protected override readonly scratch = new Stat();

  constructor(private readonly filesystem: Overlayfs) {
    super();
  }

  override stat(vfs: Vfs, file: number, into: Stat): number {
    return this.filesystem.statDirectory(vfs, OpenFile.inode.get(vfs.memory, file), into);
  }

  override setTimes(vfs: Vfs, file: number, times: Times): number {
    const directory = OpenFile.inode.get(vfs.memory, file);
    if (isReadOnly(vfs.memory, directory)) return -Errno.EROFS;
    return this.filesystem.setDirectoryTimes(vfs, directory, times);
  }

  /** Forces the names in the writable layer. */
  override sync(vfs: Vfs, file: number, dataOnly: boolean): number {
    const directory = OpenFile.inode.get(vfs.memory, file);
    return this.filesystem.locked(directory, () => {
      const upper = layerDirectory(vfs.memory, directory, 0);
      if (upper === 0) return 0;
      const opened = vfs.filesystemOf(upper).openDirectory(vfs, upper, 0);
      if (opened < 0) return opened;
      const result = vfs.operationsOf(opened).sync(vfs, opened, dataOnly);
      dropFile(vfs, opened);
      return result;
    });
  }

  override list(vfs: Vfs, file: number, cookie: number, into: DirectoryReader): number {
    const directory = OpenFile.inode.get(vfs.memory, file);
    return this.filesystem.locked(directory, () => this.listLocked(vfs, file, cookie, into));
  }

  protected override listLocked(
    vfs: Vfs,
    file: number,
    cookie: number,
    into: DirectoryReader,
  ): number {
    const directory = OpenFile.inode.get(vfs.memory, file);
    if (OverlayDirectory.isGone.get(vfs.memory, directory) !== 0) return 0;
    return super.listLocked(vfs, file, cookie, into);
  }

  protected override readNames(vfs: Vfs, directory: number): readonly Uint8Array[] | number {
    return readNames(vfs, directory);
  }

  protected override lookHere(vfs: Vfs, directory: number): number {
    return describeDirectory(vfs, directory, this.scratch);
  }

  protected override lookAbove(vfs: Vfs, directory: number): number {
    const parent = OverlayDirectory.parent.get(vfs.memory, directory);
    return describeDirectory(vfs, parent === 0 ? directory : parent, this.scratch);
  }

  protected override lookAt(vfs: Vfs, directory: number, name: Name): number {
    const { scratch } = this;
    const result = findLayer(vfs, directory, name, scratch);
    if (result < 0 || scratch.type !== Filetype.DIRECTORY) return result;
    const inside = this.filesystem.enter(vfs, directory, name);
    return inside < 0 ? inside : describeDirectory(vfs, inside, scratch);
  }
}
