/**
 * Restoring a machine from a snapshot: `Machine.restore`. A part of its own, which only programs that do so load.
 *
 * The heap comes back as it was: ids, files, times, devices, mounts in memory. What lay on the host does not: the options name it, by the place where it is
 * mounted. A snapshot opens nothing by itself.
 */
import { type Kernel, KernelRoot } from "../kernel/index.ts";
import { createGuestMemory } from "../loader/program-memory.ts";
import {
  createFromPages,
  fillPages,
  type HeapPages,
  HeapPagesError,
  type KernelMemory,
  listShapes,
  Parker,
  readLedger,
  unsubscribe,
  WaitEntry,
} from "../shm/index.ts";
import type { ProcessRunner } from "../threads/port.ts";
import { resumeKernel } from "../threads/resume.ts";
import {
  coverDirectory,
  dropFile,
  FilesystemId,
  firstMount,
  Inode,
  keepInode,
  Mount,
  mountPath,
} from "../vfs/index.ts";
import type { Host } from "../hosts/port.ts";
import { type Beginning, limitsOf, lockOrderOf } from "./beginning.ts";
import { WeftError } from "./errors.ts";
import type { FurtherParts } from "./further-parts.ts";
import type { GuestTree } from "./guest-tree.ts";
import { reopenHostPlaces } from "./host-places.ts";
import { takeUpStreams } from "./host-streams.ts";
import { launchOf } from "./launch.ts";
import type { Mountable, MountMaker } from "./mount-sources.ts";
import { atMountPoint } from "./mounts.ts";
import type { LoadedProgram, MachineOptions } from "./options.ts";
import type { PipeStreams } from "./pipe-ends.ts";
import type { Process } from "./process.ts";
import { readSnapshot, refusal, type Snapshot } from "./snapshot-format.ts";
import { makeProcess } from "./started-process.ts";

/** What a machine is restored with: the options of a machine without `files`, which it has already. */
export type RestoreOptions = Omit<MachineOptions, "files">;

/** A snapshot that was read, as the beginning of a machine. */
export interface Restoration extends Beginning {
  /** Whether the machine needs the code for mounts, and the calls that few programs make. */
  readonly mounts: boolean;
  readonly furtherCalls: boolean;
  /** Open files of the host program's ends of its processes' streams and terminals, or 0. */
  readonly streams: readonly number[];
  /** Goes on with the processes. */
  resume(machine: ResumingMachine): Promise<void>;
}

/** What goes on with processes. */
export interface ResumingMachine {
  readonly kernel: Kernel;
  readonly host: Host;
  readonly pipes: PipeStreams;
  /** Where a process has a terminal. */
  readonly further: FurtherParts | undefined;
  readonly options: MachineOptions;
  load(bytes: Uint8Array, name: string): Promise<LoadedProgram>;
  runProcesses(): ProcessRunner;
  /** Takes up a process that the host program started. */
  follow(process: Process): void;
}

/** Reads a snapshot. @throws WeftError: ERR_SNAPSHOT, ERR_HOST */
export async function openSnapshot(
  bytes: Uint8Array | ArrayBuffer,
  options: RestoreOptions,
): Promise<Restoration> {
  // A plain array: those of Node slice themselves otherwise.
  const view =
    bytes instanceof Uint8Array && bytes.buffer instanceof ArrayBuffer
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      : new Uint8Array(bytes);
  const snapshot = await readSnapshot(view, options.maxKernelMemory);
  const { manifest } = snapshot;
  return {
    mounts: manifest.mounts,
    furtherCalls: manifest.furtherCalls,
    streams: manifest.processes.flatMap(({ spawned }) => spawned?.streams ?? []),
    makeKernel(host, options) {
      const memory = makeHeap(snapshot, host.mayBlock, options);
      checkShapes(memory, manifest.shapes);
      const { clock, randomness, local } = host;
      return resumeKernel(memory, clock, randomness, limitsOf(host, options), local, manifest);
    },
    makeTree(kernel, tree, options, maker) {
      for (const file of manifest.files) dropFile(kernel.vfs, file);
      forgetWaits(kernel.memory, manifest.waits);
      try {
        reattachMounts(kernel, tree, options.mounts ?? {}, maker);
        reopenHostPlaces(kernel, tree, manifest.places);
      } catch (error) {
        maker?.giveUp();
        throw error;
      }
    },
    async resume(machine) {
      const programs: LoadedProgram[] = [];
      for (const [index, bytes] of snapshot.programs.entries())
        programs.push(await machine.load(bytes.slice(), manifest.programs[index].name));
      const memories = manifest.processes.map(({ program, size }, index) =>
        makeMemory(programs[program], size, snapshot.memories[index]),
      );
      const { kernel, further } = machine;
      const ends = takeUpStreams(machine, manifest.processes);
      manifest.processes.forEach(({ process, program, spawned }, index) => {
        const served = start(machine, process, programs[program], memories[index]);
        const files = ends.get(process);
        if (spawned === undefined || files === undefined) return;
        const around = { kernel, further, loadTrapWords: machine.host.loadTrapWords };
        machine.follow(makeProcess(around, process, spawned.name, files, served, {}));
      });
    },
  };
}

