/**
 * Open directories of an overlay.
 *
 * A directory is listed as it was when it was last listed from the start (`../hostfs/listing.ts`); what is gone before its entry is first shown is left out. A
 * cookie is the number of the next entry.
 *
 * `state` of the open file is its listing. Lock: the overlay's.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import {
  type DirectoryReader,
  dropFile,
  FileOperations,
  isReadOnly,
  Name,
  OpenFile,
  Stat,
  type Times,
  type Vfs,
} from "../../vfs/index.ts";
import {
  describeEntry,
  entryInodeHigh,
  entryInodeLow,
  entryType,
  freeListing,
  isDescribed,
  listingCount,
  makeListing,
  nameLength,
  nameStart,
} from "../hostfs/listing.ts";
import { layerDirectory, OverlayDirectory } from "./directory.ts";
import type { Overlayfs } from "./filesystem.ts";
import { describeDirectory, findLayer } from "./layers.ts";
import { readNames } from "./listing.ts";

const DOT = Uint8Array.of(46);
const DOT_DOT = Uint8Array.of(46, 46);

export class OverlayDirectoryOperations extends FileOperations {
  private readonly scratch = new Stat();
  private readonly name = new Name();

  constructor(private readonly filesystem: Overlayfs) {
    super();
  }

  override read(): number {
    return -Errno.EISDIR;
  }

  override write(): number {
    return -Errno.EISDIR;
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
    return this.filesystem.locked(directory, () =>
      this.listLocked(vfs, file, directory, cookie, into),
    );
  }

  override release({ memory }: Vfs, file: number): void {
    const listing = OpenFile.state.get(memory, file);
    if (listing !== 0) freeListing(memory, listing);
  }

  private listLocked(
    vfs: Vfs,
    file: number,
    directory: number,
    cookie: number,
    into: DirectoryReader,
  ): number {
    const { memory } = vfs;
    if (OverlayDirectory.isGone.get(memory, directory) !== 0) return -Errno.ENOENT;
    let listing = OpenFile.state.get(memory, file);
    if (listing === 0 || cookie === 0) {
      const names = readNames(vfs, directory);
      if (typeof names === "number") return names;
      const made = makeListing(memory, [DOT, DOT_DOT, ...names]);
      if (made === 0) return -Errno.ENOMEM;
      if (listing !== 0) freeListing(memory, listing);
      OpenFile.state.set(memory, file, made);
      listing = made;
    }
    const count = listingCount(memory, listing);
    for (let index = cookie; index < count; index++) {
      if (!isDescribed(memory, listing, index) && !this.describe(vfs, directory, listing, index))
        continue;
      const more = into.entry(
        index + 1,
        entryInodeLow(memory, listing, index),
        entryInodeHigh(memory, listing, index),
        entryType(memory, listing, index),
        memory.u8,
        nameStart(memory, listing, index),
        nameLength(memory, listing, index),
      );
      if (!more) break;
    }
    return 0;
  }

  /** Finds out what an entry stands for. False when it is gone. */
  private describe(vfs: Vfs, directory: number, listing: number, index: number): boolean {
    const { memory } = vfs;
    const { scratch } = this;
    const name = this.name.set(
      memory.u8,
      nameStart(memory, listing, index),
      nameLength(memory, listing, index),
    );
    let result: number;
    if (index < 2) {
      const parent = index === 0 ? 0 : OverlayDirectory.parent.get(memory, directory);
      result = describeDirectory(vfs, parent === 0 ? directory : parent, scratch);
    } else {
      result = findLayer(vfs, directory, name, scratch);
      if (result >= 0 && scratch.type === Filetype.DIRECTORY) {
        const inside = this.filesystem.enter(vfs, directory, name);
        result = inside < 0 ? inside : describeDirectory(vfs, inside, scratch);
      }
    }
    if (result === -Errno.ENOENT) return false;
    if (result < 0) describeEntry(memory, listing, index, Filetype.UNKNOWN, 0, 0);
    else describeEntry(memory, listing, index, scratch.type, scratch.inodeLow, scratch.inodeHigh);
    return true;
  }
}
