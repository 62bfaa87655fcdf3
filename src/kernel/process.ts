/**
 * Process: what threads share: descriptors, working directory, arguments, environment, how it ends.
 *
 * States: `running` → `exiting` (an exit code is recorded, threads are leaving) → `ended` (no thread is left, descriptors are closed). The first exit
 * code wins. `changes` is woken at each step. A program that replaces itself by another goes `running` → `replacing` → `replaced` → `running`, and may end
 * at each step.
 *
 * Counts: one for each thread, one for its starter (the host program, or a parent until it has read how the child ended), one for each finder. The
 * record outlives its end so that the exit code can be read.
 * Lock: `lock`, rank Process: the list of threads and the step to `exiting`.
 */
import { Errno } from "../abi/errno.ts";
import {
  address,
  allocate,
  atomic32,
  f64,
  free,
  layout,
  mutex,
  Rank,
  u32,
  waitQueue,
  type KernelMemory,
} from "../shm/index.ts";
import { dropInode, keepInode } from "../vfs/index.ts";
import { createFileTable, destroyFileTable } from "./file-table.ts";
import { addId, findId, type Keyed, removeId } from "./id-table.ts";
import { freeTimers } from "./interval-timer.ts";
import { type Kernel, KernelRoot } from "./kernel.ts";
import { dropTerminal } from "./terminal.ts";
import { dropStringList, keepStringList } from "./string-list.ts";

/** States of a process: see above. */
export const ProcessState = {
  running: 0,
  exiting: 1,
  ended: 2,
  /** Its threads leave, then another program takes their place (`proc_exec`). */
  replacing: 3,
  /** They have left: the host starts the program. */
  replaced: 4,
} as const;

/** Why a process ends. */
export const EndReason = {
  /** The main thread returned, or someone called `proc_exit`. */
  exited: 0,
  /** A trap, or another failure that the message tells. */
  failed: 1,
  /** The host program killed it. */
  killed: 2,
  /** A signal whose default is to end; `endDetail` is its number. */
  signalled: 3,
} as const;

/** What `Process.changes` is woken for. */
export const ProcessChange = { exiting: 1, ended: 2, threads: 4, children: 8 } as const;

export const Process = layout("Process", {
  refs: atomic32,
  lock: mutex(Rank.Process),
  /** Its number: immutable. */
  id: u32,
  /** Guarded by the id table's lock. */
  idNext: address,
  /** The pid of the process that the host program started and that this one descends from: immutable. */
  session: u32,
  /** The parent's pid; 0 when the host started it, or the parent has ended: written under `KernelRoot.family`. */
  parent: u32,
  /** Its parent without a count, and its children, each with one: guarded by `KernelRoot.family`. */
  parentProcess: address,
  firstChild: address,
  nextChild: address,
  previousChild: address,
  /** `ProcessState`: atomic; changed under lock. */
  state: atomic32,
  /** Written under lock with the step to `exiting`, immutable afterwards. */
  exitCode: u32,
  endReason: u32,
  endDetail: u32,
  /** UTF-8 text for people, or 0: as the exit code. */
  message: address,
  messageLength: u32,
  /** Threads that have not finished: guarded by lock. `live` may be read as a hint. */
  firstThread: address,
  live: u32,
  /** Descriptors: until `ended`. */
  files: address,
  /** Root and working directory, each with a count: `directoryLock` guards the working directory. */
  rootDirectory: address,
  workingDirectory: address,
  directoryLock: mutex(Rank.FileTable),
  /** An absolute path that leads to the working directory, for `getcwd`: UTF-8 bytes and their number, guarded by `directoryLock`. */
  workingPath: address,
  workingPathLength: u32,
  /** `StringList`s, with a count each. Replaced only while no thread runs, under lock; other processes take a count under it. */
  arguments: address,
  environment: address,
  /** What the program that is to start in it brings, or 0: guarded by lock. `nextProgram` is the host's number for it. */
  nextArguments: address,
  nextEnvironment: address,
  nextProgram: u32,
  /** Bits of `ProcessFlags`. */
  flags: atomic32,
  /** Signals that wait while no thread of it can take them, one bit each: guarded by lock. Its next thread takes them over. */
  signals: u32,
  /** Signals that its program is to ignore from the start, one bit each (`proc_signals_get`): written before its program starts. */
  ignoredSignals: u32,
  /**
   * Agents that use what it has while it has no thread, the one that makes it first of all: it ends when the last has let go (`letGo`). And 1 while the host has to
   * start its next program. Guarded by lock; the host may look at the latter without.
   */
  hands: u32,
  isBetween: u32,
  /** The signal that stopped it, or 0: atomic, changed under lock. And 1 until its parent has read of that. */
  stopSignal: atomic32,
  stopUnread: atomic32,
  /** What sends it signals from time to time (`interval-timer.ts`), linked: guarded by lock. */
  firstTimer: address,
  /** Name of the first signal callback that a thread registered, UTF-8, or 0: set once, before the flag `handlesSignals`. */
  signalCallback: address,
  signalCallbackLength: u32,
  changes: waitQueue(),
  /** Its terminal, with a count, or 0: immutable once it runs. */
  terminal: address,
  /** When it was made, on the monotonic clock in milliseconds: immutable. */
  started: f64,
  /** The carriers that serve it: belongs to the floor of threads. */
  crew: address,
});

