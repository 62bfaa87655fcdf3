/**
 * Thread: one stack of guest code and what the kernel knows of it.
 *
 * States: `pending` (has an id, waits for a carrier) → `running` (on a carrier, also while it sleeps in a call) → `finished`.
 * A finished thread has left its process's list and the id table; joiners were woken; the record lives until the last count is dropped.
 *
 * Counts: one for being in the process's list, one for each carrier that runs it, joiner or sender that found it.
 * The record begins with its parker, so a thread's address is what wakers use.
 */
import {
  address,
  atomic32,
  block,
  f64,
  layout,
  panic,
  parkerFields,
  u32,
  u64,
  unpark,
  WaitEntry,
  waitQueue,
  wakeQueue,
  type KernelMemory,
} from "../shm/index.ts";
import { freeContextTable, StackContext } from "./context-table.ts";
import { FutexWaiter } from "./futex.ts";
import { findId, type Keyed } from "./id-table.ts";
import { type Kernel, KernelRoot } from "./kernel.ts";
import { freeStackImage, freeStackImages } from "./stack-image.ts";

/** States of a thread: see above. */
export const ThreadState = { pending: 0, running: 1, finished: 2 } as const;

/** Work that waits for a thread until its next syscall or wake-up: bits of `Thread.pending`. */
export const Pending = {
  /** The process ends: leave the guest. */
  exit: 1,
  /** Signals are queued. */
  signal: 2,
  /** The process was stopped: stay until it goes on. */
  stop: 4,
  /** The host wants a snapshot: let the stack be taken apart, and wait, until it has one. The host clears this. */
  capture: 8,
} as const;

/** Whether a thread waits for a snapshot of the machine, its stack in `Thread.image`. */
export const Capture = { none: 0, waits: 1, failed: 2 } as const;

/** How a thread whose stack is in `Thread.image` goes on with the call by which that was taken apart. */
export const DeepSleeper = {
  none: 0,
  /** The call is made again, and takes up what the one before has left in the record. */
  resumes: 1,
  /** The call is made for the first time. */
  calls: 2,
} as const;

/** How a thread began. */
export const StartKind = { main: 0, spawned: 1 } as const;

export const Thread = layout("Thread", {
  ...parkerFields,
  refs: atomic32,
  /** Its number: immutable. Equal to the pid for a main thread. */
  id: u32,
  /** Guarded by the id table's lock. */
  idNext: address,
  /** Immutable; the thread holds a count of it. */
  process: address,
  /** Neighbours in the process's list: guarded by Process.lock. */
  next: address,
  previous: address,
  /** `ThreadState`: atomic; `finished` is set once. */
  state: atomic32,
  /** Its own exit code, or the error's: written before `finished`. */
  exitCode: u32,
  /** `Pending`: anyone sets, the thread itself clears. */
  pending: atomic32,
  /** Queued signals, one bit each: anyone sets, the thread itself takes. */
  signals: atomic32,
  /** Signals whose handlers run now, one bit each; bit 0: the innermost is the C library's default action (`DEFAULT_ACTION`). The thread's own. */
  handling: u32,
  /** `StartKind` and the start record's address in the guest: immutable. */
  startKind: u32,
  startPointer: u32,
  /** Memory layout (`spec/threads.md` §2): immutable. */
  stackUpper: u32,
  stackLower: u32,
  stackSize: u32,
  guardSize: u32,
  tlsBase: u32,
  /** The carrier that runs it, or 0: guarded by Carriers.lock. */
  carrier: address,
  /** Link in a queue of threads that wait for a carrier, or with the engine's instruction: guarded by Carriers.lock. */
  queueNext: address,
  /** Who joins it. */
  joiners: waitQueue(),
  /** Its place in a wait queue, and in a futex's line. The thread's own. */
  waitEntry: block(WaitEntry.bytes),
  futexWaiter: block(FutexWaiter.bytes),
  /**
   * What its call holds while it sleeps, each with a count: an open file, a thread, a request for a program, and `WaitEntry`s that name files. Its own; see
   * `abandonWaits`.
   */
  heldFile: address,
  heldThread: address,
  heldRequest: address,
  /** The process that its calls are of: its own, or a child of that with a count (`callAsChild`). Its own. */
  caller: address,
  heldEntries: address,
  /** A wait with the engine's own instruction, on a shared carrier (`threads/raw-wait.ts`): written by the thread, the answer by the host. */
  rawAddress: f64,
  rawBytes: u32,
  rawExpected: u64,
  rawTimeout: f64,
  rawAnswer: atomic32,
  /** The stack that it goes on with when it is given a carrier, or that is being taken apart, or 0. The thread's, once it runs. */
  image: address,
  /** Its deadline while it sleeps without a carrier, and neighbours by deadline: guarded by Carriers.lock. See `threads/sleepers.ts`. */
  sleepDeadline: f64,
  /** `DeepSleeper`: how it goes on when it sleeps so, or waits for a snapshot that it did not ask for. Its own. */
  sleepsDeeply: u32,
  sleepNext: address,
  sleepPrevious: address,
  /** When its call began, on the monotonic clock, and the bytes that it has moved: for a call that goes on after such a sleep. Its own. */
  callBegan: f64,
  callMoved: f64,
  /** `Capture`: the thread begins to wait, the host ends that. */
  capture: atomic32,
  /** While it calls as a child that shares its memory (`proc_fork`): the stack that it goes back to as the parent, and where the child's pid goes then. */
  forkImage: address,
  forkResult: u32,
  forkPid: u32,
  /** Its checkpoints, the latest first: `StackImage`s. Its own. */
  checkpoints: address,
  /** The stacks that signals' handlers interrupted, of which the first runs on a stack of its own: `StackImage`s, the latest first. Of the running context; its own. */
  interrupted: address,
  /** Its contexts, or 0; the number of the one that runs; and the stack pointer of the main one, while another runs. Its own. */
  contexts: address,
  mainStackPointer: u32,
  context: f64,
  /** When it was made, in milliseconds of the monotonic clock: immutable. */
  born: f64,
});

