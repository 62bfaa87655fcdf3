/**
 * Files that the host has opened for reading without saying what they are: many are only closed again, or described, which tells what they are as well.
 *
 * The record says that it is a regular file, and has all that one has (`HostFileOperations`). When that has turned out true, only its operations change, so nobody
 * can see half of it. A directory becomes one in all its fields; its operations then are `hostSeenDirectory`, and whoever finds those goes through the lock
 * before it looks at the others. Anything else stays unseen: all that can be done with it is to close it.
 *
 * Lock: `OpenFile.lock`: what the file becomes.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import { FileOperations, OpenFile, OperationsId, type Stat, type Vfs } from "../../vfs/index.ts";
import type { HostfsDriver } from "./driver.ts";

const NO_PATH = new Uint8Array(0);
/** Another thread has settled the file meanwhile. */
const IS_SEEN = 1;

export class HostUnseenOperations extends FileOperations {
  constructor(private readonly driver: HostfsDriver) {
    super();
  }

  override settle(vfs: Vfs, file: number): number {
    const { memory } = vfs;
    OpenFile.lock.acquire(memory, file);
    const result = this.lookLocked(vfs, file, undefined);
    OpenFile.lock.release(memory, file);
    return Math.min(result, 0);
  }

  override stat(vfs: Vfs, file: number, into: Stat): number {
    const { memory } = vfs;
    OpenFile.lock.acquire(memory, file);
    const result = this.lookLocked(vfs, file, into);
    OpenFile.lock.release(memory, file);
    return result === IS_SEEN ? vfs.operationsOf(file).stat(vfs, file, into) : result;
  }

  override release({ memory }: Vfs, file: number): void {
    const descriptor = OpenFile.host.get(memory, file) - 1;
    if (descriptor >= 0) this.driver.port.close(descriptor);
  }

  /** Asks the host what the file is, and all else of it where that is wanted. */
  private lookLocked(vfs: Vfs, file: number, into: Stat | undefined): number {
    const { memory } = vfs;
    const { driver } = this;
    if (OpenFile.operations.get(memory, file) !== OperationsId.hostUnseen) return IS_SEEN;
    const descriptor = OpenFile.host.get(memory, file) - 1;
    // It was a directory for which there was no memory.
    if (descriptor < 0) return -Errno.ENOMEM;
    if (into === undefined) return this.becomeLocked(vfs, file, driver.port.typeOf(descriptor));
    const result = driver.statDescriptor(vfs, OpenFile.state.get(memory, file), descriptor, into);
    return result < 0 ? result : this.becomeLocked(vfs, file, into.type);
  }

  private becomeLocked(vfs: Vfs, file: number, type: number): number {
    const { memory } = vfs;
    if (type === Filetype.REGULAR_FILE) {
      OpenFile.operations.set(memory, file, OperationsId.hostFile);
      return 0;
    }
    if (type !== Filetype.DIRECTORY) return type < 0 ? type : -Errno.EACCES;
    const mount = OpenFile.state.get(memory, file);
    const descriptor = OpenFile.host.get(memory, file) - 1;
    OpenFile.host.set(memory, file, 0);
    const inode = this.driver.adopt(vfs, mount, descriptor, NO_PATH);
    if (inode < 0) return inode;
    OpenFile.inode.set(memory, file, inode);
    OpenFile.type.set(memory, file, Filetype.DIRECTORY);
    OpenFile.state.set(memory, file, 0);
    OpenFile.state2.set(memory, file, 0);
    OpenFile.operations.set(memory, file, OperationsId.hostSeenDirectory);
    return 0;
  }
}
