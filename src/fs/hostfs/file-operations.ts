/**
 * Open regular files of the host.
 *
 * The file's own offset is kept in the open file, not by the host, so every read and write says its position. A file that appends
 * is open for appending on the host too, which makes each write land at the end as of that moment, whoever else writes.
 *
 * `host` is the descriptor plus one, `state` the mount, `state2` 1 when the descriptor appends: all immutable.
 * Lock: `OpenFile.lock` over reads and writes at the file's own offset.
 */
import { Errno } from "../../abi/errno.ts";
import { Fdflags } from "../../abi/flags.ts";
import type { KernelMemory } from "../../shm/index.ts";
import {
  AT_OFFSET,
  FileOperations,
  Mount,
  MountFlags,
  OpenFile,
  type Stat,
  type Times,
  type Transfer,
  type Vfs,
} from "../../vfs/index.ts";
import type { HostfsDriver } from "./driver.ts";
import { HostStat } from "./port.ts";

/** Position of a write that appends (`HostFiles.write`). */
const AT_END = -1;

export class HostFileOperations extends FileOperations {
  override readonly seekable = true;
  private readonly scratch = new HostStat();

  constructor(private readonly driver: HostfsDriver) {
    super();
  }

  /** Makes a new open file stand for a descriptor, which it then owns. */
  static attach(
    memory: KernelMemory,
    file: number,
    descriptor: number,
    mount: number,
    flags: number,
  ): void {
    OpenFile.host.set(memory, file, descriptor + 1);
    OpenFile.state.set(memory, file, mount);
    OpenFile.state2.set(memory, file, (flags & Fdflags.APPEND) !== 0 ? 1 : 0);
  }

  override read(vfs: Vfs, file: number, into: Transfer, position: number): number {
    const { memory } = vfs;
    const { port } = this.driver;
    const descriptor = OpenFile.host.get(memory, file) - 1;
    if (position !== AT_OFFSET) {
      if (!isExact(position, into.total)) return -Errno.EINVAL;
      return into.total === 0 ? 0 : port.read(descriptor, into, position);
    }
    OpenFile.lock.acquire(memory, file);
    const offset = OpenFile.offset.get(memory, file);
    let result = 0;
    if (!isExact(offset, into.total)) result = -Errno.EINVAL;
    else if (into.total !== 0) result = port.read(descriptor, into, offset);
    if (result > 0) OpenFile.offset.set(memory, file, offset + result);
    OpenFile.lock.release(memory, file);
    return result;
  }

  /** A write at a position goes there also in a file that appends, as POSIX has it (Linux would append). */
  override write(vfs: Vfs, file: number, from: Transfer, position: number): number {
    const { memory } = vfs;
    if (position !== AT_OFFSET) {
      if (!isExact(position, from.total)) return -Errno.EFBIG;
      if (from.total === 0) return 0;
      return this.writeAt(memory, file, from, position);
    }
    OpenFile.lock.acquire(memory, file);
    const result = this.writeLocked(memory, file, from);
    OpenFile.lock.release(memory, file);
    return result;
  }

  override size(vfs: Vfs, file: number): number {
    const result = this.look(vfs.memory, file);
    return result < 0 ? result : this.scratch.size;
  }

  override stat(vfs: Vfs, file: number, into: Stat): number {
    const mount = OpenFile.state.get(vfs.memory, file);
    return this.driver.statDescriptor(vfs, mount, OpenFile.host.get(vfs.memory, file) - 1, into);
  }

  override setSize(vfs: Vfs, file: number, size: number): number {
    if (!isExact(size, 0)) return -Errno.EFBIG;
    return this.driver.port.setSize(OpenFile.host.get(vfs.memory, file) - 1, size);
  }

  override setTimes(vfs: Vfs, file: number, times: Times): number {
    const { memory } = vfs;
    // A descriptor that was opened for reading would do for the host.
    const flags = Mount.flags.get(memory, OpenFile.state.get(memory, file));
    if ((flags & MountFlags.readOnly) !== 0) return -Errno.EROFS;
    return this.driver.port.setDescriptorTimes(OpenFile.host.get(memory, file) - 1, times);
  }

  /** Makes a shorter file `end` bytes long; the host may still give the space later only. */
  override allocate(vfs: Vfs, file: number, end: number): number {
    const size = this.size(vfs, file);
    if (size < 0) return size;
    return size < end ? this.setSize(vfs, file, end) : 0;
  }

  override sync(vfs: Vfs, file: number, dataOnly: boolean): number {
    return this.driver.port.sync(OpenFile.host.get(vfs.memory, file) - 1, dataOnly);
  }

  /** What is left to read at the file's offset. */
  override available(vfs: Vfs, file: number): number {
    const size = this.size(vfs, file);
    return Math.max(0, size - OpenFile.offset.get(vfs.memory, file));
  }

  override release(vfs: Vfs, file: number): void {
    this.driver.port.close(OpenFile.host.get(vfs.memory, file) - 1);
  }

  private look(memory: KernelMemory, file: number): number {
    return this.driver.port.statDescriptor(OpenFile.host.get(memory, file) - 1, this.scratch);
  }

  /** Writes at the file's own offset, or at its end, and moves the offset behind what was written. */
  private writeLocked(memory: KernelMemory, file: number, from: Transfer): number {
    if (from.total === 0) return 0;
    const { port } = this.driver;
    const descriptor = OpenFile.host.get(memory, file) - 1;
    const appends = (OpenFile.flags.load(memory, file) & Fdflags.APPEND) !== 0;
    const hostAppends = OpenFile.state2.get(memory, file) !== 0;
    if (appends && hostAppends) {
      const result = port.write(descriptor, from, AT_END);
      if (result > 0 && this.look(memory, file) >= 0) {
        OpenFile.offset.set(memory, file, this.scratch.size);
      }
      return result;
    }
    let offset = OpenFile.offset.get(memory, file);
    if (appends) {
      // Asked for after it was opened: the host's descriptor cannot be changed.
      const result = this.look(memory, file);
      if (result < 0) return result;
      offset = this.scratch.size;
    }
    if (!isExact(offset, from.total)) return -Errno.EFBIG;
    const result = this.writeAt(memory, file, from, offset);
    if (result > 0) OpenFile.offset.set(memory, file, offset + result);
    return result;
  }

  /** Writes at a position; a descriptor that appends would not, so the file is opened once more for it. */
  private writeAt(memory: KernelMemory, file: number, from: Transfer, position: number): number {
    const { port } = this.driver;
    const descriptor = OpenFile.host.get(memory, file) - 1;
    if (OpenFile.state2.get(memory, file) === 0) return port.write(descriptor, from, position);
    const other = port.openForWriting(descriptor);
    if (other < 0) return other;
    const result = port.write(other, from, position);
    port.close(other);
    return result;
  }
}

/** Whether the host gets a position and the end of what is at it as the numbers they are. */
function isExact(position: number, length: number): boolean {
  return position >= 0 && position + length <= Number.MAX_SAFE_INTEGER;
}
