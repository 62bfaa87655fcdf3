/**
 * Listing: the names that were in a directory when somebody began to read it.
 *
 * Kept in the kernel heap, so that any agent goes on where another one stopped, and so that a position means the same entry however the
 * directory changes meanwhile. Names come at the start; what they stand for is asked for when an entry is first shown.
 *
 * Layout: the record, then 16 bytes for each entry (start of its name counted from the record, length and type, both halves of the
 * inode number), then the names. The arithmetic on it is here and nowhere else.
 * Life: belongs to an open file (`OpenFile.state`), from its first entry to its release or the next rewind.
 * Lock: that of the open file.
 */
import { layout, u32, type KernelMemory } from "../shm/index.ts";

export const Listing = layout("Listing", {
  count: u32,
  /** Bytes after the record. */
  extra: u32,
});

const ENTRY = 16;
/** Type of an entry that nobody has looked at. */
const UNSEEN = 0xffff;

/** A name as its bytes, or as text with a character for each byte. */
export type ListedName = Uint8Array | string;

/** Makes a listing of names; 0 when the kernel heap has no room for it. */
export function makeListing(memory: KernelMemory, names: readonly ListedName[]): number {
  let extra = names.length * ENTRY;
  for (const name of names) extra += name.length;
  const listing = Listing.allocate(memory, extra);
  if (listing === 0) return 0;
  Listing.count.set(memory, listing, names.length);
  Listing.extra.set(memory, listing, extra);
  let start = Listing.bytes + names.length * ENTRY;
  for (let index = 0; index < names.length; index++) {
    const word = entryOf(listing, index) >>> 2;
    memory.u32[word] = start;
    memory.u32[word + 1] = (names[index].length << 16) | UNSEEN;
    const name = names[index];
    if (typeof name === "string") {
      for (let at = 0; at < name.length; at++)
        memory.u8[listing + start + at] = name.charCodeAt(at);
    } else memory.u8.set(name, listing + start);
    start += name.length;
  }
  return listing;
}

/** Frees a listing. */
export function freeListing(memory: KernelMemory, listing: number): void {
  Listing.free(memory, listing, Listing.extra.get(memory, listing));
}

/** How many entries there are. */
export function listingCount(memory: KernelMemory, listing: number): number {
  return Listing.count.get(memory, listing);
}

/** Address of an entry's name in the kernel heap. */
export function nameStart(memory: KernelMemory, listing: number, index: number): number {
  return listing + memory.u32[entryOf(listing, index) >>> 2];
}

/** Bytes of an entry's name. */
export function nameLength(memory: KernelMemory, listing: number, index: number): number {
  return memory.u32[(entryOf(listing, index) >>> 2) + 1] >>> 16;
}

/** Whether an entry was described already. */
export function isDescribed(memory: KernelMemory, listing: number, index: number): boolean {
  return (memory.u32[(entryOf(listing, index) >>> 2) + 1] & UNSEEN) !== UNSEEN;
}

/** Notes what an entry stands for. */
export function describeEntry(
  memory: KernelMemory,
  listing: number,
  index: number,
  type: number,
  inodeLow: number,
  inodeHigh: number,
): void {
  const word = entryOf(listing, index) >>> 2;
  memory.u32[word + 1] = (memory.u32[word + 1] & ~UNSEEN) | type;
  memory.u32[word + 2] = inodeLow;
  memory.u32[word + 3] = inodeHigh;
}

/** The `Filetype` of an entry that was described. */
export function entryType(memory: KernelMemory, listing: number, index: number): number {
  return memory.u32[(entryOf(listing, index) >>> 2) + 1] & UNSEEN;
}

/** The lower half of its inode number. */
export function entryInodeLow(memory: KernelMemory, listing: number, index: number): number {
  return memory.u32[(entryOf(listing, index) >>> 2) + 2];
}

/** The upper half. */
export function entryInodeHigh(memory: KernelMemory, listing: number, index: number): number {
  return memory.u32[(entryOf(listing, index) >>> 2) + 3];
}

function entryOf(listing: number, index: number): number {
  return listing + Listing.bytes + index * ENTRY;
}