/** Resolves when the process has ended. */
function start(
  { options, runProcesses }: ResumingMachine,
  process: number,
  loaded: LoadedProgram,
  memory: WebAssembly.Memory,
): Promise<void> {
  const runner = runProcesses();
  // The stacks of its threads are data, which carriers that suspend stacks do not take up.
  const asleep = { ...loaded, shareable: undefined };
  if (runner.resume !== undefined)
    return runner.resume(process, launchOf(asleep, options.maxThreads, 0, memory));
  throw new WeftError("ERR_HOST", "processes go on only on a page that is isolated");
}

function makeMemory(
  { program }: LoadedProgram,
  size: number,
  pages: HeapPages,
): WebAssembly.Memory {
  try {
    const memory = createGuestMemory(program, size);
    if (memory !== undefined && fillPages(new Uint8Array(memory.buffer), pages)) return memory;
  } catch (cause) {
    throw refusal(`the memory of ${program.name} cannot be had`, cause);
  }
  throw refusal(`the memory of ${program.name} does not fit the program`);
}

/** Nobody waits any more by these pairs of a parker and an entry. */
function forgetWaits(memory: KernelMemory, waits: readonly number[]): void {
  for (let index = 0; index + 1 < waits.length; index += 2) {
    const [parker, entry] = waits.slice(index, index + 2);
    unsubscribe(memory, entry);
    WaitEntry.free(memory, entry);
    Parker.free(memory, parker);
  }
}

function makeHeap({ heap }: Snapshot, mayBlock: boolean, options: MachineOptions): KernelMemory {
  const limit = options.maxKernelMemory;
  try {
    return createFromPages(heap, mayBlock, { limit, ...lockOrderOf(options) });
  } catch (cause) {
    if (!(cause instanceof HeapPagesError)) throw cause;
    throw refusal(`the snapshot cannot be restored: ${cause.message}`, cause);
  }
}

/** Checks that this build lays its records out as the one that made the snapshot. */
function checkShapes(memory: KernelMemory, shapes: Readonly<Record<string, number>>): void {
  const own = listShapes();
  const other = Object.keys(own).find((name) => name in shapes && shapes[name] !== own[name]);
  const unknown = Object.keys(readLedger(memory)).find((name) => !(name in own && name in shapes));
  if (other === undefined && unknown === undefined) return;
  throw refusal(
    `the snapshot is of another build of Weft: its records of kind ${other ?? unknown} are not laid out as here`,
  );
}

/** Gives the mounts of a restored machine what they lack of the host. */
function reattachMounts(
  kernel: Kernel,
  tree: GuestTree,
  wanted: Readonly<Record<string, Mountable>>,
  maker: MountMaker | undefined,
): void {
  const { memory } = kernel;
  const offered = new Map(
    Object.entries(wanted).map(([path, source]) => [path.replace(/(.)\/+$/, "$1"), source]),
  );
  const mounts: { mount: number; path: string; lack: string | undefined; below: number }[] = [];
  for (let mount = firstMount(memory, kernel.mounts); mount !== 0;) {
    const covered = Mount.covered.get(memory, mount);
    mounts.unshift({
      mount,
      path: mountPath(memory, mount),
      lack: maker?.lacks(mount),
      below: covered === 0 ? 0 : Inode.mount.get(memory, covered),
    });
    mount = Mount.next.get(memory, mount);
  }
  const missing = mounts.filter(({ lack, path }) => lack !== undefined && !offered.has(path));
  if (missing.length > 0) {
    const names = missing.map(({ path, lack }) => `${JSON.stringify(path)} (${lack})`).join(", ");
    throw refusal(`mount again what the snapshot lacks of the host: ${names}`);
  }
  for (const path of offered.keys()) {
    if (!mounts.some((each) => each.lack !== undefined && each.path === path))
      throw new WeftError(
        "ERR_OPTION",
        `mounts: nothing of the host was mounted at ${JSON.stringify(path)} in the snapshot`,
      );
  }
  // Mounts of host directories: whatever covers one of their directories covers another record now.
  const renewed = new Set<number>();
  for (const { mount, path, lack, below } of mounts) {
    if (renewed.has(below)) {
      atMountPoint(kernel, tree, path, (covered, parent) =>
        coverDirectory(memory, mount, covered, parent),
      );
    }
    if (lack === undefined) continue;
    try {
      maker!.reattach(mount, offered.get(path)!);
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
      const { code, message, errno } = error;
      throw new WeftError(code, `mounts: ${JSON.stringify(path)}: ${message}`, {
        cause: error,
        ...(errno === undefined ? {} : { errno }),
      });
    }
    if (Mount.filesystem.get(memory, mount) !== FilesystemId.hostfs) continue;
    renewed.add(mount);
    if (path === "/") {
      const top = keepInode(memory, Mount.root.get(memory, mount));
      KernelRoot.rootInode.set(memory, kernel.root, top);
    }
  }
}
