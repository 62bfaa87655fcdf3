/**
 * Taking snapshots of a machine: `Machine.snapshot`. A part of its own, which only machines that do so load. The whole state of a machine is its kernel heap;
 * what its agents know besides is in the manifest (`snapshot-format.ts`).
 *
 * Life: one `MachineSnapshots` for a machine, from the first one on. They are taken one after the other: while one is taken, what it has stopped must not go on.
 */
import { layersOf } from "../fs/overlayfs/index.ts";
import type { Host } from "../hosts/port.ts";
import {
  dropProcess,
  findProcess,
  type Kernel,
  KernelRoot,
  listIds,
  processKeys,
  Process as Process_,
  ProcessState,
} from "../kernel/index.ts";
import type { Program } from "../loader/program.ts";
import { contentOf, copyPages, isBroken, listShapes, listUsedPages, PAGE } from "../shm/index.ts";
import { askThreads, findMoving, isAwaited, releaseThreads } from "../threads/captured.ts";
import type { ProcessRunner } from "../threads/port.ts";
import { FilesystemId, firstMount, Mount, mountPath } from "../vfs/index.ts";
import { listHostPlaces } from "./host-places.ts";
import { listWaits } from "./host-waiter.ts";
import type { Journal } from "./journal.ts";
import type { MachineOptions } from "./options.ts";
import type { Process } from "./process.ts";
import { layOutSnapshot, type ProcessManifest, refusal, sealSnapshot } from "./snapshot-format.ts";

/** How a snapshot is taken. */
export interface SnapshotOptions {
  /** Compress it by gzip: a fraction of the size, and tens of times the time. Default false. */
  readonly compress?: boolean;
  /** Milliseconds that processes may take to come to rest. Default 10,000. */
  readonly timeout?: number;
}

/** A program's bytes, and what it is called. */
export interface ProgramFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The agents' side of a machine. */
export interface SnapshotSubject {
  readonly kernel: Kernel;
  readonly host: Host;
  /** Whether it has the code for mounts, and the calls that few programs make. */
  readonly mounts: boolean;
  readonly furtherCalls: boolean;
  /** The bytes of its programs, where they are kept. */
  readonly sources: ReadonlyMap<Program, ProgramFile>;
  readonly runner: ProcessRunner | undefined;
  readonly options: MachineOptions;
  readonly journal: Journal | undefined;
  /** @throws WeftError: ERR_CLOSED, ERR_KERNEL_PANIC */
  mustBeOpen(): void;
  /** A program asked for one that could not be taken. */
  onFailure(cause: unknown): void;
  /** Open files that the host program holds, and the processes that it started. */
  listEnds(): readonly number[];
  listSpawned(): readonly Process[];
}

/** Does something with a snapshot, for which all threads wait. */
export type SnapshotKeeper = (snapshot: Uint8Array<ArrayBuffer>) => void | Promise<void>;

/** How long processes may take to come to rest, and how often they are looked at, in milliseconds. */
const PATIENCE = 10_000;
const PAUSE = 2;

export class MachineSnapshots {
  /** One that programs have asked for is being taken. */
  private isGiving = false;
  private last: Promise<unknown> = Promise.resolve();

  /** @param subject the machine as it is now */
  constructor(private readonly subject: () => SnapshotSubject) {}

  /** See `Machine.snapshot`. */
  take(options: SnapshotOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.afterOthers((subject) => {
      subject.mustBeOpen();
      const { journal } = subject;
      return takeSnapshot(subject, options, journal && ((bytes) => journal.keep(bytes)));
    });
  }

  /** Takes one as if a program had asked for it. Throws as `take`. */
  async offer(): Promise<void> {
    await this.afterOthers((subject) => {
      const { onSnapshot, snapshotOptions = {} } = subject.options;
      return takeSnapshot(subject, snapshotOptions, onSnapshot);
    });
  }

  /** Programs ask for one. Never rejects. */
  async give(): Promise<void> {
    if (this.isGiving) return;
    this.isGiving = true;
    await this.afterOthers(async (subject) => {
      const release = await giveSnapshot(subject);
      // Before: they may ask again at once.
      this.isGiving = false;
      release();
    });
  }

