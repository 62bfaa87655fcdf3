/**
 * Listing: an open directory that has been read up to some entry.
 *
 * A guest reads a directory piece by piece and names the cookie to go on after. The open file remembers the entry that came next, so that
 * a large directory need not be searched from its start for every piece. An open file that remembers one is in its directory's
 * list `listings`, and removing that entry moves it on.
 *
 * Fields of the open file: `state` is the entry (0: none), `state2` the next open file in the list plus one (0: in no list).
 * Lock: the tree's.
 */
import type { KernelMemory } from "../../shm/index.ts";
import { OpenFile } from "../../vfs/index.ts";
import { TmpfsEntry } from "./entry.ts";
import { TmpfsInode } from "./inode.ts";

/** The first entry of a directory whose cookie is above `cookie`, or 0. */
export function entryAfter(
  memory: KernelMemory,
  file: number,
  directory: number,
  cookie: number,
): number {
  const remembered = OpenFile.state.get(memory, file);
  if (remembered !== 0 && follows(memory, remembered, cookie)) return remembered;
  const last = TmpfsInode.last.get(memory, directory);
  if (last === 0 || TmpfsEntry.cookie.get(memory, last) <= cookie) return 0;
  let entry = TmpfsInode.first.get(memory, directory);
  while (TmpfsEntry.cookie.get(memory, entry) <= cookie)
    entry = TmpfsEntry.after.get(memory, entry);
  return entry;
}

/** Whether an entry is the first of its directory whose cookie is above `cookie`. */
function follows(memory: KernelMemory, entry: number, cookie: number): boolean {
  if (TmpfsEntry.cookie.get(memory, entry) <= cookie) return false;
  const before = TmpfsEntry.before.get(memory, entry);
  return before === 0 || TmpfsEntry.cookie.get(memory, before) <= cookie;
}

/** Remembers the entry that an open directory goes on with. */
export function rememberEntry(
  memory: KernelMemory,
  file: number,
  directory: number,
  entry: number,
): void {
  OpenFile.state.set(memory, file, entry);
  if (OpenFile.state2.get(memory, file) !== 0) return;
  OpenFile.state2.set(memory, file, TmpfsInode.listings.get(memory, directory) + 1);
  TmpfsInode.listings.set(memory, directory, file);
}

/** Takes an open file that goes away out of its directory's list. */
export function forgetListing(memory: KernelMemory, file: number, directory: number): void {
  const link = OpenFile.state2.get(memory, file);
  if (link === 0) return;
  let other = TmpfsInode.listings.get(memory, directory);
  if (other === file) {
    TmpfsInode.listings.set(memory, directory, link - 1);
    return;
  }
  for (;;) {
    const next = OpenFile.state2.get(memory, other) - 1;
    if (next === file) break;
    other = next;
  }
  OpenFile.state2.set(memory, other, link);
}

/** Moves the listings that stand on an entry which is removed on to the one after it. */
export function skipInListings(
  memory: KernelMemory,
  directory: number,
  entry: number,
  after: number,
): void {
  let file = TmpfsInode.listings.get(memory, directory);
  while (file !== 0) {
    if (OpenFile.state.get(memory, file) === entry) OpenFile.state.set(memory, file, after);
    file = OpenFile.state2.get(memory, file) - 1;
  }
}
