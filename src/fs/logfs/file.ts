/**
 * Open files and directories of a filesystem that a store keeps: as in memory, and each change is noted in the journal, under whose lock it is made. That a
 * file was read is noted nowhere.
 */
import { Errno } from "../../abi/errno.ts";
import { Fdflags } from "../../abi/flags.ts";
import {
  AT_OFFSET,
  isReadOnly,
  OpenFile,
  type Times,
  Transfer,
  type Vfs,
} from "../../vfs/index.ts";
import { readBytes } from "../tmpfs/bytes.ts";
import { TmpfsDirectory } from "../tmpfs/directory.ts";
import { TmpfsFile } from "../tmpfs/file.ts";
import { setInodeTimes, TmpfsInode } from "../tmpfs/inode.ts";
import { beginChange, endChange, haveRoom, journalOf, note, waitUntilSafe } from "./journal.ts";
import { noteTimes, TIMES_BYTES } from "./note-times.ts";
import { Change, MOST_BYTES } from "./record.ts";

export class LoggedFile extends TmpfsFile {
  private readonly noted = new Transfer();

  override write(vfs: Vfs, file: number, from: Transfer, position: number): number {
    if (from.done === from.total) return 0;
    const { memory } = vfs;
    const journal = journalOf(memory, OpenFile.inode.get(memory, file));
    const begun = beginChange(vfs, journal, 0, true);
    if (begun < 0) return begun;
    let done: number;
    if (position !== AT_OFFSET) done = this.writeNoted(vfs, journal, file, from, position);
    else {
      OpenFile.lock.acquire(memory, file);
      const isAppending = (OpenFile.flags.load(memory, file) & Fdflags.APPEND) !== 0;
      const start = isAppending ? this.size(vfs, file) : OpenFile.offset.get(memory, file);
      done = this.writeNoted(vfs, journal, file, from, start);
      if (done > 0) OpenFile.offset.set(memory, file, start + done);
      OpenFile.lock.release(memory, file);
    }
    endChange(memory, journal);
    const { DSYNC, RSYNC, SYNC } = Fdflags;
    if (done <= 0 || (OpenFile.flags.load(memory, file) & (DSYNC | RSYNC | SYNC)) === 0)
      return done;
    const safe = waitUntilSafe(vfs, journal);
    return safe < 0 ? safe : done;
  }

  /** Writes at a position, in as many pieces as fit in a note each, and notes them. Preconditions: the journal's lock is held. */
  private writeNoted(
    vfs: Vfs,
    journal: number,
    file: number,
    from: Transfer,
    position: number,
  ): number {
    const { memory } = vfs;
    const inode = OpenFile.inode.get(memory, file);
    const number = TmpfsInode.number.get(memory, inode);
    const { total } = from;
    let written = 0;
    let result = 0;
    while (from.done < total) {
      const piece = Math.min(total - from.done, MOST_BYTES);
      if (!haveRoom(memory, journal, piece)) {
        result = -Errno.ENOSPC;
        break;
      }
      const start = position + written;
      from.total = from.done + piece;
      result = super.write(vfs, file, from, start);
      if (result <= 0) break;
      const at = note(vfs, journal, Change.write, result, number, start);
      // What the file has now: the program may change its own bytes at any time.
      readBytes(memory, inode, this.noted.single(memory.u8, at, result), start, result);
      written += result;
      if (result < piece) break;
    }
    from.total = total;
    return written > 0 ? written : result;
  }

  override setSize(vfs: Vfs, file: number, size: number): number {
    return this.noteSize(vfs, file, size > this.size(vfs, file), () => {
      return super.setSize(vfs, file, size);
    });
  }

  override allocate(vfs: Vfs, file: number, end: number): number {
    return this.noteSize(vfs, file, true, () => super.allocate(vfs, file, end));
  }

  /** Does what may change the size, and notes what it is then. */
  private noteSize(vfs: Vfs, file: number, grows: boolean, change: () => number): number {
    const { memory } = vfs;
    const inode = OpenFile.inode.get(memory, file);
    const journal = journalOf(memory, inode);
    const begun = beginChange(vfs, journal, 0, grows);
    if (begun < 0) return begun;
    const result = change();
    if (result === 0) {
      const number = TmpfsInode.number.get(memory, inode);
      note(vfs, journal, Change.resize, 0, number, TmpfsInode.size.get(memory, inode));
    }
    endChange(memory, journal);
    return result;
  }

  override setTimes(vfs: Vfs, file: number, times: Times): number {
    return setNotedTimes(vfs, file, times);
  }

  override sync(vfs: Vfs, file: number): number {
    return waitUntilSafe(vfs, journalOf(vfs.memory, OpenFile.inode.get(vfs.memory, file)));
  }
}

export class LoggedDirectory extends TmpfsDirectory {
  override setTimes(vfs: Vfs, file: number, times: Times): number {
    return setNotedTimes(vfs, file, times);
  }

  override sync(vfs: Vfs, file: number): number {
    return waitUntilSafe(vfs, journalOf(vfs.memory, OpenFile.inode.get(vfs.memory, file)));
  }
}

function setNotedTimes(vfs: Vfs, file: number, times: Times): number {
  const { memory } = vfs;
  const inode = OpenFile.inode.get(memory, file);
  if (isReadOnly(memory, inode)) return -Errno.EROFS;
  const journal = journalOf(memory, inode);
  const begun = beginChange(vfs, journal, TIMES_BYTES, false);
  if (begun < 0) return begun;
  setInodeTimes(vfs, inode, times);
  noteTimes(vfs, journal, TmpfsInode.number.get(memory, inode), times);
  endChange(memory, journal);
  return 0;
}
