/**
 * Open directories of the host: they are listed, described and synced.
 *
 * `inode` is the directory; `state` its listing (`listing.ts`) once it was read.
 * Lock: `OpenFile.lock`: the listing.
 */
import { Errno } from "../../abi/errno.ts";
import {
  type DirectoryReader,
  dropInode,
  isReadOnly,
  type Name,
  OpenFile,
  type Stat,
  type Times,
  type Vfs,
} from "../../vfs/index.ts";
import { hostMountOf, trimDirectories } from "./directory.ts";
import type { HostfsDriver } from "./driver.ts";
import { ListedDirectoryOperations } from "../listed-directory.ts";
import { HostPlace, HostStat } from "./port.ts";

export class HostDirectoryOperations extends ListedDirectoryOperations {
  protected override readonly scratch = new HostStat();
  private readonly here = new HostPlace();

  constructor(private readonly driver: HostfsDriver) {
    super();
  }

  /** Of one that was opened unseen: what it became was written under the lock, its operations last. */
  override settle({ memory }: Vfs, file: number): number {
    OpenFile.lock.acquire(memory, file);
    OpenFile.lock.release(memory, file);
    return 0;
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

  override list(vfs: Vfs, file: number, cookie: number, into: DirectoryReader): number {
    const { memory } = vfs;
    OpenFile.lock.acquire(memory, file);
    const result = this.listLocked(vfs, file, cookie, into);
    OpenFile.lock.release(memory, file);
    return result;
  }

  override release(vfs: Vfs, file: number): void {
    super.release(vfs, file);
    const { memory } = vfs;
    const host = hostMountOf(memory, OpenFile.inode.get(memory, file));
    trimDirectories(memory, this.driver.port, host);
  }

  protected override readNames({ memory }: Vfs, directory: number): readonly string[] | number {
    return this.driver.port.list(this.driver.place(memory, directory, this.here));
  }

  protected override lookHere({ memory }: Vfs, directory: number): number {
    const { driver } = this;
    return driver.port.statDirectory(driver.place(memory, directory, this.here), this.scratch);
  }

  protected override lookAt({ memory }: Vfs, directory: number, name: Name): number {
    const { driver } = this;
    return driver.port.statAt(driver.place(memory, directory, this.here), name, this.scratch);
  }

  /** Looks at the directory above; above the root of the mount there is only the root. */
  protected override lookAbove(vfs: Vfs, directory: number): number {
    const { driver } = this;
    const above = driver.parent(vfs, directory);
    const result = driver.port.statDirectory(
      driver.place(vfs.memory, above, this.here),
      this.scratch,
    );
    dropInode(vfs, above);
    return result;
  }
}
