/**
 * A machine's journal: a file in which it keeps what is needed to go on after its host program has ended in the middle of it. A part of its own.
 *
 * It holds a snapshot, when a program has asked for one, and what has happened since: which programs the host program began, and the calls by which their processes
 * changed what they have (`syscalls/call-recorder.ts`). A new snapshot takes the place of all that, so that the journal does not grow for ever.
 *
 * Going on from it:
 *
 *     processes of the snapshot      go on where they asked for it. What they did since they do again, so it is left out
 *     those that had ended by then,  have ended; what they did is there
 *     or began since and ended
 *     those that began since         begin again when the host program starts their program again, with the files and descriptors that they had
 */
import type { Host, JournalFile } from "../hosts/port.ts";
import {
  createProcess,
  dropProcess,
  EndReason,
  entryOf,
  exitProcess,
  FileEntry,
  findProcess,
  giveUpProcess,
  type Kernel,
  KernelRoot,
  listIds,
  makeStringList,
  packStrings,
  Process as Record_,
  ProcessState,
  readDescriptors,
} from "../kernel/index.ts";
import { type CallRecord, decodeCall } from "../syscalls/call-record.ts";
import { provideRecorder } from "../syscalls/recording.ts";
import {
  type Frame,
  FrameKind,
  type JournalContent,
  makeFrame,
  makeJournalHead,
  readJournal,
} from "../threads/journal-frames.ts";
import { journalRecorder } from "../threads/journal-sink.ts";
import { dropFile, dropInode, keepFile, Open, OpenFile } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { GuestTree } from "./guest-tree.ts";
import { openInitialFiles } from "./initial-files.ts";
import { JournalReplay } from "./journal-replay.ts";
import type { LoadedProgram, SpawnOptions } from "./options.ts";

/** What a machine found in its journal. */
export interface JournalReport {
  /** Calls that were made again. */
  readonly replayed: number;
  /** What could not be had again, each with its reason. */
  readonly lost: readonly string[];
}

/** The machine that keeps a journal. */
export interface JournalSubject {
  readonly kernel: Kernel;
  readonly host: Host;
  readonly tree: GuestTree;
}

/** What a frame of kind `begin` says. */
interface BeginNote {
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

interface EndNote {
  readonly pid: number;
  readonly exitCode: number;
}

/** A process that was running, without a program and threads. */
interface LeftProcess {
  readonly note: BeginNote;
  /** With a count. */
  readonly record: number;
  /** What stands for the standard streams, each with a count. */
  readonly streams: readonly number[];
  /** The last modes of its terminal. */
  modes: CallRecord | undefined;
}

export class Journal {
  private subject!: JournalSubject;
  private replay!: JournalReplay;
  private readonly lost: string[] = [];
  private replayed = 0;
  private readonly left: LeftProcess[] = [];
  /** Processes that have ended. */
  private readonly over = new Set<number>();
  private file = 0;

  private constructor(
    private readonly disk: JournalFile,
    private readonly content: JournalContent,
  ) {}

  /** Reads a journal; an empty file is a new one. @throws WeftError ERR_JOURNAL */
  static open(disk: JournalFile, path: string): Journal {
    if (disk.content.length === 0) {
      const head = makeJournalHead(0);
      disk.append(head);
      return new Journal(disk, { snapshot: undefined, frames: [], end: head.length });
    }
    const content = readJournal(disk.content);
    if (typeof content === "string") {
      disk.close();
      throw new WeftError("ERR_JOURNAL", `the journal ${path} cannot be read: ${content}`);
    }
    if (content.end < disk.content.length) disk.cut(content.end);
    return new Journal(disk, content);
  }

  /** What the machine is to be made of. */
  get snapshot(): Uint8Array<ArrayBuffer> | undefined {
    return this.content.snapshot;
  }

  get report(): JournalReport {
    return { replayed: this.replayed, lost: this.lost };
  }

