/**
 * Waits of guest threads with the engine's own instructions (`memory.atomic.wait32`, `wait64`), on carriers that are shared.
 *
 * The instruction would keep the agent, and with it the carrier's other threads. So the thread's stack is suspended, and the host's event loop, which nobody
 * blocks, waits in its place with the engine's asynchronous wait. A thread that notifies need not know: its instruction stays the engine's.
 *
 * Life of a wait: noted in the thread's record, which stands in its crew's list (`Crew.rawWaiters`) with a count, until the host takes it out; the count goes to
 * the host's wait. Where the process ends first, the host notifies its own waits.
 */
import { HostCall, type Kernel, keepThread, Thread } from "../kernel/index.ts";
import { type KernelMemory, notifyWord, unpark, waitOnWordAsync } from "../shm/index.ts";
import { FOREVER, sleepUntil, type Waiting } from "../syscalls/block.ts";
import type { SyscallContext } from "../syscalls/context.ts";
import { WOULD_BLOCK } from "../vfs/index.ts";
import { Crew } from "./crew-records.ts";

/** In the place of an answer (`WaitAnswer`) while the wait goes on. */
const NO_ANSWER = 3;

/** A thread's wait; see `StackPort.waitRaw`. Signals do not end it: their handlers run when it is over. */
export function* waitRaw(
  context: SyscallContext,
  crew: number,
  address: number,
  expected: number | bigint,
  timeout: number,
): Waiting<number> {
  const { kernel, memory, thread } = context;
  const value = BigInt.asUintN(64, BigInt(expected));
  Thread.rawAddress.set(memory, thread, address);
  Thread.rawBytes.set(memory, thread, typeof expected === "bigint" ? 8 : 4);
  Thread.rawExpected.set(memory, thread, Number(value & 0xffffffffn), Number(value >> 32n));
  Thread.rawTimeout.set(memory, thread, timeout < 0 ? Infinity : timeout / 1e6);
  Thread.rawAnswer.store(memory, thread, NO_ANSWER);
  keepThread(memory, thread);
  Crew.lock.acquire(memory, crew);
  Thread.queueNext.set(memory, thread, Crew.rawWaiters.get(memory, crew));
  Crew.rawWaiters.set(memory, crew, thread);
  Crew.lock.release(memory, crew);
  kernel.callHost(HostCall.rawWaits);
  const look = () => (Thread.rawAnswer.load(memory, thread) === NO_ANSWER ? WOULD_BLOCK : 0);
  while ((yield* sleepUntil(context, FOREVER, look)) !== 0);
  return Thread.rawAnswer.load(memory, thread);
}

/** The host's side: the waits of one process. */
export class RawWaits {
  /** Threads with a count whose wait goes on here. */
  private readonly threads = new Set<number>();

  /** @param onIdle is called whenever none is left */
  constructor(
    private readonly kernel: Kernel,
    private readonly crew: number,
    private readonly guest: WebAssembly.Memory,
    private readonly drop: (thread: number) => void,
    private readonly onIdle: () => void,
  ) {}

  /** Whether no wait goes on. */
  get isIdle(): boolean {
    return this.threads.size === 0 && Crew.rawWaiters.get(this.kernel.memory, this.crew) === 0;
  }

  /** Takes up what threads have noted since the last time. */
  takeUp(): void {
    const { memory } = this.kernel;
    for (let thread = takeRawWaiters(memory, this.crew); thread !== 0;) {
      const next = Thread.queueNext.get(memory, thread);
      Thread.queueNext.set(memory, thread, 0);
      this.begin(thread);
      thread = next;
    }
  }

  private begin(thread: number): void {
    const { memory } = this.kernel;
    const low = Thread.rawExpected.low(memory, thread);
    const high = Thread.rawExpected.high(memory, thread);
    const isWide = Thread.rawBytes.get(memory, thread) === 8;
    this.threads.add(thread);
    waitOnWordAsync(
      this.guest,
      Thread.rawAddress.get(memory, thread),
      isWide ? BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)) : low | 0,
      Thread.rawTimeout.get(memory, thread),
      (answer) => this.end(thread, answer),
    );
  }

  private end(thread: number, answer: number): void {
    const { memory } = this.kernel;
    memory.refreshIfGrown();
    this.threads.delete(thread);
    Thread.rawAnswer.store(memory, thread, answer);
    unpark(memory, thread);
    this.drop(thread);
    if (this.threads.size === 0) this.onIdle();
  }

  /** The process has ended: no thread waits any more. What is here ends in later turns of the event loop. */
  abandon(): void {
    const { memory } = this.kernel;
    this.takeUp();
    for (const thread of this.threads)
      notifyWord(this.guest, Thread.rawAddress.get(memory, thread));
  }
}

function takeRawWaiters(memory: KernelMemory, crew: number): number {
  Crew.lock.acquire(memory, crew);
  const first = Crew.rawWaiters.get(memory, crew);
  Crew.rawWaiters.set(memory, crew, 0);
  Crew.lock.release(memory, crew);
  return first;
}