  private afterOthers<T>(take: (subject: SnapshotSubject) => Promise<T>): Promise<T> {
    const taken = this.last.then(() => {
      const subject = this.subject();
      subject.journal?.settle();
      return take(subject);
    });
    this.last = taken.catch(() => {});
    return taken;
  }
}

/** Takes a snapshot of a machine in which every thread waits for it; `keep` has them wait longer. @throws WeftError: ERR_SNAPSHOT, ERR_HOST */
async function takeSnapshot(
  subject: SnapshotSubject,
  options: SnapshotOptions,
  keep?: SnapshotKeeper,
): Promise<Uint8Array<ArrayBuffer>> {
  const seal = (copy: Uint8Array<ArrayBuffer>) => sealSnapshot(copy, options.compress === true);
  let copy: Uint8Array<ArrayBuffer>;
  try {
    await comeToRest(subject, options, () => true);
    copy = copyMachine(subject);
    if (keep !== undefined) {
      copy = await seal(copy);
      await keep(copy);
    }
  } finally {
    release(subject, undefined);
  }
  return keep === undefined ? seal(copy) : copy;
}

/** Lets threads go on: see `releaseThreads`. */
function release({ kernel, runner }: SnapshotSubject, isTaken: boolean | undefined): void {
  if (!isBroken(kernel.memory)) releaseThreads(kernel, runner?.listRunning?.() ?? [], isTaken);
}

/** Takes a snapshot that programs wait for and gives it to the host program. Never rejects. @returns what lets them go on */
async function giveSnapshot(subject: SnapshotSubject): Promise<() => void> {
  const { kernel, runner } = subject;
  const { onSnapshot, snapshotOptions = {} } = subject.options;
  let isTaken = false;
  try {
    // Of two that asked, the first one's snapshot was both's, or those that asked were killed.
    const isWanted = () => isAwaited(kernel, runner?.listRunning?.() ?? []);
    if (!(await comeToRest(subject, snapshotOptions, isWanted)))
      return () => release(subject, isTaken);
    const { compress } = snapshotOptions;
    await onSnapshot?.(await sealSnapshot(copyMachine(subject), compress === true));
    isTaken = true;
  } catch (cause) {
    subject.onFailure(cause);
  }
  return () => release(subject, isTaken);
}

/** Resolves with true when nobody but this agent does anything in the heap, with false when nobody wants that any more. @throws WeftError: ERR_SNAPSHOT */
async function comeToRest(
  { kernel, runner, listSpawned }: SnapshotSubject,
  { timeout = PATIENCE }: SnapshotOptions,
  isWanted: () => boolean,
): Promise<boolean> {
  const until = performance.now() + timeout;
  for (;;) {
    kernel.memory.refreshIfGrown();
    if (!isWanted()) return false;
    const running = runner?.listRunning?.() ?? [];
    askThreads(kernel, running);
    const records = running.map(({ process }) => process);
    const ending = listSpawned().find(({ record }) => !records.includes(record))?.pid;
    const other = ending ?? findOther(kernel, records);
    const moving =
      other === undefined ? findMoving(kernel, running) : `process ${other}, which begins or ends,`;
    if (moving === undefined) return true;
    if (performance.now() > until)
      throw refusal(
        `snapshot: ${moving} does not come to rest; it must call or wait, and its stack must be such that it can be taken apart`,
      );
    await new Promise<void>((resolve) => {
      setTimeout(resolve, PAUSE);
    });
  }
}

/** The number of a process that lives, or undefined where it is one of these: a child is there before the host has heard of it. */
function findOther(kernel: Kernel, records: readonly number[]): number | undefined {
  const { memory } = kernel;
  return listIds(memory, kernel.processTable, processKeys).find((id) => {
    const process = findProcess(kernel, id);
    if (process === 0) return false;
    const lives = Process_.state.load(memory, process) !== ProcessState.ended;
    dropProcess(kernel, process);
    return lives && !records.includes(process);
  });
}

