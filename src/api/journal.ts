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
import type { JournalFile } from "../hosts/port.ts";
import {
  dropProcess,
  EndReason,
  exitProcess,
  findProcess,
  giveUpProcess,
  isEnding,
  KernelRoot,
  listIds,
  processKeys,
  Process as Record_,
  ProcessState,
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
import { dropFile, OpenFile } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { MachineFiles } from "./files.ts";
import { JournalReplay } from "./journal-replay.ts";
import {
  type BeginNote,
  giveUpLeft,
  type JournalSubject,
  type LeftProcess,
  makeLeft,
  takeUpLeft,
} from "./left-process.ts";
import type { LoadedProgram, SpawnOptions } from "./options.ts";
import type { Process } from "./process.ts";
import { decodeChange, encodeChange, type TreeChange } from "./tree-changes.ts";

/** What a machine found in its journal. */
export interface JournalReport {
  /** Calls that were made again. */
  readonly replayed: number;
  /** What could not be had again, each with its reason. */
  readonly lost: readonly string[];
}

interface EndNote {
  readonly pid: number;
  readonly exitCode: number;
}

interface AgainNote {
  readonly pids: readonly number[];
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
  attach(subject: JournalSubject & { fs: MachineFiles }, hostStreams: readonly number[]): void {
    const { kernel, host, fs } = subject;
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
    fs.onChange = (change) => this.noteChange(change);
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
    if (left === undefined) return;
    takeUpLeft(this.subject, left, record);
    const { modes } = left;
    if (modes !== undefined && this.replay.play(modes, record) !== undefined)
      this.lost.push(`the modes of the terminal of process ${left.note.pid}`);
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

  /** Notes the end of a process that the host program started. What a machine that is closed ends goes on in the next one that has its journal. */
  async watch(process: Process, isClosing: () => boolean): Promise<void> {
    const { exitCode } = await process.exited();
    if (!isClosing()) this.end(process.pid, exitCode);
  }

  /** Notes which processes have ended: for a host program that ends now. */
  noteEnds(processes: Iterable<Process>): void {
    const { memory } = this.subject.kernel;
    for (const { record, pid } of processes)
      if (isEnding(memory, record)) this.end(pid, Record_.exitCode.get(memory, record) | 0);
  }

  /** The host program has changed files. */
  private noteChange(change: TreeChange): void {
    const time = this.subject.kernel.vfs.clock.milliseconds();
    this.disk.append(makeFrame(FrameKind.change, encodeChange({ change, time })));
  }

  /** Resolves when those processes of the snapshot are over that had ended. */
  async awaitEnded(processes: readonly Process[]): Promise<void> {
    const ended = processes.filter(({ pid }) => this.over.has(pid));
    await Promise.all(ended.map((process) => process.wait().catch(() => {})));
  }

  /** Begins anew with a snapshot. Nobody else does anything in the heap. */
  keep(snapshot: Uint8Array): void {
    this.disk.replace([makeJournalHead(snapshot.length), snapshot]);
    OpenFile.host.set(this.subject.kernel.memory, this.file, this.disk.descriptor + 1);
  }

  /** Gives up the processes whose programs were not started again. */
  settle(): void {
    for (const left of this.left.splice(0)) giveUpLeft(this.subject.kernel, left);
  }

  /** The machine is given up, or was never made. */
  giveUpFile(): void {
    this.disk.close();
  }

  /** Nothing runs any more. */
  close(): void {
    const { kernel } = this.subject;
    this.settle();
    KernelRoot.journal.set(kernel.memory, kernel.root, 0);
    dropFile(kernel.vfs, this.file);
    this.disk.close();
  }

  private write(kind: number, note: BeginNote | EndNote | AgainNote): void {
    this.disk.append(makeFrame(kind, new TextEncoder().encode(JSON.stringify(note))));
  }

  private playAll(frames: readonly Frame[]): void {
    const { kernel } = this.subject;
    const ended = new Set<number>();
    /** Where processes have last gone on from the snapshot: what they had done before, they have done again. */
    const wentOn = new Map<number, number>();
    for (const [index, { kind, payload }] of frames.entries()) {
      if (kind === FrameKind.end) ended.add(noteOf<EndNote>(payload).pid);
      else if (kind === FrameKind.again)
        for (const pid of noteOf<AgainNote>(payload).pids) wentOn.set(pid, index);
    }
    const known = listIds(kernel.memory, kernel.processTable, processKeys);
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
    for (const [index, { kind, payload }] of frames.entries()) {
      if (kind === FrameKind.begin) {
        const note = noteOf<BeginNote>(payload);
        last = Math.max(last, note.pid);
        const before = this.left.find((each) => each.note.pid === note.from);
        if (before === undefined) this.leave(note);
        else this.left[this.left.indexOf(before)] = { ...before, note };
      } else if (kind === FrameKind.end) this.playEnd(noteOf(payload), found);
      else if (kind === FrameKind.change) this.playChange(payload);
      else if (kind === FrameKind.call) {
        const call = decodeCall(payload);
        last = Math.max(last, call.pid, call.tid);
        if (goOn.has(call.parent)) goOn.add(call.pid);
        const counts = index > (wentOn.get(call.pid) ?? -1);
        if (counts && !goOn.has(call.pid)) this.playCall(call, found, children);
      }
    }
    if (goOn.size > 0 && frames.length > 0) this.write(FrameKind.again, { pids: [...goOn] });
    for (const child of children.values()) giveUpProcess(kernel, child);
    for (const record of found.values()) dropProcess(kernel, record);
    // Numbers are not used twice.
    const next = KernelRoot.nextId.load(kernel.memory, kernel.root);
    KernelRoot.nextId.store(kernel.memory, kernel.root, Math.max(next, last + 1));
  }

  private leave(note: BeginNote): void {
    const made = makeLeft(this.subject, note);
    if (typeof made === "string") this.lost.push(`process ${note.pid}: ${made}`);
    else this.left.push(made);
  }

  private playChange(payload: Uint8Array): void {
    const dated = decodeChange(payload);
    const failure = this.replay.change(this.subject.tree, dated);
    if (failure !== undefined) this.lost.push(`${dated.change.call} from outside: ${failure}`);
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
    if (at >= 0) giveUpLeft(kernel, this.left.splice(at, 1)[0]);
    for (const [each, record] of found) {
      if (Record_.session.get(kernel.memory, record) !== pid) continue;
      exitProcess(kernel, record, exitCode, EndReason.exited);
      this.over.add(each);
      found.delete(each);
      dropProcess(kernel, record);
    }
  }
}

function noteOf<Note>(payload: Uint8Array): Note {
  return JSON.parse(new TextDecoder().decode(payload)) as Note;
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