/** By what the table of ids knows its records. */
export const processKeys: Keyed = { id: Process.id, idNext: Process.idNext };

/** Bits of `Process.flags`. */
export const ProcessFlags = {
  /** A thread of it registered a signal callback. */
  handlesSignals: 1,
  /** The host was told that it cannot be copied. */
  toldOfFork: 2,
  /** It wanted a checkpoint of a stack without asyncify: setjmp of its C library, which traps then. */
  lacksCheckpoints: 4,
} as const;

/** What a new process is given. */
export interface ProcessStart {
  /** `StringList`s, the second of `NAME=value`; a count of each is taken over, also when no process could be made. 0 where they could not be made. */
  arguments: number;
  environment: number;
  /** Inodes; a count of each is taken. */
  rootDirectory: number;
  workingDirectory: number;
  /** Absolute path of the working directory, as the process sees it. */
  workingPath: Uint8Array;
  /** `Process.session`; 0 for one of its own. */
  session: number;
}

/**
 * Makes a process without threads and without a parent, with an empty file table and one count for the caller, who also has it in hand (`letGo`).
 *
 * @returns its address, or -EAGAIN (limit), -ENOMEM
 */
export function createProcess(kernel: Kernel, start: ProcessStart): number {
  const { memory, root } = kernel;
  const isAllowed =
    KernelRoot.processes.add(memory, root, 1) < KernelRoot.processLimit.get(memory, root);
  const hasStrings = start.arguments !== 0 && start.environment !== 0;
  const process = isAllowed && hasStrings ? Process.allocate(memory) : 0;
  const files = process === 0 ? 0 : createFileTable(memory);
  const workingPath = files === 0 ? 0 : packBytes(memory, start.workingPath);
  if (workingPath === 0) {
    if (files !== 0) destroyFileTable(kernel.vfs, files);
    if (process !== 0) Process.free(memory, process);
    dropStringList(memory, start.arguments);
    dropStringList(memory, start.environment);
    KernelRoot.processes.add(memory, root, -1);
    return isAllowed ? -Errno.ENOMEM : -Errno.EAGAIN;
  }
  Process.refs.store(memory, process, 1);
  Process.hands.set(memory, process, 1);
  const id = kernel.newId();
  Process.id.set(memory, process, id);
  Process.session.set(memory, process, start.session === 0 ? id : start.session);
  Process.started.set(memory, process, kernel.clock.monotonicMilliseconds());
  Process.files.set(memory, process, files);
  Process.rootDirectory.set(memory, process, keepInode(memory, start.rootDirectory));
  Process.workingDirectory.set(memory, process, keepInode(memory, start.workingDirectory));
  Process.workingPath.set(memory, process, workingPath);
  Process.workingPathLength.set(memory, process, start.workingPath.length);
  Process.arguments.set(memory, process, start.arguments);
  Process.environment.set(memory, process, start.environment);
  addId(memory, kernel.processTable, processKeys, process);
  return process;
}