/** Copies all of a machine, in one go. */
function copyMachine(subject: SnapshotSubject): Uint8Array<ArrayBuffer> {
  const { kernel, host, mounts, furtherCalls, sources, runner } = subject;
  refuseStores(kernel);
  runner?.deliverEvents();
  const running = runner?.listRunning?.() ?? [];
  const places = running.flatMap((each) => listHostPlaces(kernel, host, each));
  const programs = [...new Set(running.map(({ program }) => program))];
  const files = programs.map((program) => {
    const file = sources.get(program);
    if (file !== undefined) return file;
    throw refusal(
      `snapshot: ${program.name} lives, and its bytes are kept with the option onSnapshot only`,
    );
  });
  const heap = pagesOf(contentOf(kernel.memory));
  const spawned = subject.listSpawned();
  const ends = subject.listEnds();
  const memories = running.map(({ memory, program }) => {
    if (memory !== undefined) return pagesOf(new Uint8Array(memory.buffer));
    throw refusal(`snapshot: the memory of ${program.name} is not shared: it cannot be copied`);
  });
  const processes = running.map(({ process, program }, index): ProcessManifest => {
    const host = spawned.find(({ record }) => record === process);
    return {
      process,
      program: programs.indexOf(program),
      size: memories[index].content.length / PAGE,
      pages: memories[index].numbers.length,
      ...(host && {
        spawned: {
          name: host.options.name,
          streams: streamsOf(host, ends),
          terminal: host.terminal?.record ?? 0,
        },
      }),
    };
  });
  const held = new Set(processes.flatMap((each) => each.spawned?.streams ?? []));
  const traces = running.flatMap(({ trace }) => (trace === 0 ? [] : [trace]));
  return layOutSnapshot(
    {
      shapes: listShapes(),
      clock: kernel.clock.monotonicMilliseconds(),
      mounts,
      furtherCalls,
      carriers: runner?.listCarriers?.() ?? [],
      files: [...ends.filter((file) => !held.has(file)), ...traces, ...journalOf(kernel)],
      waits: listWaits(kernel),
      programs: files.map(({ name, bytes }) => ({ name, bytes: bytes.length })),
      processes,
      // Descriptors of several processes may have one open file.
      places: [...new Map(places.map((each) => [`${each.kind} ${each.record}`, each])).values()],
      pages: heap.numbers.length,
    },
    [
      ...fillersOf(heap),
      ...files.map(
        ({ bytes }) =>
          (room: Uint8Array) =>
            room.set(bytes),
      ),
      ...memories.flatMap(fillersOf),
    ],
  );
}

/** The open file of the machine's journal, if it keeps one. */
function journalOf({ memory, root }: Kernel): number[] {
  const file = KernelRoot.journal.get(memory, root);
  return file === 0 ? [] : [file];
}

interface Pages {
  readonly content: Uint8Array;
  readonly numbers: Uint32Array;
}

function pagesOf(content: Uint8Array): Pages {
  return { content, numbers: listUsedPages(content) };
}

function fillersOf({ content, numbers }: Pages): ((room: Uint8Array) => void)[] {
  return [
    (room) => {
      const view = new DataView(room.buffer, room.byteOffset);
      numbers.forEach((page, index) => view.setUint32(index * 4, page, true));
    },
    (room) => copyPages(content, numbers, room),
  ];
}

/** The open files of the host program's ends of a process's streams, those that it has closed left out. */
function streamsOf(
  { stdin, stdout, stderr, terminal }: Process,
  ends: readonly number[],
): number[] {
  return [stdin, stdout, stderr, terminal?.output].map((stream) =>
    stream !== undefined && ends.includes(stream.file) ? stream.file : 0,
  );
}

/** A store of the browser has its own copy of its files, which goes on: two machines cannot both keep theirs in it. */
function refuseStores({ memory, mounts }: Kernel): void {
  const isStore = (mount: number): boolean => {
    const filesystem = mount === 0 ? 0 : Mount.filesystem.get(memory, mount);
    if (filesystem === FilesystemId.overlayfs) return layersOf(memory, mount).some(isStore);
    return filesystem === FilesystemId.logfs;
  };
  for (let mount = firstMount(memory, mounts); mount !== 0; mount = Mount.next.get(memory, mount)) {
    if (!isStore(mount)) continue;
    const path = JSON.stringify(mountPath(memory, mount));
    throw refusal(`snapshot: ${path} is mounted from opfs(), which keeps its files itself`);
  }
}
