/**
 * The streams between a host program and the processes of a snapshot. The ends that the host program before had are this one's. Standard streams that were
 * inherited, and terminals shown on them, are those of this host program; on a page, which has none, they become pipes and terminals that the page reads and
 * types at.
 */
import { Filetype } from "../abi/enums.ts";
import type { Host } from "../hosts/port.ts";
import {
  entryOf,
  FileEntry,
  keepTerminal,
  type Kernel,
  openPipe,
  Pipe,
  Process as Record_,
  readDescriptors,
  Terminal,
} from "../kernel/index.ts";
import type { KernelMemory } from "../shm/index.ts";
import { Access, dropFile, OpenFile, OperationsId } from "../vfs/index.ts";
import type { InitialFiles } from "./initial-files.ts";
import { Input } from "./input.ts";
import type { PipeStreams } from "./pipe-ends.ts";
import { type ProcessManifest, refusal, type SpawnedManifest } from "./snapshot-format.ts";

/** Standard streams, and what a terminal shows, by the places that `SpawnedManifest.streams` has for them. */
const SHOWN = 3;

/** Whether an open file is a standard stream of the host program. */
export function isStandardStream(memory: KernelMemory, file: number): boolean {
  const isStream = OpenFile.operations.get(memory, file) === OperationsId.hostStream;
  return isStream && OpenFile.host.get(memory, file) <= 3;
}

/** Takes them up, before anything runs. @returns the host program's side, by the record of the process, for those that a host program started */
export function takeUpStreams(
  { kernel, host, pipes }: { kernel: Kernel; host: Host; pipes: PipeStreams },
  processes: readonly ProcessManifest[],
): Map<number, InitialFiles> {
  const { memory } = kernel;
  const sides = new Map<number, InitialFiles>();
  for (const { process, spawned } of processes) {
    if (spawned === undefined) continue;
    const session = Record_.session.get(memory, process);
    const inherited = new Set(
      processes
        .filter((other) => Record_.session.get(memory, other.process) === session)
        .flatMap((other) => listStandardStreams(memory, other.process)),
    );
    const streams = [...spawned.streams];
    if (host.local === undefined) replaceStreams(kernel, inherited, spawned, streams);
    else for (const file of inherited) adoptStream(kernel, host.local, file);
    const output = (index: number) =>
      streams[index] === 0 ? undefined : pipes.takeOutput(streams[index]);
    sides.set(process, {
      stdin: streams[0] === 0 ? undefined : new Input(pipes.takeInput(streams[0])),
      stdout: output(1),
      stderr: output(2),
      terminal: spawned.terminal === 0 ? undefined : spawned.terminal,
      shown: output(SHOWN),
      isTyped: streams[0] === 0,
      trace: undefined,
      traced: Promise.resolve(),
    });
  }
  return sides;
}

/** Open files of a process that are standard streams of the host program, with what shows its terminal. */
function listStandardStreams(memory: KernelMemory, process: number): number[] {
  const table = Record_.files.get(memory, process);
  const terminal = Record_.terminal.get(memory, process);
  return [
    ...[...readDescriptors(memory, table, 0)].map(({ fd }) =>
      FileEntry.file.get(memory, entryOf(memory, table, fd)),
    ),
    terminal === 0 ? 0 : Terminal.output.get(memory, terminal),
  ].filter((file) => file !== 0 && isStandardStream(memory, file));
}

/** A standard stream of this host program may be a terminal where the other's was none. */
function adoptStream(
  { memory, vfs }: Kernel,
  local: NonNullable<Host["local"]>,
  file: number,
): void {
  const now = local.openStream(vfs, OpenFile.host.get(memory, file) - 1, 3);
  if (now === 0) throw noRoom();
  OpenFile.type.set(memory, file, OpenFile.type.get(memory, now));
  dropFile(vfs, now);
}

/** Makes pipes of standard streams, and of those that were terminals the process's terminal. Notes this host program's ends in `ends`. */
function replaceStreams(
  kernel: Kernel,
  files: ReadonlySet<number>,
  { terminal }: SpawnedManifest,
  ends: number[],
): void {
  const { memory, vfs } = kernel;
  /** The guest's ends of the pipes, by place. */
  const guests = new Map<number, number>();
  for (const file of files) {
    const descriptor = OpenFile.host.get(memory, file) - 1;
    const isTerminal =
      terminal !== 0 && OpenFile.type.get(memory, file) === Filetype.CHARACTER_DEVICE;
    OpenFile.host.set(memory, file, 0);
    if (isTerminal && descriptor === 0) {
      OpenFile.operations.set(memory, file, OperationsId.terminal);
      OpenFile.state.set(memory, file, keepTerminal(memory, terminal));
      continue;
    }
    const place = isTerminal ? SHOWN : descriptor;
    let guest = guests.get(place);
    if (guest === undefined) {
      const pair = openPipe(vfs);
      if (pair === undefined) throw noRoom();
      const [own, other] = place === 0 ? [pair[1], pair[0]] : pair;
      ends[place] = own;
      guests.set(place, (guest = other));
    }
    const pipe = OpenFile.state.get(memory, guest);
    const count = place === 0 ? Pipe.readers : Pipe.writers;
    count.set(memory, pipe, count.get(memory, pipe) + 1);
    OpenFile.operations.set(memory, file, OperationsId.pipe);
    OpenFile.access.set(memory, file, place === 0 ? Access.read : Access.write);
    OpenFile.state.set(memory, file, pipe);
    if (!isTerminal) OpenFile.type.set(memory, file, Filetype.UNKNOWN);
  }
  for (const guest of guests.values()) dropFile(vfs, guest);
}

function noRoom() {
  return refusal("there is no room for standard streams (option maxKernelMemory)");
}