/** Takes a count of a process's list of strings, which another program of that process may replace meanwhile. */
export function keepProcessStrings(
  memory: KernelMemory,
  process: number,
  which: "arguments" | "environment",
): number {
  Process.lock.acquire(memory, process);
  const list = keepStringList(
    memory,
    (which === "arguments" ? Process.arguments : Process.environment).get(memory, process),
  );
  Process.lock.release(memory, process);
  return list;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A block with these bytes; 0 when the kernel heap is full. */
function packBytes(memory: KernelMemory, bytes: Uint8Array): number {
  const start = allocate(memory, Math.max(1, bytes.length));
  if (start !== 0) memory.u8.set(bytes, start);
  return start;
}

/** Takes one more count. */
export function keepProcess(memory: KernelMemory, process: number): void {
  Process.refs.add(memory, process, 1);
}

/** Drops one count; the last one frees the record. */
export function dropProcess(kernel: Kernel, process: number): void {
  const { memory } = kernel;
  if (Process.refs.add(memory, process, -1) !== 1) return;
  if (Process.state.load(memory, process) !== ProcessState.ended) {
    tearDown(kernel, process);
    KernelRoot.family.acquire(memory, kernel.root);
    markEndedLocked(kernel, process);
    KernelRoot.family.release(memory, kernel.root);
  }
  for (const field of [
    Process.arguments,
    Process.environment,
    Process.nextArguments,
    Process.nextEnvironment,
  ])
    dropStringList(memory, field.get(memory, process));
  free(
    memory,
    Process.workingPath.get(memory, process),
    Math.max(1, Process.workingPathLength.get(memory, process)),
  );
  const message = Process.message.get(memory, process);
  if (message !== 0) free(memory, message, Process.messageLength.get(memory, process));
  forgetSignalCallback(memory, process);
  Process.free(memory, process);
  KernelRoot.processes.add(memory, kernel.root, -1);
}

/** Whether its end is decided. */
export function isEnding(memory: KernelMemory, process: number): boolean {
  const state = Process.state.load(memory, process);
  return state === ProcessState.exiting || state === ProcessState.ended;
}

/** The process with an id, with a count, or 0. Also one that has ended, while its parent may ask for it. */
export function findProcess(kernel: Kernel, id: number): number {
  return findId(kernel.memory, kernel.processTable, processKeys, id, keepProcess);
}

/** Gives back all that a process has but its record: it is about to have ended. */
export function tearDown(kernel: Kernel, process: number): void {
  const { memory, vfs } = kernel;
  destroyFileTable(vfs, Process.files.get(memory, process));
  Process.files.set(memory, process, 0);
  dropInode(vfs, Process.workingDirectory.get(memory, process));
  dropInode(vfs, Process.rootDirectory.get(memory, process));
  Process.lock.acquire(memory, process);
  const timers = Process.firstTimer.get(memory, process);
  Process.firstTimer.set(memory, process, 0);
  Process.lock.release(memory, process);
  freeTimers(memory, timers);
  const terminal = Process.terminal.get(memory, process);
  if (terminal !== 0) dropTerminal(vfs, terminal);
  Process.terminal.set(memory, process, 0);
}

/** It has nothing left but its record. It keeps its number as long as its parent may ask for it. The caller holds `KernelRoot.family`. */
export function markEndedLocked({ memory, processTable }: Kernel, process: number): void {
  Process.state.store(memory, process, ProcessState.ended);
  if (Process.parentProcess.get(memory, process) === 0)
    removeId(memory, processTable, processKeys, process);
}

/**
 * Records that a thread registered a signal callback. The first name is for every thread that registers none itself, which the C library does on the main
 * thread only.
 */
export function addSignalCallback(memory: KernelMemory, process: number, name: string): void {
  if ((Process.flags.load(memory, process) & ProcessFlags.handlesSignals) !== 0) return;
  const bytes = encode(name);
  Process.lock.acquire(memory, process);
  if (Process.signalCallback.get(memory, process) === 0 && bytes.length > 0) {
    Process.signalCallback.set(memory, process, packBytes(memory, bytes));
    Process.signalCallbackLength.set(memory, process, bytes.length);
  }
  Process.flags.or(memory, process, ProcessFlags.handlesSignals);
  Process.lock.release(memory, process);
}

/** A copy of a process takes its signals as that does. */
export function copySignalCallback(memory: KernelMemory, from: number, to: number): void {
  const name = firstSignalCallback(memory, from);
  if (name !== undefined) addSignalCallback(memory, to, name);
}

/** The program that registered a signal callback is no more, nor any thread of it. */
export function forgetSignalCallback(memory: KernelMemory, process: number): void {
  Process.flags.and(memory, process, ProcessFlags.toldOfFork);
  const callback = Process.signalCallback.get(memory, process);
  if (callback === 0) return;
  free(memory, callback, Process.signalCallbackLength.get(memory, process));
  Process.signalCallback.set(memory, process, 0);
}

/** The first name that was given to `addSignalCallback`, or undefined. */
export function firstSignalCallback(memory: KernelMemory, process: number): string | undefined {
  if ((Process.flags.load(memory, process) & ProcessFlags.handlesSignals) === 0) return undefined;
  const start = Process.signalCallback.get(memory, process);
  if (start === 0) return undefined;
  const length = Process.signalCallbackLength.get(memory, process);
  return new TextDecoder().decode(memory.u8.slice(start, start + length));
}

/** The message that was recorded with the end, or undefined. */
export function endMessage(memory: KernelMemory, process: number): string | undefined {
  const message = Process.message.get(memory, process);
  if (message === 0) return undefined;
  const length = Process.messageLength.get(memory, process);
  return new TextDecoder().decode(memory.u8.slice(message, message + length));
}

/** The working directory with a count, and the path that leads to it: the two belong together, and another thread may change them meanwhile. */
export function readWorkingDirectory(
  memory: KernelMemory,
  process: number,
): { directory: number; path: Uint8Array } {
  Process.directoryLock.acquire(memory, process);
  const directory = keepInode(memory, Process.workingDirectory.get(memory, process));
  const start = Process.workingPath.get(memory, process);
  const path = memory.u8.slice(start, start + Process.workingPathLength.get(memory, process));
  Process.directoryLock.release(memory, process);
  return { directory, path };
}

/**
 * Changes the working directory; takes over the caller's count of it.
 *
 * @param path absolute path that leads there
 * @returns 0; ENOMEM negated, and the count stays with the caller
 */
export function setWorkingDirectory(
  kernel: Kernel,
  process: number,
  directory: number,
  path: Uint8Array,
): number {
  const { memory } = kernel;
  const copy = packBytes(memory, path);
  if (copy === 0) return -Errno.ENOMEM;
  Process.directoryLock.acquire(memory, process);
  const before = Process.workingDirectory.get(memory, process);
  const pathBefore = Process.workingPath.get(memory, process);
  const lengthBefore = Process.workingPathLength.get(memory, process);
  Process.workingDirectory.set(memory, process, directory);
  Process.workingPath.set(memory, process, copy);
  Process.workingPathLength.set(memory, process, path.length);
  Process.directoryLock.release(memory, process);
  free(memory, pathBefore, Math.max(1, lengthBefore));
  dropInode(kernel.vfs, before);
  return 0;
}
