/**
 * Kernel: the root of a machine's state, and this agent's way to it.
 *
 * The lock ladder, from outside in (ranks in `shm/ranks.ts`):
 *
 *     Carriers                  who runs what
 *       Family                  children of processes
 *       Process                 threads of a process, its end
 *         Ids                   id → record
 *           FileTable           descriptors
 *             Overlay           names of one layered filesystem
 *               Epoll           what a set of files holds
 *               Journal         changes of files that a store keeps
 *               OpenFile        offset
 *                 Mounts
 *                   Tree        names of one filesystem
 *                     Inode     bytes and size of one file
 *                       Terminal what was typed
 *                       Pipe    bytes of one pipe
 *                         Futex one bucket of waiters
 *                           WaitQueue
 *                             Heap
 *
 * Life: one `KernelRoot` record per machine, made by `createKernel`, found by every other agent through the heap's header (`attachKernel`).
 */
import {
  address,
  atomic32,
  block,
  f64,
  Header,
  layout,
  mutex,
  panic,
  Parker,
  Rank,
  ReadyQueue,
  u32,
  unpark,
  type KernelMemory,
} from "../shm/index.ts";
import { Mounts, Vfs } from "../vfs/index.ts";
import type { KernelEvent } from "./events.ts";
import { FUTEX_TABLE_BYTES } from "./futex.ts";
import { IdTable } from "./id-table.ts";
import type { Clock, Randomness } from "./port.ts";

/** Reasons for the host to look: bits of `hostCalls`. */
export const HostCall = {
  /** Carriers are wanted. */
  carriers: 1,
  /** A process is ending or has ended. */
  process: 2,
  /** Events wait in the queue. */
  events: 4,
  /** A guest reads from or writes to a stream that the host serves. */
  streams: 8,
  /** Threads wait with the engine's own instruction. */
  rawWaits: 16,
  /** A guest asks a filesystem whose code runs in the host program. */
  files: 64,
  /** A guest asks for a program to be loaded and run. */
  programs: 128,
  /** An interval timer was set. */
  timers: 256,
  /** A guest wants a snapshot of the machine. */
  snapshots: 512,
} as const;

export const KernelRoot = layout("KernelRoot", {
  /** Next id for a process or thread: atomic, starts at 1. */
  nextId: atomic32,
  /** Live counts, and their limits (immutable). */
  processes: atomic32,
  threads: atomic32,
  processLimit: u32,
  threadLimit: u32,
  /** How many threads can run at once, and the bytes of memory that each program may have: immutable, for `/proc`. */
  cores: u32,
  programMemory: f64,
  /** When the machine was made, on the monotonic clock in milliseconds: immutable. */
  booted: f64,
  /** What its monotonic clock is ahead of the host's, in milliseconds: written before any other agent attaches. */
  clockShift: f64,
  /** The root mount's root inode. */
  rootInode: address,
  /** The host's event loop sleeps here; `hostCalls` says why it was woken. */
  host: block(Parker.bytes),
  hostCalls: atomic32,
  /** 1 where the host takes snapshots when guests ask for them (`proc_snapshot`). */
  takesSnapshots: atomic32,
  /** Whether it did when it, or the machine of which it is the snapshot, was created: stacks that can be taken apart are not left to the engine, from then on. */
  keepsStacksApart: atomic32,
  /** 1 while the host waits for all threads to be data, and copies them: none of those that sleep without a carrier goes on. */
  isCapturing: atomic32,
  /** The open file that calls are recorded in, with a count of the host's, or 0: written before anything runs. */
  journal: address,
  /** Which events are wanted (`EventKind` bits): 0 makes them free. */
  eventMask: atomic32,
  /** Events that wait for the host, linked: see `events.ts`. */
  events: block(ReadyQueue.bytes),
  eventCount: atomic32,
  /** Questions to filesystems whose code runs in the host program, linked: see `fs/userfs`. */
  fileRequests: block(ReadyQueue.bytes),
  /** Programs that guests want to run, linked (`ProgramRequest`), and whether anybody loads them: set at boot. */
  programRequests: block(ReadyQueue.bytes),
  startsPrograms: u32,
  /** Who is whose child: guards `firstChild` and its like of all processes. */
  family: mutex(Rank.Family),
  /** A thread record that is nobody's and must leave at once: contexts stand on it between threads. Written at boot. */
  nobody: address,
  /** The in-kernel mark of contexts that have no agent's record any more: their calls find `nobody`, and are refused. Each agent's alone: only the host's has such. */
  retiredMark: block(4),
  mounts: block(Mounts.bytes),
  processTable: block(IdTable.bytes),
  threadTable: block(IdTable.bytes),
  futexes: block(FUTEX_TABLE_BYTES),
});

