/**
 * Process: what threads share: descriptors, working directory, arguments, environment, how it ends.
 *
 * States: `running` → `exiting` (an exit code is recorded, threads are leaving) → `ended` (no thread is left, descriptors are closed). The first exit
 * code wins. `changes` is woken at each step.
 *
 * Counts: one for each thread, one for whoever started it (the host program, later a parent), one for each finder. The record outlives its end so
 * that the exit code can be read.
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
  wakeQueue,
  type KernelMemory,
} from "../shm/index.ts";
import { dropInode, keepInode } from "../vfs/index.ts";
import { emit, EventKind } from "./events.ts";
import { createFileTable, destroyFileTable } from "./file-table.ts";
import { addId, findId, removeId } from "./id-table.ts";
import { HostCall, type Kernel, KernelRoot } from "./kernel.ts";
import { dropTerminal } from "./terminal.ts";
import { dropThread, interruptThread, markFinished, Pending, Thread } from "./thread.ts";

export const ProcessState = { running: 0, exiting: 1, ended: 2 } as const;

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
export const ProcessChange = { exiting: 1, ended: 2, threads: 4 } as const;

export const Process = layout("Process", {
  refs: atomic32,
  lock: mutex(Rank.Process),
  /** Its number: immutable. */
  id: u32,
  /** Guarded by the id table's lock. */
  idNext: address,
  /** The parent's pid, 0 when the host started it: immutable. */
  parent: u32,
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
  /** Strings, each ended by NUL, one after the other: immutable. */
  arguments: address,
  argumentsLength: u32,
  argumentCount: u32,
  environment: address,
  environmentLength: u32,
  environmentCount: u32,
  /** Bits of `ProcessFlags`. */
  flags: atomic32,
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

export const ProcessFlags = {
  /** A thread of it registered a signal callback. */
  handlesSignals: 1,
} as const;

/** What a new process is given. Strings must hold no NUL. */
export interface ProcessStart {
  arguments: readonly string[];
  /** `NAME=value`. */
  environment: readonly string[];
  /** Inodes; a count of each is taken. */
  rootDirectory: number;
  workingDirectory: number;
  /** Absolute path of the working directory, as the process sees it. */
  workingPath: string;
  parent: number;
}

/**
 * Makes a process without threads, with an empty file table and one count for the caller.
 *
 * @returns its address, or -EAGAIN (limit), -ENOMEM
 */
