/**
 * Context: what a syscall may reach. One per agent and instance group; `thread` says for whom it works at the moment.
 *
 * Life: made when a process's program is instantiated on an agent. `enter` and `leave` stand around every syscall: they keep the in-kernel mark, by
 * which a killer knows that this agent may hold locks, and do the work that waits for the thread (`Thread.pending`).
 */
import { Header } from "../shm/index.ts";
import { type Kernel, lookupFile, Pending, Process, Thread } from "../kernel/index.ts";
import { PathWalk, Transfer, type Vfs } from "../vfs/index.ts";
import type { KernelMemory } from "../shm/index.ts";
import { PROCESS_EXIT } from "./control.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { GuestPort, TerminalPort, ThreadPort } from "./port.ts";
import { deliverSignals } from "./signal-delivery.ts";

export class SyscallContext {
  readonly memory: KernelMemory;
  readonly vfs: Vfs;
  /** The thread it works for, its process and that one's file table. */
  thread = 0;
  process = 0;
  files = 0;
  /** Name of the export that takes signals, or undefined: `callback_signal`. Belongs to the instance. */
  signalCallback: string | undefined;
  /** Depth of signal handlers that are running: while one does, a stack cannot be suspended. */
  handlerDepth = 0;
  /** The process's terminal, if it has one. */
  terminal: TerminalPort | undefined;
  /** Scratch for the current call. */
  readonly transfer = new Transfer();
  readonly walk: PathWalk;
  readonly secondWalk: PathWalk;

  /**
   * @param mark address of the carrier's in-kernel word
   */
  constructor(
    readonly kernel: Kernel,
    readonly guest: GuestMemory,
    readonly threads: ThreadPort,
    readonly guestPort: GuestPort,
    private readonly mark: number,
  ) {
    this.memory = kernel.memory;
    this.vfs = kernel.vfs;
    this.walk = new PathWalk(this.vfs, kernel.mounts);
    this.secondWalk = new PathWalk(this.vfs, kernel.mounts);
  }

  /** Makes this context work for a thread. */
  setThread(thread: number): void {
    const { memory } = this;
    memory.refreshIfGrown();
    this.thread = thread;
    this.process = Thread.process.get(memory, thread);
    this.files = Process.files.get(memory, this.process);
  }

  /** At the start of a syscall: marks the agent as in the kernel, and does waiting work. May throw a control outcome. */
  enter(): void {
    const { memory } = this;
    // Sequentially consistent with a killer that sets `pending` and then reads the mark: one of the two sees the other.
    Atomics.store(memory.i32, this.mark >>> 2, 1);
    if (memory.i32[Header.pages >> 2] > memory.pages) memory.refresh();
    if (Thread.pending.load(memory, this.thread) !== 0) this.doPending();
  }

  /** At the end of a syscall. */
  leave(): void {
    this.memory.i32[this.mark >>> 2] = 0;
  }

  /** Around sleep: a sleeping thread holds no lock, but must be woken rather than ended with its worker. */
  markSleeping(): void {
    this.memory.i32[this.mark >>> 2] = 2;
  }

  /** After sleep. */
  markAwake(): void {
    Atomics.store(this.memory.i32, this.mark >>> 2, 1);
    this.memory.refreshIfGrown();
  }

  /**
   * Leaves the guest if the process ends; runs handlers of queued signals.
   *
   * @returns whether a handler ran
   */
  doPending(): boolean {
    const pending = Thread.pending.load(this.memory, this.thread);
    if ((pending & Pending.exit) !== 0) {
      this.leave();
      throw PROCESS_EXIT;
    }
    return (pending & Pending.signal) !== 0 && deliverSignals(this);
  }

  /**
   * Finds the open file of a descriptor and takes a count, which the caller drops with `dropFile`.
   *
   * @returns the open file or a negated errno
   */
  lookup(fd: number, rights: number): number {
    return lookupFile(this.vfs, this.files, fd, rights);
  }
}
