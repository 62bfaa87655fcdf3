/**
 * The end of threads and processes: the list of a process's threads, the exit code that counts, and what is done when the last thread has left.
 *
 * Lock: `Process.lock`. Ends happen on whatever agent comes to them: the thread that leaves, or the host for one that was ended with its worker.
 */
import { Signal } from "../abi/enums.ts";
import { allocate, type KernelMemory, wakeQueue } from "../shm/index.ts";
import { emit, EventKind } from "./events.ts";
import { leaveChildren, tellParent } from "./family.ts";
import { addId, removeId } from "./id-table.ts";
import { HostCall, type Kernel } from "./kernel.ts";
import {
  dropProcess,
  EndReason,
  isEnding,
  keepProcess,
  Process,
  ProcessChange,
  ProcessState,
  tearDown,
} from "./process.ts";
import {
  childOfCaller,
  dropThread,
  interruptThread,
  markFinished,
  Pending,
  Thread,
  threadKeys,
} from "./thread.ts";

/**
 * Puts a new thread in its process's list and the id table; it takes a count of the process.
 *
 * @returns false when the process is ending: the caller drops the thread
 */
export function addThread(kernel: Kernel, process: number, thread: number): boolean {
  const { memory } = kernel;
  Process.lock.acquire(memory, process);
  const state = Process.state.load(memory, process);
  const accepted = state === ProcessState.running || state === ProcessState.replaced;
  if (accepted) {
    // The first thread of the program that takes the other's place.
    Process.state.store(memory, process, ProcessState.running);
    const first = Process.firstThread.get(memory, process);
    Thread.next.set(memory, thread, first);
    if (first !== 0) Thread.previous.set(memory, first, thread);
    Process.firstThread.set(memory, process, thread);
    Process.live.set(memory, process, Process.live.get(memory, process) + 1);
    if (Process.stopSignal.load(memory, process) !== 0)
      Thread.pending.or(memory, thread, Pending.stop);
    const signals = Process.signals.get(memory, process);
    Process.signals.set(memory, process, 0);
    if (signals !== 0) {
      Thread.signals.or(memory, thread, signals);
      Thread.pending.or(memory, thread, Pending.signal);
    }
    keepProcess(memory, process);
    addId(memory, kernel.threadTable, threadKeys, thread);
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
  const child = childOfCaller(memory, thread);
  // It has the thread's memory and stack: it goes no further without them.
  if (child !== 0) {
    leaveChild(kernel, thread);
    killChild(kernel, child);
  }
  markFinished(memory, thread, exitCode);
  removeId(memory, kernel.threadTable, threadKeys, thread);
  Process.lock.acquire(memory, process);
  const next = Thread.next.get(memory, thread);
  const previous = Thread.previous.get(memory, thread);
  if (previous === 0) Process.firstThread.set(memory, process, next);
  else Thread.next.set(memory, previous, next);
  if (next !== 0) Thread.previous.set(memory, next, previous);
  const live = Process.live.get(memory, process) - 1;
  Process.live.set(memory, process, live);
  const isLeaving = Process.state.load(memory, process) === ProcessState.replacing;
  const isReplaced = live === 0 && isLeaving;
  if (isLeaving) {
    // What waits for the program that leaves waits for the next (execve(2)).
    const signals = Process.signals.get(memory, process) | Thread.signals.load(memory, thread);
    Process.signals.set(memory, process, signals);
  }
  if (isReplaced) {
    Process.state.store(memory, process, ProcessState.replaced);
    Process.hands.set(memory, process, Process.hands.get(memory, process) + 1);
    Process.isBetween.set(memory, process, 1);
  } else if (live === 0) {
    recordExitLocked(kernel, process, exitCode, EndReason.exited, 0, undefined);
  }
  const isOver = isOverLocked(memory, process);
  Process.lock.release(memory, process);
  if (isReplaced) kernel.callHost(HostCall.process);
  else if (isOver) endProcess(kernel, process);
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
  if (decided) interruptAllLocked(memory, process, Pending.exit);
  const isOver = isOverLocked(memory, process);
  Process.lock.release(memory, process);
  if (decided) {
    wakeQueue(memory, Process.changes.at(process), ProcessChange.exiting);
    kernel.callHost(HostCall.process);
    if (isOver) endProcess(kernel, process);
  }
  return decided;
}

/** Whether the end of a process is decided and nobody uses what it has any more: who makes it so does the rest (`endProcess`). */
function isOverLocked(memory: KernelMemory, process: number): boolean {
  return (
    Process.state.load(memory, process) === ProcessState.exiting &&
    Process.live.get(memory, process) === 0 &&
    Process.hands.get(memory, process) === 0
  );
}

/** Takes a process in hand: what it has stays until `letGo`. False where its end is decided. */
export function takeInHand(memory: KernelMemory, process: number): boolean {
  Process.lock.acquire(memory, process);
  const accepted = !isEnding(memory, process);
  if (accepted) Process.hands.set(memory, process, Process.hands.get(memory, process) + 1);
  Process.lock.release(memory, process);
  return accepted;
}

/** Lets go of a process. One whose end was decided meanwhile, and that has no thread, ends now. */
export function letGo(kernel: Kernel, process: number): void {
  const { memory } = kernel;
  Process.lock.acquire(memory, process);
  Process.hands.set(memory, process, Process.hands.get(memory, process) - 1);
  const isOver = isOverLocked(memory, process);
  Process.lock.release(memory, process);
  if (isOver) endProcess(kernel, process);
}

/** Gives every thread of a process work to notice: bits of `Pending`. */
export function interruptAllLocked(memory: KernelMemory, process: number, work: number): void {
  for (
    let thread = Process.firstThread.get(memory, process);
    thread !== 0;
    thread = Thread.next.get(memory, thread)
  )
    interruptThread(memory, thread, work);
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
  if (isEnding(memory, process)) return false;
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

/** The last thread is gone: closes everything and wakes those who wait. */
function endProcess(kernel: Kernel, process: number): void {
  const { memory } = kernel;
  tearDown(kernel, process);
  leaveChildren(kernel, process);
  emit(
    kernel,
    EventKind.processEnded,
    Process.id.get(memory, process),
    0,
    Process.exitCode.get(memory, process),
  );
  tellParent(kernel, process, true);
  wakeQueue(memory, Process.changes.at(process), ProcessChange.exiting | ProcessChange.ended);
  kernel.callHost(HostCall.process);
}

/**
 * Ends a process that has no program and will get none, also where the host is about to start one: lets go of it, and drops the caller's count. Others may have
 * found it meanwhile: so it must have ended before its last count is dropped.
 */
export function giveUpProcess(kernel: Kernel, child: number): void {
  letGo(kernel, child);
  killChild(kernel, child);
}

function killChild(kernel: Kernel, child: number): void {
  exitProcess(kernel, child, 128 + Signal.KILL, EndReason.killed, Signal.KILL);
  dropProcess(kernel, child);
}

/** Lets a thread call as a child of its process that shares its memory, and that it has in hand, until that has a program or exits (vfork(2)). */
export function callAsChild(memory: KernelMemory, thread: number, child: number): void {
  Thread.caller.set(memory, thread, child);
}

/** A thread that calls as a child calls as its own process again, and lets go of the child. Returns that; its count goes to the caller. */
export function leaveChild(kernel: Kernel, thread: number): number {
  const { memory } = kernel;
  const child = Thread.caller.get(memory, thread);
  Thread.caller.set(memory, thread, Thread.process.get(memory, thread));
  letGo(kernel, child);
  return child;
}
