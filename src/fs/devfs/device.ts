/**
 * Devices: open files without bytes of their own.
 *
 * `null` swallows and is empty, `zero` gives zeros, `full` gives zeros and has no room, `random` and `urandom` give cryptographic
 * randomness. Offsets mean nothing to them but may be set; Linux keeps them at 0. Nothing here needs a lock.
 */
import { Errno } from "../../abi/errno.ts";
import type { Randomness } from "../../kernel/port.ts";
import { FileOperations, OpenFile, type Stat, type Transfer, type Vfs } from "../../vfs/index.ts";
import { describeInode, DevfsInode, Device } from "./inode.ts";

/** Most bytes that the host's generator fills at once. */
const PIECE = 65536;

/** Most random bytes for one read, as on Linux: what is more would keep a thread busy for too long. */
const MOST_RANDOM = 2 ** 25 - 1;

export class DeviceOperations extends FileOperations {
  override readonly seekable = true;
  /** The host's generator refuses shared memory, so that its bytes come here first. Made when first needed. */
  private scratch = new Uint8Array(0);

  constructor(private readonly randomness: Randomness) {
    super();
  }

  override read(vfs: Vfs, file: number, into: Transfer): number {
    const length = into.total - into.done;
    switch (deviceOf(vfs, file)) {
      case Device.null:
        return 0;
      case Device.random:
      case Device.urandom:
        return this.readRandom(into, Math.min(length, MOST_RANDOM));
      default:
        into.putZeros(length);
        return length;
    }
  }

  override write(vfs: Vfs, file: number, from: Transfer): number {
    const length = from.total - from.done;
    return deviceOf(vfs, file) === Device.full ? -Errno.ENOSPC : length;
  }

  override size(): number {
    return 0;
  }

  override stat(vfs: Vfs, file: number, into: Stat): number {
    return describeInode(vfs, OpenFile.inode.get(vfs.memory, file), into);
  }

  private readRandom(into: Transfer, length: number): number {
    if (this.scratch.length < Math.min(length, PIECE)) {
      this.scratch = new Uint8Array(length <= 1024 ? 1024 : PIECE);
    }
    for (let done = 0; done < length;) {
      const piece = Math.min(length - done, this.scratch.length);
      this.randomness.fill(this.scratch.subarray(0, piece));
      into.put(this.scratch, 0, piece);
      done += piece;
    }
    // What a guest was given is nobody else's to find.
    this.scratch.fill(0, 0, Math.min(length, this.scratch.length));
    return length;
  }
}

function deviceOf(vfs: Vfs, file: number): number {
  return DevfsInode.device.get(vfs.memory, OpenFile.inode.get(vfs.memory, file));
}