  /**
   * Puts the machine, in which nothing runs yet, where its journal ends, and records what happens from here on.
   *
   * @param hostStreams open files of the host program's ends of streams, of the processes in the snapshot
   */
  attach(subject: JournalSubject, hostStreams: readonly number[]): void {
    const { kernel, host } = subject;
    const { memory, root, vfs } = kernel;
    this.subject = subject;
    const pipes = hostStreams.map((file) => (file === 0 ? 0 : OpenFile.state.get(memory, file)));
    this.replay = new JournalReplay(kernel, new Set(pipes));
    this.playAll(this.content.frames);
    this.replay.finish();
    this.file = host.local?.openStream(vfs, this.disk.descriptor, 2) ?? 0;
    if (this.file === 0)
      throw new WeftError("ERR_LIMIT", "no room for a journal (option maxKernelMemory)");
    KernelRoot.journal.set(memory, root, this.file);
    provideRecorder(kernel, journalRecorder(kernel));
  }

  /**
   * The host program starts a process, which has no thread yet: it takes up what one of its program had that was running.
   *
   * @param program what `identify` said
   */
  begin(
    record: number,
    loaded: LoadedProgram,
    program: string,
    { args = [], cwd = "/" }: SpawnOptions,
  ): void {
    const at = this.left.findIndex(({ note }) => note.program === program);
    const [left] = at < 0 ? [] : this.left.splice(at, 1);
    const pid = Record_.id.get(this.subject.kernel.memory, record);
    const { name } = loaded;
    const note = { pid, name, args, cwd, isWasix: loaded.program.isWasix, program };
    this.write(FrameKind.begin, left === undefined ? note : { ...note, from: left.note.pid });
    if (left !== undefined) this.takeUp(left, record);
  }

  /** What a program is known by. */
  identify(bytes: Uint8Array): Promise<string> {
    return digestOf(bytes);
  }

  /** A process that the host program started has ended. */
  end(pid: number, exitCode: number): void {
    if (this.over.has(pid)) return;
    this.over.add(pid);
    this.write(FrameKind.end, { pid, exitCode });
  }

  /** Whether a process of the snapshot had ended. */
  hasEnded(pid: number): boolean {
    return this.over.has(pid);
  }

  /** Begins anew with a snapshot. Nobody else does anything in the heap. */
  keep(snapshot: Uint8Array): void {
    this.disk.replace([makeJournalHead(snapshot.length), snapshot]);
    OpenFile.host.set(this.subject.kernel.memory, this.file, this.disk.descriptor + 1);
  }

  /** Gives up the processes whose programs were not started again. */
  settle(): void {
    for (const left of this.left.splice(0)) this.giveUp(left);
  }

  /** Nothing runs any more. */
  close(): void {
    const { kernel } = this.subject;
    this.settle();
    KernelRoot.journal.set(kernel.memory, kernel.root, 0);
    dropFile(kernel.vfs, this.file);
    this.disk.close();
  }

  private write(kind: number, note: BeginNote | EndNote): void {
    this.disk.append(makeFrame(kind, new TextEncoder().encode(JSON.stringify(note))));
  }

