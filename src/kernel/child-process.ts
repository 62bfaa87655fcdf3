/** How processes come from processes: a child that has what its parent has, and another program in the place of one. */
import { Errno } from "../abi/errno.ts";
import type { KernelMemory, U32Field } from "../shm/index.ts";
import { dropInode } from "../vfs/index.ts";
import { addChild } from "./family.ts";
import { closeOnExec } from "./descriptors.ts";
import { copyFileTable } from "./file-table.ts";
import { HostCall, type Kernel } from "./kernel.ts";
import {
  createProcess,
  forgetSignalCallback,
  Process,
  ProcessState,
  readWorkingDirectory,
  keepProcessStrings,
} from "./process.ts";
import { giveUpProcess, interruptAllLocked } from "./process-end.ts";
import { dropStringList } from "./string-list.ts";
import { keepTerminal } from "./terminal.ts";
import { Pending } from "./thread.ts";

/**
 * Makes a child of a process: with its descriptors, directories, terminal, arguments and environment, without threads (fork(2)).
 *
 * @returns its address with a count for the caller, who also has it in hand; or EAGAIN (limit) or ENOMEM negated
 */
export function createChild(kernel: Kernel, parent: number): number {
  const { memory, vfs } = kernel;
  const { directory, path } = readWorkingDirectory(memory, parent);
  const child = createProcess(kernel, {
    arguments: keepProcessStrings(memory, parent, "arguments"),
    environment: keepProcessStrings(memory, parent, "environment"),
    rootDirectory: Process.rootDirectory.get(memory, parent),
    workingDirectory: directory,
    workingPath: path,
    session: Process.session.get(memory, parent),
  });
  dropInode(vfs, directory);
  if (child < 0) return child;
  const terminal = Process.terminal.get(memory, parent);
  if (terminal !== 0) keepTerminal(memory, terminal);
  Process.terminal.set(memory, child, terminal);
  Process.ignoredSignals.set(memory, child, Process.ignoredSignals.get(memory, parent));
  const from = Process.files.get(memory, parent);
  const copied = copyFileTable(memory, from, Process.files.get(memory, child));
  if (copied === 0 && addChild(kernel, parent, child)) return child;
  giveUpProcess(kernel, child);
  return copied < 0 ? copied : -Errno.EAGAIN;
}

/**
 * Gives a process what its next program is to be called with: `StringList`s whose counts are taken over; an environment of 0 leaves it as it is.
 *
 * @param program the host's number for the program
 */
export function setNextProgram(
  { memory }: Kernel,
  process: number,
  program: number,
  argumentList: number,
  environment: number,
): void {
  Process.lock.acquire(memory, process);
  const before = Process.nextArguments.get(memory, process);
  const environmentBefore = Process.nextEnvironment.get(memory, process);
  Process.nextProgram.set(memory, process, program);
  Process.nextArguments.set(memory, process, argumentList);
  Process.nextEnvironment.set(memory, process, environment);
  Process.lock.release(memory, process);
  dropStringList(memory, before);
  dropStringList(memory, environmentBefore);
}

/**
 * Begins to replace a process's program: every thread is to leave, and when the last one has, the host starts the program that it has ready. Parameters as
 * `setNextProgram`.
 *
 * @returns false, and the counts stay with the caller, when the process ends or is being replaced by another of its threads
 */
export function beginReplacement(
  kernel: Kernel,
  process: number,
  program: number,
  argumentList: number,
  environment: number,
): boolean {
  const { memory } = kernel;
  Process.lock.acquire(memory, process);
  const accepted = Process.state.load(memory, process) === ProcessState.running;
  if (accepted) {
    Process.nextProgram.set(memory, process, program);
    Process.nextArguments.set(memory, process, argumentList);
    Process.nextEnvironment.set(memory, process, environment);
    Process.state.store(memory, process, ProcessState.replacing);
    interruptAllLocked(memory, process, Pending.exit);
  }
  Process.lock.release(memory, process);
  if (accepted) kernel.callHost(HostCall.process);
  return accepted;
}

/** Makes a process without threads ready for its next program: what execve(2) changes. */
export function renewProcess(kernel: Kernel, process: number): void {
  const { memory, vfs } = kernel;
  closeOnExec(vfs, Process.files.get(memory, process));
  Process.lock.acquire(memory, process);
  const before = [
    takeOver(memory, process, Process.arguments, Process.nextArguments),
    takeOver(memory, process, Process.environment, Process.nextEnvironment),
  ];
  Process.lock.release(memory, process);
  for (const list of before) dropStringList(memory, list);
  forgetSignalCallback(memory, process);
}

/** Moves a list from one field to another, unless there is none; the list that was there, with its count, or 0. */
function takeOver(memory: KernelMemory, process: number, to: U32Field, from: U32Field): number {
  const list = from.get(memory, process);
  if (list === 0) return 0;
  const before = to.get(memory, process);
  to.set(memory, process, list);
  from.set(memory, process, 0);
  return before;
}
