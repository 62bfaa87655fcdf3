/** Fits terminals to open files: standard input, and `/dev/tty`. */
import { Filetype } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import type { KernelMemory } from "../shm/index.ts";
import {
  Access,
  AT_OFFSET,
  FileOperations,
  makeOpenFile,
  OpenFile,
  OperationsId,
  Readiness,
  type Transfer,
  type Vfs,
} from "../vfs/index.ts";
import { Process } from "./process.ts";
import { dropTerminal, keepTerminal, readableOf, readTerminal, Terminal } from "./terminal.ts";

/** Makes an open file of a terminal, with one count; it takes one of the terminal. 0 when the kernel heap is full. */
export function openTerminal(
  memory: KernelMemory,
  terminal: number,
  access: number,
  flags: number,
): number {
  const type = Filetype.CHARACTER_DEVICE;
  const file = makeOpenFile(memory, OperationsId.terminal, type, access, flags);
  if (file !== 0) OpenFile.state.set(memory, file, keepTerminal(memory, terminal));
  return file;
}

/** Opens the terminal of the process that the agent works for: an open file with one count; ENXIO without one, ENOMEM, negated. */
export function openOwnTerminal(vfs: Vfs, access: number, flags: number): number {
  const { memory, caller } = vfs;
  const terminal = caller === 0 ? 0 : Process.terminal.get(memory, caller);
  if (terminal === 0) return -Errno.ENXIO;
  const file = openTerminal(memory, terminal, access, flags);
  return file === 0 ? -Errno.ENOMEM : file;
}

/** Whether an open file is a terminal, of whatever kind: what a C library asks with `isatty`. */
export function isTerminal(vfs: Vfs, file: number): boolean {
  const isDevice = OpenFile.type.get(vfs.memory, file) === Filetype.CHARACTER_DEVICE;
  return isDevice && !vfs.operationsOf(file).seekable;
}

function terminalOf({ memory }: Vfs, file: number): number {
  return OpenFile.state.get(memory, file);
}

/** What shows the terminal, or 0. */
function outputOf(vfs: Vfs, file: number): number {
  return Terminal.output.get(vfs.memory, terminalOf(vfs, file));
}

export class TerminalOperations extends FileOperations {
  override read(vfs: Vfs, file: number, into: Transfer): number {
    return readTerminal(vfs.memory, terminalOf(vfs, file), into);
  }

  override write(vfs: Vfs, file: number, from: Transfer): number {
    const output = outputOf(vfs, file);
    if (output === 0) return -Errno.EIO;
    return vfs.operationsOf(output).write(vfs, output, from, AT_OFFSET);
  }

  override readiness(vfs: Vfs, file: number): number {
    const output = outputOf(vfs, file);
    const access = OpenFile.access.get(vfs.memory, file);
    const { isReady } = readableOf(vfs.memory, terminalOf(vfs, file));
    const writes = output === 0 ? 0 : vfs.operationsOf(output).readiness(vfs, output);
    return ((isReady ? Readiness.read : 0) | (writes & Readiness.write)) & access;
  }

  override available(vfs: Vfs, file: number): number {
    return readableOf(vfs.memory, terminalOf(vfs, file)).bytes;
  }

  override waitQueueOf(vfs: Vfs, file: number): number {
    const output = outputOf(vfs, file);
    // Who takes what is shown wakes both queues.
    if (OpenFile.access.get(vfs.memory, file) === Access.write && output !== 0)
      return vfs.operationsOf(output).waitQueueOf(vfs, output);
    return Terminal.waiters.at(terminalOf(vfs, file));
  }

  override release(vfs: Vfs, file: number): void {
    dropTerminal(vfs, terminalOf(vfs, file));
  }
}