  private playAll(frames: readonly Frame[]): void {
    const { kernel } = this.subject;
    const ended = new Set<number>();
    for (const { kind, payload } of frames)
      if (kind === FrameKind.end) ended.add(noteOf<EndNote>(payload).pid);
    const known = listIds(kernel.memory, kernel.processTable, Record_);
    const found = new Map<number, number>();
    /** Processes that go on from the snapshot, or descend from such: they do again what they did. */
    const goOn = new Set<number>();
    for (const pid of known) {
      const record = findProcess(kernel, pid);
      const session = Record_.session.get(kernel.memory, record);
      const isDead = Record_.state.load(kernel.memory, record) === ProcessState.ended;
      if (isDead || !ended.has(session)) {
        goOn.add(pid);
        dropProcess(kernel, record);
      } else found.set(pid, record);
    }
    const children = new Map<number, number>();
    let last = 0;
    for (const { kind, payload } of frames) {
      if (kind === FrameKind.begin) {
        const note = noteOf<BeginNote>(payload);
        last = Math.max(last, note.pid);
        const before = this.left.find((each) => each.note.pid === note.from);
        if (before === undefined) this.makeLeft(note);
        else this.left[this.left.indexOf(before)] = { ...before, note };
      } else if (kind === FrameKind.end) this.playEnd(noteOf(payload), found);
      else if (kind === FrameKind.call) {
        const call = decodeCall(payload);
        last = Math.max(last, call.pid, call.tid);
        if (goOn.has(call.parent)) goOn.add(call.pid);
        if (!goOn.has(call.pid)) this.playCall(call, found, children);
      }
    }
    for (const child of children.values()) giveUpProcess(kernel, child);
    for (const record of found.values()) dropProcess(kernel, record);
    // Numbers are not used twice.
    const next = KernelRoot.nextId.load(kernel.memory, kernel.root);
    KernelRoot.nextId.store(kernel.memory, kernel.root, Math.max(next, last + 1));
  }

  private playCall(
    call: CallRecord,
    found: ReadonlyMap<number, number>,
    children: Map<number, number>,
  ): void {
    const left = this.left.find(({ note }) => note.pid === call.pid);
    const recordOf = (pid: number) =>
      this.left.find(({ note }) => note.pid === pid)?.record ?? found.get(pid) ?? children.get(pid);
    let record = recordOf(call.pid);
    const parent = record === undefined ? recordOf(call.parent) : undefined;
    if (parent !== undefined) {
      const child = this.replay.makeChild(parent);
      if (child !== 0) children.set(call.pid, (record = child));
    }
    if (record === undefined) return;
    if (left !== undefined && call.call.endsWith(".tty_set")) {
      left.modes = call;
      return;
    }
    const failure = this.replay.play(call, record);
    if (failure === undefined) this.replayed++;
    else this.lost.push(`${call.call} of process ${call.pid}: ${failure}`);
  }

  private playEnd({ pid, exitCode }: EndNote, found: Map<number, number>): void {
    const { kernel } = this.subject;
    const at = this.left.findIndex(({ note }) => note.pid === pid);
    if (at >= 0) this.giveUp(this.left.splice(at, 1)[0]);
    for (const [each, record] of found) {
      if (Record_.session.get(kernel.memory, record) !== pid) continue;
      exitProcess(kernel, record, exitCode, EndReason.exited);
      this.over.add(each);
      found.delete(each);
      dropProcess(kernel, record);
    }
  }

  /** Makes a process that has what one begins with; `/dev/null` for each of the host program's streams. */
  private makeLeft(note: BeginNote): void {
    const { kernel, host, tree } = this.subject;
    const { memory, root } = kernel;
    let directory: number;
    try {
      directory = tree.findDirectory(note.cwd);
    } catch {
      return void this.lost.push(`process ${note.pid}: its directory ${note.cwd} is not there`);
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
    if (record < 0) return void this.lost.push(`process ${note.pid}: error ${-record}`);
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
    this.left.push({ note, record, streams: files, modes: undefined });
  }

  /** Gives a process what another had, but for its streams. */
  private takeUp(left: LeftProcess, record: number): void {
    const { memory, vfs } = this.subject.kernel;
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
    const { modes } = left;
    if (modes !== undefined && this.replay.play(modes, record) !== undefined)
      this.lost.push(`the modes of the terminal of process ${left.note.pid}`);
    this.giveUp(left);
  }

  private giveUp({ record, streams }: LeftProcess): void {
    const { kernel } = this.subject;
    for (const file of streams) dropFile(kernel.vfs, file);
    giveUpProcess(kernel, record);
  }
}

function noteOf<Note>(payload: Uint8Array): Note {
  return JSON.parse(new TextDecoder().decode(payload)) as Note;
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
