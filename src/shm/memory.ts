/**
 * The kernel heap's memory: one shared `WebAssembly.Memory`, and this agent's views of it.
 *
 * An agent is one JavaScript thread (a worker or the main thread). Each makes its own `KernelMemory` on the same memory and
 * passes it to everything; nothing here is global. The memory only grows. When another agent grows it, the views here
 * are too short; they are renewed whenever a lock is taken (`mutex.ts`), at the start of a syscall and by the allocator, which
 * are the only ways to learn an address that lies in the new part.
 *
 * The first page is the header: see `Header`. Address 0 is never an object, so that 0 can mean "none".
 */
import { type MachineCode, makeMachineCode } from "./machine-code.ts";
import { panic } from "./panic.ts";
import type { LockOrder } from "./lockdep.ts";

export const PAGE = 65536;

export const MAGIC = 0x57454654;
export const FORMAT = 1;

/**
 * Pages at the end that only the agent which created the heap may take into use: guests that fill the rest must not keep the host from starting a
 * program, reading an output, or waiting. At most an eighth of the limit.
 */
const HOST_RESERVE = 64;

/** Byte offsets of the header's words. All are 32 bits and atomic unless said. */
export const Header = {
  magic: 0,
  format: 4,
  /** Pages the memory has now: written by the allocator after a growth. */
  pages: 8,
  /** Pages the memory may have at most: immutable. */
  limit: 12,
  /** Next number to give to an agent. */
  nextAgent: 16,
  /** Set when the machine stopped on a broken invariant. */
  panicked: 20,
  /** Address of the kernel's root record: written once at boot. */
  root: 24,
  /** Allocator: next byte never handed out, guarded by `bumpLock`. */
  bump: 32,
  bumpLock: 36,
  /** Bytes in use by live blocks, for limits and reports. Counted in units of 16 bytes. */
  used: 40,
  /** Agents that spin now, and how many may (`spin.ts`). */
  spinners: 44,
  mostSpinners: 48,
  /** Never written. */
  unused: 52,
  /** One free list and one lock for each size class and pool: 120 × 8 bytes. */
  classes: 64,
  /** Live objects by kind: 64 × 4 bytes, and the hashes of the kinds' names: 64 × 4 bytes (`ledger.ts`). */
  ledger: 1024,
  ledgerKinds: 1280,
  /** First byte for blocks. */
  end: 2048,
} as const;

/** How a kernel heap is made. */
export interface KernelMemoryOptions {
  /** Bytes the kernel heap may take at most, for everything in it: files in memory, pipes, records. */
  limit?: number;
  /** Whether locks check their order: for tests. */
  lockOrder?: LockOrder;
}

export class KernelMemory {
  readonly memory: WebAssembly.Memory;
  i32!: Int32Array;
  u32!: Uint32Array;
  u8!: Uint8Array;
  f64!: Float64Array;
  /** This agent's functions on the memory. */
  readonly code: MachineCode;
  /** Pages that the views cover. */
  pages = 0;
  /** This agent's number, the owner written into locks it holds. At least 1. */
  readonly agent: number;
  /** Whether this agent may sleep. A page's main thread may not: it spins for a moment or waits asynchronously. */
  readonly mayBlock: boolean;
  /** Locks that this agent holds: none while guest code runs or something sleeps. */
  locksHeld = 0;
  /** How often this agent looks at a word before it sleeps for it: see `spin.ts`. */
  looks = 1000;
  /** Pages that this agent leaves free for the host's: see `HOST_RESERVE`. */
  readonly reserve: number;
  /** Addresses in the ledger by this agent's number of the kind: see `ledger.ts`. */
  readonly ledgerPlaces: number[] = [];
  /** While another agent works on a copy that will come back in place of this heap: resolves when it is back. Until then nothing may begin to wait here. */
  away: Promise<unknown> | undefined;
  /** The checker of lock order, when on. */
  readonly lockOrder: LockOrder | undefined;
  /** Ends this agent, where it is a worker that can end itself. Does not return. */
  leave: (() => void) | undefined;

  private constructor(
    memory: WebAssembly.Memory,
    mayBlock: boolean,
    reserve: number,
    lockOrder?: LockOrder,
  ) {
    this.memory = memory;
    this.reserve = reserve;
    this.mayBlock = mayBlock;
    this.lockOrder = lockOrder;
    this.code = makeMachineCode(memory);
    this.refresh();
    this.agent = this.code.add(Header.nextAgent, 1);
  }

  /** Makes a new kernel heap and this agent's view of it. */
  static create(mayBlock: boolean, options: KernelMemoryOptions = {}): KernelMemory {
    const limit = Math.min(65536, Math.max(32, Math.ceil((options.limit ?? 4 * 2 ** 30) / PAGE)));
    const initial = Math.min(limit, 64);
    const memory = new WebAssembly.Memory({ initial, maximum: limit, shared: true });
    const words = new Int32Array(memory.buffer);
    words[Header.magic >> 2] = MAGIC;
    words[Header.format >> 2] = FORMAT;
    words[Header.pages >> 2] = initial;
    words[Header.limit >> 2] = limit;
    words[Header.nextAgent >> 2] = 1;
    words[Header.bump >> 2] = Header.end;
    return new KernelMemory(memory, mayBlock, 0, options.lockOrder);
  }

  /**
   * Makes this agent's view of a kernel heap that another agent created.
   *
   * @param isHost whether this agent takes the place of the one that created it
   */
  static attach(
    memory: WebAssembly.Memory,
    mayBlock: boolean,
    lockOrder?: LockOrder,
    isHost = false,
  ): KernelMemory {
    const words = new Int32Array(memory.buffer);
    if (words[Header.magic >> 2] !== MAGIC) panic("attach: this memory is no kernel heap");
    if (words[Header.format >> 2] !== FORMAT) {
      panic(
        `attach: kernel heap has format ${words[Header.format >> 2]}, this program has ${FORMAT}`,
      );
    }
    const reserve = isHost ? 0 : Math.min(HOST_RESERVE, words[Header.limit >> 2] >>> 3);
    return new KernelMemory(memory, mayBlock, reserve, lockOrder);
  }

  /** Renews the views after a growth by any agent. */
  refresh(): void {
    let buffer = this.memory.buffer as SharedArrayBuffer;
    // Engines tell an agent of another's growth by interrupting it, which may be still to come. Growing by nothing asks.
    const pages = new Int32Array(buffer)[Header.pages >> 2];
    if (buffer.byteLength < pages * PAGE || (this.pages !== 0 && this.code.size() < pages)) {
      this.memory.grow(0);
      buffer = this.memory.buffer as SharedArrayBuffer;
    }
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.pages = buffer.byteLength / PAGE;
  }

  /** Renews the views if the memory has grown. Cheap enough for every syscall. */
  refreshIfGrown(): void {
    if (this.i32[Header.pages >> 2] > this.pages) this.refresh();
  }
}
