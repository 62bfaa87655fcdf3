/**
 * Open directories that are read from a listing: the names as they were when the directory was last read from the start (`listing.ts`). What a name stands
 * for is asked for when it is first shown; a file that is gone by then is left out. A cookie is the number of the next entry.
 */
import { Errno } from "../abi/errno.ts";
import { Filetype } from "../abi/enums.ts";
import {
  DirectoryOperations,
  type DirectoryReader,
  Name,
  OpenFile,
  type Stat,
  type Vfs,
} from "../vfs/index.ts";
import {
  describeEntry,
  entryInodeHigh,
  entryInodeLow,
  entryType,
  freeListing,
  isDescribed,
  type ListedName,
  listingCount,
  makeListing,
  nameLength,
  nameStart,
} from "./listing.ts";

const DOT = Uint8Array.of(46);
const DOT_DOT = Uint8Array.of(46, 46);

export abstract class ListedDirectoryOperations extends DirectoryOperations {
  /** What the `look` functions fill. */
  protected abstract readonly scratch: Stat;
  private readonly name = new Name();

  /** The names in a directory without `.` and `..`, or a negated errno. */
  protected abstract readNames(vfs: Vfs, directory: number): readonly ListedName[] | number;
  /** Each describes a file in `scratch`: the directory, the one above it, what a name in it stands for. 0 or a negated errno. */
  protected abstract lookHere(vfs: Vfs, directory: number): number;
  protected abstract lookAbove(vfs: Vfs, directory: number): number;
  protected abstract lookAt(vfs: Vfs, directory: number, name: Name): number;

  override release({ memory }: Vfs, file: number): void {
    const listing = OpenFile.state.get(memory, file);
    if (listing !== 0) freeListing(memory, listing);
  }

  /** As `list`, with the lock held that guards the listing. */
  protected listLocked(vfs: Vfs, file: number, cookie: number, into: DirectoryReader): number {
    const { memory } = vfs;
    const directory = OpenFile.inode.get(memory, file);
    let listing = OpenFile.state.get(memory, file);
    if (listing === 0 || cookie === 0) {
      const names = this.readNames(vfs, directory);
      if (typeof names === "number") return names;
      const made = makeListing(
        memory,
        this.isGone(vfs, directory, names) ? [] : [DOT, DOT_DOT, ...names],
      );
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

  /** Whether a directory was removed while it is open: it has not even itself in it then, as in Linux. */
  private isGone(vfs: Vfs, directory: number, names: readonly ListedName[]): boolean {
    return names.length === 0 && this.lookHere(vfs, directory) >= 0 && this.scratch.links === 0;
  }

  /** Finds out what an entry stands for; one that cannot be looked at stays of unknown type. False when it is gone. */
  private describe(vfs: Vfs, directory: number, listing: number, index: number): boolean {
    const { memory } = vfs;
    const { scratch } = this;
    let result: number;
    if (index === 0) result = this.lookHere(vfs, directory);
    else if (index === 1) result = this.lookAbove(vfs, directory);
    else {
      const start = nameStart(memory, listing, index);
      const name = this.name.set(memory.u8, start, nameLength(memory, listing, index));
      result = this.lookAt(vfs, directory, name);
      if (result === -Errno.ENOENT) return false;
    }
    if (result < 0) describeEntry(memory, listing, index, Filetype.UNKNOWN, 0, 0);
    else describeEntry(memory, listing, index, scratch.type, scratch.inodeLow, scratch.inodeHigh);
    return true;
  }
}
