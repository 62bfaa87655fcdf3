/** Processes of a journal that were running when it ended, and are in no snapshot: what they had, without programs and threads. */
import type { Host } from "../hosts/port.ts";
import {
  createProcess,
  entryOf,
  FileEntry,
  giveUpProcess,
  type Kernel,
  KernelRoot,
  makeStringList,
  packStrings,
  Process as Record_,
  readDescriptors,
} from "../kernel/index.ts";
import type { CallRecord } from "../syscalls/call-record.ts";
import { dropFile, dropInode, keepFile, Open } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { GuestTree } from "./guest-tree.ts";
import { openInitialFiles } from "./initial-files.ts";

/** What a frame of kind `begin` says. */
export interface BeginNote {
  readonly pid: number;
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly isWasix: boolean;
  /** The process that it takes up, which ran before. */
  readonly from?: number;
  /** SHA-256 of the program, in hexadecimal. */
  readonly program: string;
}

/** The machine that keeps a journal. */
export interface JournalSubject {
  readonly kernel: Kernel;
  readonly host: Host;
  readonly tree: GuestTree;
}

/** A process without a program, which keeps what the one before had. */
export interface LeftProcess {
  readonly note: BeginNote;
  /** With a count. */
  readonly record: number;
  /** What stands for the standard streams, each with a count. */
  readonly streams: readonly number[];
  /** The last modes of its terminal. */
  modes: CallRecord | undefined;
}

/** Makes one that has what a process begins with; `/dev/null` for each of the host program's streams. @returns what was in the way, where it cannot be made */
export function makeLeft(subject: JournalSubject, note: BeginNote): LeftProcess | string {
  const { kernel, host, tree } = subject;
  const { memory, root } = kernel;
  let directory: number;
  try {
    directory = tree.findDirectory(note.cwd);
  } catch {
    return `its directory ${note.cwd} is not there`;
  }
  const record = createProcess(kernel, {
    arguments: makeStringList(memory, packStrings([])),
    environment: makeStringList(memory, packStrings([])),
    rootDirectory: KernelRoot.rootInode.get(memory, root),
    workingDirectory: directory,
    workingPath: new TextEncoder().encode(note.cwd),
    session: 0,
  });
  dropInode(kernel.vfs, directory);
  if (record < 0) return `error ${-record}`;
  const nothing = {
    write: () => Promise.resolve(),
    wanted: () => Promise.resolve(false),
    close: () => {},
  };
  const streams = {
    servesTerminals: false,
    openInput: () => ({ file: tree.open("/dev/null", Open.read), sink: nothing }),
    openOutput: () => {
      throw new WeftError("ERR_HOST", "journal: no stream is made here");
    },
  };
  const options = { stdout: "null", stderr: "null", isWasix: note.isWasix } as const;
  openInitialFiles({ kernel, host, tree, streams }, record, options);
  const table = Record_.files.get(memory, record);
  const files = [0, 1, 2].map((fd) =>
    keepFile(memory, FileEntry.file.get(memory, entryOf(memory, table, fd))),
  );
  return { note, record, streams: files, modes: undefined };
}

/** Gives a process that begins what a left one had, except for its streams, and gives up the left one. */
export function takeUpLeft({ kernel }: JournalSubject, left: LeftProcess, record: number): void {
  const { memory, vfs } = kernel;
  const own = Record_.files.get(memory, record);
  const table = Record_.files.get(memory, left.record);
  const streams = [0, 1, 2].map((fd) => FileEntry.file.get(memory, entryOf(memory, own, fd)));
  for (const { fd } of readDescriptors(memory, table, 0)) {
    const entry = entryOf(memory, table, fd);
    const which = left.streams.indexOf(FileEntry.file.get(memory, entry));
    if (which < 0) continue;
    FileEntry.file.set(memory, entry, keepFile(memory, streams[which]));
    dropFile(vfs, left.streams[which]);
  }
  for (const field of [
    Record_.files,
    Record_.workingDirectory,
    Record_.workingPath,
    Record_.workingPathLength,
  ]) {
    const before = field.get(memory, record);
    field.set(memory, record, field.get(memory, left.record));
    field.set(memory, left.record, before);
  }
  giveUpLeft(kernel, left);
}

/** Gives up a process that nobody takes up any more, with what stands for its streams. */
export function giveUpLeft(kernel: Kernel, { record, streams }: LeftProcess): void {
  for (const file of streams) dropFile(kernel.vfs, file);
  giveUpProcess(kernel, record);
}
