/**
 * Names of a filesystem that a store keeps: as in memory, and each change is noted in the journal, under whose lock it is made. What only looks is that of
 * files in memory and takes no lock of the journal's.
 */
import { Filetype } from "../../abi/enums.ts";
import {
  type Name,
  Open,
  OpenFile,
  OperationsId,
  Stat,
  type Times,
  type Vfs,
} from "../../vfs/index.ts";
import { Tmpfs } from "../tmpfs/filesystem.ts";
import { TmpfsInode } from "../tmpfs/inode.ts";
import { beginChange, endChange, journalOf, note } from "./journal.ts";
import { noteTimes, TIMES_BYTES } from "./note-times.ts";
import { Change } from "./record.ts";

export class Logfs extends Tmpfs {
  /** What a name stood for before or after a change. */
  private readonly scratch = new Stat();

  override openAt(vfs: Vfs, directory: number, name: Name, request: number, flags: number): number {
    if ((request & (Open.create | Open.truncate)) === 0)
      return asLogged(vfs, super.openAt(vfs, directory, name, request, flags));
    const { memory } = vfs;
    const journal = journalOf(memory, directory);
    const grows = (request & Open.create) !== 0;
    const begun = beginChange(vfs, journal, name.length, grows);
    if (begun < 0) return begun;
    const isThere = super.statAt(vfs, directory, name, this.scratch) === 0;
    const file = asLogged(vfs, super.openAt(vfs, directory, name, request, flags));
    if (file > 0) {
      const inode = numberOf(vfs, OpenFile.inode.get(memory, file));
      if (!isThere) this.noteName(vfs, directory, name, inode, Filetype.REGULAR_FILE);
      else if ((request & Open.truncate) !== 0) note(vfs, journal, Change.resize, 0, inode);
    }
    endChange(memory, journal);
    return file;
  }

  override openDirectory(vfs: Vfs, directory: number, flags: number): number {
    return asLogged(vfs, super.openDirectory(vfs, directory, flags));
  }

  override setTimesAt(vfs: Vfs, directory: number, name: Name, times: Times): number {
    return this.change(
      vfs,
      directory,
      TIMES_BYTES,
      false,
      () => super.setTimesAt(vfs, directory, name, times),
      (journal) => noteTimes(vfs, journal, this.numberAt(vfs, directory, name), times),
    );
  }

  override setDirectoryTimes(vfs: Vfs, directory: number, times: Times): number {
    return this.change(
      vfs,
      directory,
      TIMES_BYTES,
      false,
      () => super.setDirectoryTimes(vfs, directory, times),
      (journal) => noteTimes(vfs, journal, numberOf(vfs, directory), times),
    );
  }

  override makeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    return this.change(
      vfs,
      directory,
      name.length,
      true,
      () => super.makeDirectoryAt(vfs, directory, name),
      () => {
        const number = this.numberAt(vfs, directory, name);
        this.noteName(vfs, directory, name, number, Filetype.DIRECTORY);
      },
    );
  }

  override symlinkAt(vfs: Vfs, directory: number, name: Name, target: Uint8Array): number {
    const length = name.length + target.length;
    return this.change(
      vfs,
      directory,
      length,
      true,
      () => super.symlinkAt(vfs, directory, name, target),
      (journal) => {
        const number = this.numberAt(vfs, directory, name);
        const parent = numberOf(vfs, directory);
        const at = note(vfs, journal, Change.symlink, length, parent, number, name.length);
        putName(vfs, at, name);
        vfs.memory.u8.set(target, at + name.length);
      },
    );
  }

  override unlinkAt(vfs: Vfs, directory: number, name: Name): number {
    return this.change(
      vfs,
      directory,
      name.length,
      false,
      () => super.unlinkAt(vfs, directory, name),
      (journal) => noteGone(vfs, journal, directory, name, Change.unlink),
    );
  }

  override removeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    return this.change(
      vfs,
      directory,
      name.length,
      false,
      () => super.removeDirectoryAt(vfs, directory, name),
      (journal) => noteGone(vfs, journal, directory, name, Change.removeDirectory),
    );
  }

  override renameAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number {
    const length = fromName.length + toName.length;
    return this.change(
      vfs,
      from,
      length,
      false,
      () => super.renameAt(vfs, from, fromName, to, toName),
      (journal) => {
        const [source, target] = [numberOf(vfs, from), numberOf(vfs, to)];
        const at = note(vfs, journal, Change.rename, length, source, target, fromName.length);
        putName(vfs, at, fromName);
        putName(vfs, at + fromName.length, toName);
      },
    );
  }

  override linkAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number {
    const { length } = toName;
    return this.change(
      vfs,
      from,
      length,
      true,
      () => super.linkAt(vfs, from, fromName, to, toName),
      (journal) => {
        const number = this.numberAt(vfs, to, toName);
        putName(vfs, note(vfs, journal, Change.link, length, numberOf(vfs, to), number), toName);
      },
    );
  }

  /**
   * Makes a change in a directory, and where it worked notes it.
   *
   * @param bytes of the note; @param grows as for `beginChange`
   */
  private change(
    vfs: Vfs,
    directory: number,
    bytes: number,
    grows: boolean,
    act: () => number,
    noteIt: (journal: number) => void,
  ): number {
    const journal = journalOf(vfs.memory, directory);
    const begun = beginChange(vfs, journal, bytes, grows);
    if (begun < 0) return begun;
    const result = act();
    if (result === 0) noteIt(journal);
    endChange(vfs.memory, journal);
    return result;
  }

  /** Notes a new name of something new. */
  private noteName(vfs: Vfs, directory: number, name: Name, inode: number, type: number): void {
    const journal = journalOf(vfs.memory, directory);
    const parent = numberOf(vfs, directory);
    putName(vfs, note(vfs, journal, Change.create, name.length, parent, inode, type), name);
  }

  /** The number of what has a name: under the journal's lock nobody takes it away. */
  private numberAt(vfs: Vfs, directory: number, name: Name): number {
    super.statAt(vfs, directory, name, this.scratch);
    return this.scratch.inodeHigh * 2 ** 32 + this.scratch.inodeLow;
  }
}

function numberOf({ memory }: Vfs, inode: number): number {
  return TmpfsInode.number.get(memory, inode);
}

function noteGone(vfs: Vfs, journal: number, directory: number, name: Name, change: number): void {
  putName(vfs, note(vfs, journal, change, name.length, numberOf(vfs, directory)), name);
}

function putName({ memory }: Vfs, at: number, name: Name): void {
  memory.u8.set(name.bytes.subarray(name.start, name.start + name.length), at);
}

/** Gives a file that was just opened, and that nobody knows yet, the operations of this filesystem. Passes errors on. */
function asLogged({ memory }: Vfs, file: number): number {
  if (file > 0) {
    const isDirectory = OpenFile.type.get(memory, file) === Filetype.DIRECTORY;
    const { loggedDirectory, loggedFile } = OperationsId;
    OpenFile.operations.set(memory, file, isDirectory ? loggedDirectory : loggedFile);
  }
  return file;
}
