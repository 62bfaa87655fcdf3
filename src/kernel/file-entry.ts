/** File entry: one descriptor of a process, in the array of its file table. */
import { address, layout, u32, type KernelMemory } from "../shm/index.ts";

/** Guarded by the table's lock; `file` and rights are read by lookups without it. */
export const FileEntry = layout("FileEntry", {
  /** The open file, with a count; 0 where the descriptor is free, `CHANGING` (`file-table.ts`) for a moment. */
  file: u32,
  /** `Fdflagsext`: close on exec. */
  flags: u32,
  /** `Rights` in two halves: what may be done, and what descriptors opened through this one may do. */
  rightsLow: u32,
  rightsHigh: u32,
  inheritingLow: u32,
  inheritingHigh: u32,
  /** UTF-8 name of a preopened directory, and its length; 0 for others. */
  preopen: address,
  preopenLength: u32,
});

/** The rights a new descriptor gets. */
export interface DescriptorRights {
  low: number;
  high: number;
  inheritingLow: number;
  inheritingHigh: number;
}

/** Every right there is, in halves. */
export const ALL_RIGHTS: DescriptorRights = {
  low: 0xffffffff,
  high: 0x7f,
  inheritingLow: 0xffffffff,
  inheritingHigh: 0x7f,
};

/** The rights of an entry, as `installFile` takes them. */
export function rightsOf(memory: KernelMemory, entry: number): DescriptorRights {
  return {
    low: FileEntry.rightsLow.get(memory, entry),
    high: FileEntry.rightsHigh.get(memory, entry),
    inheritingLow: FileEntry.inheritingLow.get(memory, entry),
    inheritingHigh: FileEntry.inheritingHigh.get(memory, entry),
  };
}
