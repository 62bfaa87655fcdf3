/** How `filestat` and times pass between guest and kernel. */
import { Errno } from "../abi/errno.ts";
import { Fstflags } from "../abi/flags.ts";
import { Filestat } from "../abi/layouts.ts";
import { FilestatSnapshot0 } from "../abi/snapshot0-layouts.ts";
import type { Stat, Times, Vfs } from "../vfs/index.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { highHalf, lowHalf } from "./wide.ts";

/** Writes a `filestat` at an address that was checked. */
export function writeFilestat(guest: GuestMemory, pointer: number, stat: Stat): void {
  const at = pointer >>> 0;
  guest.setSize(at + Filestat.dev, stat.device);
  guest.setU64(at + Filestat.ino, stat.inodeLow, stat.inodeHigh);
  guest.setU64(at + Filestat.filetype, stat.type, 0);
  guest.setSize(at + Filestat.nlink, stat.links);
  guest.setSize(at + Filestat.size, stat.size);
  guest.setU64(at + Filestat.atim, stat.accessedLow, stat.accessedHigh);
  guest.setU64(at + Filestat.mtim, stat.modifiedLow, stat.modifiedHigh);
  guest.setU64(at + Filestat.ctim, stat.changedLow, stat.changedHigh);
}

/** Writes the `filestat` of the first snapshot at an address that was checked. */
export function writeFilestatSnapshot0(guest: GuestMemory, pointer: number, stat: Stat): void {
  const at = pointer >>> 0;
  guest.setSize(at + FilestatSnapshot0.dev, stat.device);
  guest.setU64(at + FilestatSnapshot0.ino, stat.inodeLow, stat.inodeHigh);
  guest.setU64(at + FilestatSnapshot0.filetype, stat.type, stat.links);
  guest.setSize(at + FilestatSnapshot0.size, stat.size);
  guest.setU64(at + FilestatSnapshot0.atim, stat.accessedLow, stat.accessedHigh);
  guest.setU64(at + FilestatSnapshot0.mtim, stat.modifiedLow, stat.modifiedHigh);
  guest.setU64(at + FilestatSnapshot0.ctim, stat.changedLow, stat.changedHigh);
}

/** Turns the arguments of the `set_times` calls into `vfs.times`. EINVAL where a time is given twice, or for an unknown flag. */
export function readTimes(vfs: Vfs, accessed: bigint, modified: bigint, flags: number): number {
  const { times } = vfs;
  const everyFlag = Fstflags.ATIM | Fstflags.ATIM_NOW | Fstflags.MTIM | Fstflags.MTIM_NOW;
  if ((flags & ~everyFlag) !== 0) return Errno.EINVAL;
  const accessedNow = (flags & Fstflags.ATIM_NOW) !== 0;
  const modifiedNow = (flags & Fstflags.MTIM_NOW) !== 0;
  times.setAccessed = (flags & Fstflags.ATIM) !== 0;
  times.setModified = (flags & Fstflags.MTIM) !== 0;
  if ((times.setAccessed && accessedNow) || (times.setModified && modifiedNow)) return Errno.EINVAL;
  times.accessedLow = lowHalf(accessed);
  times.accessedHigh = highHalf(accessed);
  times.modifiedLow = lowHalf(modified);
  times.modifiedHigh = highHalf(modified);
  if (accessedNow || modifiedNow) vfs.now();
  if (accessedNow) useNow(vfs, times, true);
  if (modifiedNow) useNow(vfs, times, false);
  return 0;
}

function useNow(vfs: Vfs, times: Times, accessed: boolean): void {
  if (accessed) {
    times.setAccessed = true;
    times.accessedLow = vfs.nowLow;
    times.accessedHigh = vfs.nowHigh;
  } else {
    times.setModified = true;
    times.modifiedLow = vfs.nowLow;
    times.modifiedHigh = vfs.nowHigh;
  }
}