/** Limits of a machine, for all its processes. */
export interface KernelLimits {
  /** Processes alive at once. */
  processes: number;
  /** Threads alive at once, in all processes together, main threads included. */
  threads: number;
  /** Threads that can run at once, as programs are told. Default 1. */
  cores?: number;
  /** Bytes of memory that each program may have, as programs are told. Default 4 GiB. */
  programMemory?: number;
}

/** What an agent needs to make syscalls: views of the heap, code of the filesystems, clocks, randomness. */
export class Kernel {
  readonly vfs: Vfs;
  /** Gets each event that happens on this agent, where a trace of its process is written. */
  traceEvent: ((event: KernelEvent) => void) | undefined;

  constructor(
    readonly memory: KernelMemory,
    readonly root: number,
    readonly clock: Clock,
    readonly randomness: Randomness,
  ) {
    this.vfs = new Vfs(memory, clock);
  }

  get mounts(): number {
    return KernelRoot.mounts.at(this.root);
  }
  get processTable(): number {
    return KernelRoot.processTable.at(this.root);
  }
  get threadTable(): number {
    return KernelRoot.threadTable.at(this.root);
  }

  /** A new id. The counter ends the machine rather than give one twice. */
  newId(): number {
    const id = KernelRoot.nextId.add(this.memory, this.root, 1);
    if (id <= 0) panic("ids: all 2^31 are used up");
    return id;
  }

  /** Asks the host's event loop to look at something: bits of `HostCall`. */
  callHost(reason: number): void {
    KernelRoot.hostCalls.or(this.memory, this.root, reason);
    unpark(this.memory, KernelRoot.host.at(this.root));
  }
}

/** Makes the root record in a new kernel heap. */
export function createKernel(
  memory: KernelMemory,
  clock: Clock,
  randomness: Randomness,
  limits: KernelLimits,
): Kernel {
  const root = KernelRoot.allocate(memory);
  if (root === 0) panic("boot: the kernel heap is too small");
  KernelRoot.nextId.store(memory, root, 1);
  setLimits(memory, root, limits);
  KernelRoot.booted.set(memory, root, clock.monotonicMilliseconds());
  Atomics.store(memory.i32, Header.root >> 2, root);
  return new Kernel(memory, root, clock, randomness);
}

/** Gives a machine its limits: when it boots, or goes on elsewhere. */
export function setLimits(memory: KernelMemory, root: number, limits: KernelLimits): void {
  KernelRoot.processLimit.set(memory, root, limits.processes);
  KernelRoot.threadLimit.set(memory, root, limits.threads);
  KernelRoot.cores.set(memory, root, limits.cores ?? 1);
  KernelRoot.programMemory.set(memory, root, limits.programMemory ?? 2 ** 32);
}

/** Finds the root record of a kernel heap that another agent made. */
export function attachKernel(memory: KernelMemory, clock: Clock, randomness: Randomness): Kernel {
  const root = Atomics.load(memory.i32, Header.root >> 2) >>> 0;
  if (root === 0) panic("attach: the machine has not booted");
  clock.setShift(KernelRoot.clockShift.get(memory, root));
  return new Kernel(memory, root, clock, randomness);
}
