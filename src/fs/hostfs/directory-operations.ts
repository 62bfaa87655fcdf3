/**
 * Open directories of the host: they are listed, described and synced.
 *
 * `inode` is the directory; `state` its listing (`listing.ts`) once it was read.
 * Lock: `OpenFile.lock`: the listing.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import {
  type DirectoryReader,
  dropInode,
  FileOperations,
  isReadOnly,
  Name,
  OpenFile,
  type Stat,
  type Times,
  type Vfs,
} from "../../vfs/index.ts";
import { hostMountOf, trimDirectories } from "./directory.ts";
import type { HostfsDriver } from "./driver.ts";
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
} from "./listing.ts";
import { HostPlace, HostStat } from "./port.ts";

const DOT = Uint8Array.of(46);
const DOT_DOT = Uint8Array.of(46, 46);

export class HostDirectoryOperations extends FileOperations {
  private readonly scratch = new HostStat();
  private readonly here = new HostPlace();
  private readonly name = new Name();

  constructor(private readonly driver: HostfsDriver) {
    super();
  }

  override read(): number {
    return -Errno.EISDIR;
  }

  override stat(vfs: Vfs, file: number, into: Stat): number {
    return this.driver.statDirectory(vfs, OpenFile.inode.get(vfs.memory, file), into);
  }

  override setTimes(vfs: Vfs, file: number, times: Times): number {
    const directory = OpenFile.inode.get(vfs.memory, file);
    if (isReadOnly(vfs.memory, directory)) return -Errno.EROFS;
    return this.driver.setDirectoryTimes(vfs, directory, times);
  }

  override sync(vfs: Vfs, file: number): number {
    const directory = OpenFile.inode.get(vfs.memory, file);
    return this.driver.port.syncDirectory(this.driver.place(vfs.memory, directory, this.here));
  }

  /**
   * Lists the directory as it was when it was last listed from the start. A file that is gone before its entry is first shown is left out.
   * A cookie is the number of the next entry.
   */
  override list(vfs: Vfs, file: number, cookie: number, into: DirectoryReader): number {
    const { memory } = vfs;
    OpenFile.lock.acquire(memory, file);
    const result = this.listLocked(vfs, file, cookie, into);
    OpenFile.lock.release(memory, file);
    return result;
  }

  override release(vfs: Vfs, file: number): void {
    const { memory } = vfs;
    const listing = OpenFile.state.get(memory, file);
    if (listing !== 0) freeListing(memory, listing);
    const host = hostMountOf(memory, OpenFile.inode.get(memory, file));
    trimDirectories(memory, this.driver.port, host);
  }

  private listLocked(vfs: Vfs, file: number, cookie: number, into: DirectoryReader): number {
    const { memory } = vfs;
    const directory = OpenFile.inode.get(memory, file);
    let listing = OpenFile.state.get(memory, file);
    if (cookie === 0 || listing === 0) {
      const names = this.driver.port.list(this.driver.place(memory, directory, this.here));
      if (typeof names === "number") return names;
      if (listing !== 0) freeListing(memory, listing);
      listing = makeListing(memory, [DOT, DOT_DOT, ...names]);
      OpenFile.state.set(memory, file, listing);
      if (listing === 0) return -Errno.ENOMEM;
    }
    const count = listingCount(memory, listing);
    for (let index = cookie; index < count; index++) {
      if (!isDescribed(memory, listing, index)) {
        const result = this.describe(vfs, directory, listing, index);
        if (result === -Errno.ENOENT) continue;
      }
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

  /** Asks what an entry stands for. One that cannot be looked at stays of unknown type. */
  private describe(vfs: Vfs, directory: number, listing: number, index: number): number {
    const { memory } = vfs;
    const { driver, scratch, name } = this;
    const place = driver.place(memory, directory, this.here);
    let result: number;
    if (index === 0) result = driver.port.statDirectory(place, scratch);
    else if (index === 1) result = this.lookAbove(vfs, directory, place);
    else {
      const start = nameStart(memory, listing, index);
      name.set(memory.u8, start, nameLength(memory, listing, index));
      result = driver.port.statAt(place, name, scratch);
    }
    if (result === -Errno.ENOENT && index > 1) return result;
    if (result < 0) describeEntry(memory, listing, index, Filetype.UNKNOWN, 0, 0);
    else {
      const { type, inodeLow, inodeHigh } = scratch;
      describeEntry(memory, listing, index, type, inodeLow, inodeHigh);
    }
    return 0;
  }

  /** Looks at the directory above; above the root of the mount there is only the root. */
  private lookAbove(vfs: Vfs, directory: number, place: HostPlace): number {
    const { driver } = this;
    const above = driver.parent(vfs, directory);
    const result = driver.port.statDirectory(driver.place(vfs.memory, above, place), this.scratch);
    dropInode(vfs, above);
    return result;
  }
}