/** By what the table of ids knows its records. */
export const threadKeys: Keyed = { id: Thread.id, idNext: Thread.idNext };

/** Where a thread has its stack, as guest addresses: it grows from `upper` down to `lower`. */
export interface StackLayout {
  readonly upper: number;
  readonly lower: number;
  /** Bytes of the stack, and of the guard below it. */
  readonly size: number;
  readonly guard: number;
  /** Address of the thread-local block, or 0 where it is not known. */
  readonly tlsBase: number;
}

/**
 * Makes a thread with a fresh id, in state pending, with one count for its process's list (the caller puts it there).
 *
 * @returns its address, or 0 when a limit is reached or the kernel heap is full
 */
export function createThread(
  kernel: Kernel,
  process: number,
  id: number,
  kind: number,
  startPointer: number,
  stack: StackLayout,
): number {
  const { memory, root } = kernel;
  if (KernelRoot.threads.add(memory, root, 1) >= KernelRoot.threadLimit.get(memory, root)) {
    KernelRoot.threads.add(memory, root, -1);
    return 0;
  }
  const thread = Thread.allocate(memory);
  if (thread === 0) {
    KernelRoot.threads.add(memory, root, -1);
    return 0;
  }
  Thread.refs.store(memory, thread, 1);
  Thread.id.set(memory, thread, id);
  Thread.process.set(memory, thread, process);
  Thread.caller.set(memory, thread, process);
  Thread.startKind.set(memory, thread, kind);
  Thread.startPointer.set(memory, thread, startPointer);
  Thread.stackUpper.set(memory, thread, stack.upper);
  Thread.stackLower.set(memory, thread, stack.lower);
  Thread.stackSize.set(memory, thread, stack.size);
  Thread.guardSize.set(memory, thread, stack.guard);
  Thread.tlsBase.set(memory, thread, stack.tlsBase);
  Thread.born.set(memory, thread, kernel.clock.monotonicMilliseconds());
  return thread;
}

/** Takes one more count. */
export function keepThread(memory: KernelMemory, thread: number): void {
  Thread.refs.add(memory, thread, 1);
}

/** Drops one count; the last one frees the record. */
export function dropThread(kernel: Kernel, thread: number): void {
  if (Thread.refs.add(kernel.memory, thread, -1) !== 1) return;
  freeStackImage(kernel.memory, Thread.image.get(kernel.memory, thread));
  freeStackImage(kernel.memory, Thread.forkImage.get(kernel.memory, thread));
  freeStackImages(kernel.memory, Thread.checkpoints.get(kernel.memory, thread));
  freeStackImages(kernel.memory, Thread.interrupted.get(kernel.memory, thread));
  freeContextTable(kernel.memory, Thread.contexts.get(kernel.memory, thread));
  KernelRoot.threads.add(kernel.memory, kernel.root, -1);
  Thread.free(kernel.memory, thread);
}

/** The living thread with an id, with a count, or 0. */
export function findThread(kernel: Kernel, id: number): number {
  return findId(kernel.memory, kernel.threadTable, threadKeys, id, keepThread);
}

/** Gives a thread work to notice at its next syscall, and ends its wait if it is in one. */
export function interruptThread(memory: KernelMemory, thread: number, work: number): void {
  Thread.pending.or(memory, thread, work);
  unpark(memory, thread);
}

/** Marks a thread as finished, which happens once, and wakes its joiners. */
export function markFinished(memory: KernelMemory, thread: number, exitCode: number): void {
  Thread.exitCode.set(memory, thread, exitCode);
  if (Thread.state.exchange(memory, thread, ThreadState.finished) === ThreadState.finished)
    panic(`thread ${Thread.id.get(memory, thread)}: it finished twice`);
  wakeQueue(memory, Thread.joiners.at(thread), 1);
}

/** The child as which a thread calls (`proc_fork_env`), or 0. */
export function childOfCaller(memory: KernelMemory, thread: number): number {
  const caller = Thread.caller.get(memory, thread);
  return caller === Thread.process.get(memory, thread) ? 0 : caller;
}

/** A thread leaves one context for another: the handlers that run in it stay there, and those of the other come. */
export function exchangeHandlers(
  memory: KernelMemory,
  thread: number,
  left: number,
  next: number,
): void {
  StackContext.interrupted.set(memory, left, Thread.interrupted.get(memory, thread));
  StackContext.handling.set(memory, left, Thread.handling.get(memory, thread));
  Thread.interrupted.set(memory, thread, StackContext.interrupted.get(memory, next));
  Thread.handling.set(memory, thread, StackContext.handling.get(memory, next));
  StackContext.interrupted.set(memory, next, 0);
}