export function createProcess(kernel: Kernel, start: ProcessStart): number {
  const { memory, root } = kernel;
  if (KernelRoot.processes.add(memory, root, 1) >= KernelRoot.processLimit.get(memory, root)) {
    KernelRoot.processes.add(memory, root, -1);
    return -Errno.EAGAIN;
  }
  const process = Process.allocate(memory);
  const files = process === 0 ? 0 : createFileTable(memory);
  const argv = files === 0 ? 0 : packStrings(memory, start.arguments);
  const environment = argv === 0 ? 0 : packStrings(memory, start.environment);
  const workingPath = environment === 0 ? 0 : packBytes(memory, encode(start.workingPath));
  if (workingPath === 0) {
    if (environment !== 0) free(memory, environment, Math.max(1, packedLength(start.environment)));
    if (argv !== 0) free(memory, argv, Math.max(1, packedLength(start.arguments)));
    if (files !== 0) destroyFileTable(kernel.vfs, files);
    if (process !== 0) Process.free(memory, process);
    KernelRoot.processes.add(memory, root, -1);
    return -Errno.ENOMEM;
  }
  Process.refs.store(memory, process, 1);
  Process.id.set(memory, process, kernel.newId());
  Process.parent.set(memory, process, start.parent);
  Process.started.set(memory, process, kernel.clock.monotonicMilliseconds());
  Process.files.set(memory, process, files);
  Process.rootDirectory.set(memory, process, keepInode(memory, start.rootDirectory));
  Process.workingDirectory.set(memory, process, keepInode(memory, start.workingDirectory));
  Process.workingPath.set(memory, process, workingPath);
  Process.workingPathLength.set(memory, process, encode(start.workingPath).length);
  Process.arguments.set(memory, process, argv);
  Process.argumentsLength.set(memory, process, packedLength(start.arguments));
  Process.argumentCount.set(memory, process, start.arguments.length);
  Process.environment.set(memory, process, environment);
  Process.environmentLength.set(memory, process, packedLength(start.environment));
  Process.environmentCount.set(memory, process, start.environment.length);
  addId(memory, kernel.processTable, Process, process);
  return process;
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

function packedLength(strings: readonly string[]): number {
  const encoder = new TextEncoder();
  return strings.reduce((sum, text) => sum + encoder.encode(text).length + 1, 0);
}

function packStrings(memory: KernelMemory, strings: readonly string[]): number {
  const start = allocate(memory, Math.max(1, packedLength(strings)));
  if (start === 0) return 0;
  const encoder = new TextEncoder();
  let at = start;
  for (const text of strings) {
    const bytes = encoder.encode(text);
    memory.u8.set(bytes, at);
    memory.u8[at + bytes.length] = 0;
    at += bytes.length + 1;
  }
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
  if (Process.state.load(memory, process) !== ProcessState.ended) tearDown(kernel, process);
  free(
    memory,
    Process.arguments.get(memory, process),
    Math.max(1, Process.argumentsLength.get(memory, process)),
  );
  free(
    memory,
    Process.environment.get(memory, process),
    Math.max(1, Process.environmentLength.get(memory, process)),
  );
  free(
    memory,
    Process.workingPath.get(memory, process),
    Math.max(1, Process.workingPathLength.get(memory, process)),
  );
  const message = Process.message.get(memory, process);
  if (message !== 0) free(memory, message, Process.messageLength.get(memory, process));
  const callback = Process.signalCallback.get(memory, process);
  if (callback !== 0) free(memory, callback, Process.signalCallbackLength.get(memory, process));
  Process.free(memory, process);
  KernelRoot.processes.add(memory, kernel.root, -1);
}

/** The process with an id, with a count, or 0. */
export function findProcess(kernel: Kernel, id: number): number {
  return findId(kernel.memory, kernel.processTable, Process, id, keepProcess);
}

/**
 * Puts a new thread in its process's list and the id table; it takes a count of the process.
 *
 * @returns false when the process is ending: the caller drops the thread
 */
export function addThread(kernel: Kernel, process: number, thread: number): boolean {
  const { memory } = kernel;
  Process.lock.acquire(memory, process);
  const accepted = Process.state.load(memory, process) === ProcessState.running;
  if (accepted) {
    const first = Process.firstThread.get(memory, process);
    Thread.next.set(memory, thread, first);
    if (first !== 0) Thread.previous.set(memory, first, thread);
    Process.firstThread.set(memory, process, thread);
    Process.live.set(memory, process, Process.live.get(memory, process) + 1);
    keepProcess(memory, process);
    addId(memory, kernel.threadTable, Thread, thread);
  }
  Process.lock.release(memory, process);
  if (accepted) {
    emit(
      kernel,
      EventKind.threadCreated,
      Process.id.get(memory, process),
      Thread.id.get(memory, thread),
      0,
    );
  }
  return accepted;
}

/**
 * The one clean-up of a thread, on every way out: leaves the list and the table, wakes joiners, and when it was the last, ends the process.
 * Called once per thread, by its carrier or by the host after the carrier was ended.
 */
export function finishThread(kernel: Kernel, thread: number, exitCode: number): void {
  const { memory } = kernel;
  const process = Thread.process.get(memory, thread);
  // Before the joiners wake: what they do is told after this.
  emit(
    kernel,
    EventKind.threadFinished,
    Process.id.get(memory, process),
    Thread.id.get(memory, thread),
    exitCode,
  );
  markFinished(memory, thread, exitCode);
  removeId(memory, kernel.threadTable, Thread, thread);
  Process.lock.acquire(memory, process);
  const next = Thread.next.get(memory, thread);
  const previous = Thread.previous.get(memory, thread);
  if (previous === 0) Process.firstThread.set(memory, process, next);
  else Thread.next.set(memory, previous, next);
  if (next !== 0) Thread.previous.set(memory, next, previous);
  const live = Process.live.get(memory, process) - 1;
  Process.live.set(memory, process, live);
  if (live === 0) recordExitLocked(kernel, process, exitCode, EndReason.exited, 0, undefined);
  Process.lock.release(memory, process);
  if (live === 0) endProcess(kernel, process);
  dropThread(kernel, thread);
  dropProcess(kernel, process);
}

/**
 * Ends a process with a code: every thread will leave at its next syscall or wake-up. Threads that compute are ended by the host
 * (`threads/`), which `callHost` tells. The first call decides the code.
 *
 * @param message for people: what happened, with the guest's stack
 * @returns whether this call decided
 */
export function exitProcess(
  kernel: Kernel,
  process: number,
  exitCode: number,
  reason: number,
  detail = 0,
  message?: string,
): boolean {
  const { memory } = kernel;
  Process.lock.acquire(memory, process);
  const decided = recordExitLocked(kernel, process, exitCode, reason, detail, message);
  if (decided) {
    for (
      let thread = Process.firstThread.get(memory, process);
      thread !== 0;
      thread = Thread.next.get(memory, thread)
    ) {
      interruptThread(memory, thread, Pending.exit);
    }
  }
  Process.lock.release(memory, process);
  if (decided) {
    wakeQueue(memory, Process.changes.at(process), ProcessChange.exiting);
    kernel.callHost(HostCall.process);
  }
  return decided;
}

function recordExitLocked(
  kernel: Kernel,
  process: number,
  exitCode: number,
  reason: number,
  detail: number,
  message: string | undefined,
): boolean {
  const { memory } = kernel;
  if (Process.state.load(memory, process) !== ProcessState.running) return false;
  Process.exitCode.set(memory, process, exitCode);
  Process.endReason.set(memory, process, reason);
  Process.endDetail.set(memory, process, detail);
  if (message !== undefined) {
    const bytes = new TextEncoder().encode(message);
    const copy = allocate(memory, bytes.length);
    if (copy !== 0) {
      memory.u8.set(bytes, copy);
      Process.message.set(memory, process, copy);
      Process.messageLength.set(memory, process, bytes.length);
    }
  }
  Process.state.store(memory, process, ProcessState.exiting);
  return true;
}

/** The last thread is gone: close everything and tell whoever waits. */
function endProcess(kernel: Kernel, process: number): void {
  const { memory } = kernel;
  tearDown(kernel, process);
  emit(
    kernel,
    EventKind.processEnded,
    Process.id.get(memory, process),
    0,
    Process.exitCode.get(memory, process),
  );
  wakeQueue(memory, Process.changes.at(process), ProcessChange.exiting | ProcessChange.ended);
  kernel.callHost(HostCall.process);
}

function tearDown(kernel: Kernel, process: number): void {
  const { memory, vfs } = kernel;
  removeId(memory, kernel.processTable, Process, process);
  destroyFileTable(vfs, Process.files.get(memory, process));
  Process.files.set(memory, process, 0);
  dropInode(vfs, Process.workingDirectory.get(memory, process));
  dropInode(vfs, Process.rootDirectory.get(memory, process));
  const terminal = Process.terminal.get(memory, process);
  if (terminal !== 0) dropTerminal(vfs, terminal);
  Process.terminal.set(memory, process, 0);
  Process.state.store(memory, process, ProcessState.ended);
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

/** Takes a count of the working directory, which another thread may change meanwhile. */
export function keepWorkingDirectory(memory: KernelMemory, process: number): number {
  Process.directoryLock.acquire(memory, process);
  const directory = keepInode(memory, Process.workingDirectory.get(memory, process));
  Process.directoryLock.release(memory, process);
  return directory;
}

/** The working directory with a count, and the path that leads to it: the two belong together. */
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
