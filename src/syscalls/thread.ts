/** Threads: both spawn doors, `thread_*`, `futex_*`, `sched_yield` (`spec/threads.md`). */
import { Errno } from "../abi/errno.ts";
import { Option, Signal } from "../abi/enums.ts";
import { OptionTimestamp, ThreadStart } from "../abi/layouts.ts";
import { ThreadStart64 } from "../abi/wide-layouts.ts";
import {
  dropThread,
  enqueueFutex,
  findThread,
  isQueued,
  KernelRoot,
  leaveFutex,
  Pending,
  Process,
  ProcessState,
  Thread,
  ThreadState,
  wakeFutex,
} from "../kernel/index.ts";
import { WOULD_BLOCK } from "../vfs/index.ts";
import {
  FOREVER,
  giveWay,
  type Outcome,
  RUN_HANDLERS,
  sleepUntil,
  type Waiting,
  waitOn,
} from "./block.ts";
import { PROCESS_EXIT, THREAD_EXIT } from "./control.ts";
import type { SyscallContext } from "./context.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { notePending } from "./pending-work.ts";
import { raise } from "./process.ts";

/** Number that stands for the main thread in `thread_signal`. */
const MAIN_THREAD = 1073741823;

function startLayout({ pointerBytes }: GuestMemory): typeof ThreadStart | typeof ThreadStart64 {
  return pointerBytes === 8 ? ThreadStart64 : ThreadStart;
}

/** Reads a start record's stack and makes the thread; an id or a negated errno. */
function spawn(context: SyscallContext, start: number): number {
  const { guest } = context;
  const layout = startLayout(guest);
  if (!guest.has(start, layout.$size)) return -Errno.EMEMVIOLATION;
  const at = start >>> 0;
  const upper = guest.pointerAt(at + layout.stack);
  const size = guest.pointerAt(at + layout.stack_size);
  if (size > upper) return -Errno.EINVAL;
  return context.threads.spawn(context, at, {
    upper,
    lower: upper - size,
    size,
    guard: guest.pointerAt(at + layout.guard_size),
    tlsBase: guest.pointerAt(at + layout.tls_base),
  });
}

/**
 * Makes a thread and writes its id. `result` is checked before anything is made: a bad pointer spawns nothing.
 *
 * Errors: EMEMVIOLATION, EINVAL (a stack larger than its upper bound), EACCES (a limit, or the process ends), ENOTCAPABLE (no
 * `wasi_thread_start` export).
 */
export function thread_spawn_v2(context: SyscallContext, start: number, result: number): number {
  const { guest } = context;
  if (!guest.has(result, 4)) return Errno.EMEMVIOLATION;
  const tid = spawn(context, start);
  if (tid < 0) return -tid;
  guest.view.setUint32(result >>> 0, tid, true);
  return 0;
}

/**
 * The older door, which today's C library uses: the argument is passed on as it is. Where it points at a start record the stack bounds are read
 * from there; programs of wasi-threads pass any number, so nothing is required of it.
 *
 * @returns the id, or a negated errno
 */
export function thread_spawn(context: SyscallContext, start: number): number {
  const { guest } = context;
  const readable = guest.has(start, startLayout(guest).$size);
  if (readable) {
    const tid = spawn(context, start);
    if (tid !== -Errno.EINVAL) return tid;
  }
  return context.threads.spawn(context, start, {
    upper: 0,
    lower: 0,
    size: 0,
    guard: 0,
    tlsBase: 0,
  });
}

/** Writes the caller's thread id. */
export function thread_id(context: SyscallContext, result: number): number {
  if (!context.guest.has(result, 4)) return Errno.EMEMVIOLATION;
  context.guest.view.setUint32(result >>> 0, Thread.id.get(context.memory, context.thread), true);
  return 0;
}

/** Waits until a thread has finished. 0 also for an unknown one: it may be long gone. EDEADLK for oneself. */
export function thread_join(context: SyscallContext, tid: number): Outcome {
  if (tid === Thread.id.get(context.memory, context.thread)) return Errno.EDEADLK;
  return context.wait(join(context, tid));
}

function* join(context: SyscallContext, tid: number): Waiting<number> {
  const { kernel, memory, owner } = context;
  for (;;) {
    const thread = findThread(kernel, tid);
    if (thread === 0) break;
    Thread.heldThread.set(memory, context.thread, thread);
    try {
      if (Thread.process.get(memory, thread) !== owner) return 0;
      const answer = yield* waitOn(context, Thread.joiners.at(thread), 1, FOREVER, () =>
        Thread.state.load(memory, thread) === ThreadState.finished ? 0 : WOULD_BLOCK,
      );
      if (answer !== Errno.EINTR) break;
    } finally {
      Thread.heldThread.set(memory, context.thread, 0);
      dropThread(kernel, thread);
    }
    yield RUN_HANDLERS;
  }
  // It may have finished because the process ends: then the caller goes no further either, also where its own flag is yet to be set.
  if (Process.state.load(memory, owner) !== ProcessState.running) {
    Thread.pending.or(memory, context.thread, Pending.exit);
    throw PROCESS_EXIT;
  }
  return 0;
}

/** Ends the calling thread from any depth. Does not return. The code is ignored. */
export function thread_exit(_context: SyscallContext, _code: number): never {
  throw THREAD_EXIT;
}

/** Sleeps for nanoseconds; signals are handled but do not cut it short. 0 yields. */
export function thread_sleep(context: SyscallContext, duration: bigint): Outcome {
  const nanoseconds = Number(BigInt.asUintN(64, duration));
  if (nanoseconds === 0) return sched_yield(context);
  return context.wait(sleep(context, nanoseconds));
}

function* sleep(context: SyscallContext, nanoseconds: number): Waiting<number> {
  const deadline = context.beginWait() + nanoseconds / 1e6;
  while ((yield* sleepUntil(context, deadline, () => WOULD_BLOCK)) === Errno.EINTR)
    yield RUN_HANDLERS;
  return 0;
}

/** Sends a signal to a thread. An unknown one is ignored, as the C library expects of a thread that may have ended. */
export function thread_signal(context: SyscallContext, tid: number, signal: number): number {
  const { kernel, memory } = context;
  if (signal >>> 0 > Signal.SYS) return Errno.EINVAL;
  const thread = findThread(
    kernel,
    tid === MAIN_THREAD ? Process.id.get(memory, context.owner) : tid,
  );
  if (thread === 0) return 0;
  if (Thread.process.get(memory, thread) === context.owner) raise(context, thread, signal);
  dropThread(kernel, thread);
  notePending(context);
  return 0;
}

/** Writes how many threads the host can really run at once. */
export function thread_parallelism(context: SyscallContext, result: number): number {
  const { guest, threads } = context;
  if (!guest.has(result, guest.pointerBytes)) return Errno.EMEMVIOLATION;
  guest.setPointer(result, threads.parallelism());
  return 0;
}

/** Lets others run: the other stacks of this agent. Agents among each other the operating system sees to. */
export function sched_yield(context: SyscallContext): Outcome {
  return context.stacks?.hasOthers() === true ? context.wait(giveWay()) : 0;
}

/**
 * Sleeps while the word is `expected`, until woken or timed out. The answer is always 0 for what can happen to a correct program, since the C
 * library ends on any errno: `woken` is 1 when woken or when the word was different, 0 on a time-out.
 */
export function futex_wait(
  context: SyscallContext,
  word: number,
  expected: number,
  timeout: number,
  woken: number,
): Outcome {
  const { guest } = context;
  if ((word & 3) !== 0) return Errno.EINVAL;
  if (!guest.has(word, 4) || !guest.has(woken, 1) || !guest.has(timeout, OptionTimestamp.$size))
    return Errno.EMEMVIOLATION;
  let deadline = FOREVER;
  if (guest.u8[(timeout >>> 0) + OptionTimestamp.tag] === Option.SOME) {
    const low = guest.view.getUint32((timeout >>> 0) + OptionTimestamp.some, true);
    const high = guest.view.getUint32((timeout >>> 0) + OptionTimestamp.some + 4, true);
    deadline = context.beginWait() + (high * 2 ** 32 + low) / 1e6;
  }
  // It stands in line already, or was woken; but not while a handler runs.
  if (context.resumes && context.handlerRan === undefined)
    return context.wait(waitInLine(context, word, expected, deadline, woken));
  if (standInLine(context, word, expected))
    return context.wait(waitInLine(context, word, expected, deadline, woken));
  guest.u8[woken >>> 0] = 1;
  return 0;
}

function standInLine(context: SyscallContext, word: number, expected: number): boolean {
  const { guest, kernel, memory, owner, thread } = context;
  const futexes = KernelRoot.futexes.at(kernel.root);
  const waiter = Thread.futexWaiter.at(thread);
  return enqueueFutex(memory, futexes, waiter, thread, owner, word >>> 0, guest.i32, expected);
}

function* waitInLine(
  context: SyscallContext,
  word: number,
  expected: number,
  deadline: number,
  woken: number,
): Waiting<number> {
  const { guest, memory, thread, kernel } = context;
  const waiter = Thread.futexWaiter.at(thread);
  let wasWoken = true;
  do {
    let ended = 0;
    try {
      ended = yield* sleepUntil(context, deadline, () =>
        isQueued(memory, waiter) ? WOULD_BLOCK : 0,
      );
    } finally {
      wasWoken = leaveFutex(memory, KernelRoot.futexes.at(kernel.root), waiter);
    }
    // One that was woken meanwhile has its answer: the handler runs after it.
    if (ended !== Errno.EINTR || wasWoken) break;
    yield RUN_HANDLERS;
    // The handler may have changed the word, and then no waker need come: in that case the wait is over.
    wasWoken = true;
  } while (standInLine(context, word, expected));
  guest.refreshIfDetached();
  guest.u8[woken >>> 0] = wasWoken ? 1 : 0;
  return 0;
}

/** Wakes the oldest waiter of a word; writes whether there was one. */
export function futex_wake(context: SyscallContext, word: number, woken: number): number {
  return wake(context, word, woken, 1);
}

/** Wakes all waiters of a word; writes whether there was one. */
export function futex_wake_all(context: SyscallContext, word: number, woken: number): number {
  return wake(context, word, woken, Infinity);
}

function wake(context: SyscallContext, word: number, woken: number, most: number): number {
  const { guest, memory, kernel } = context;
  if (!guest.has(word, 4) || !guest.has(woken, 1)) return Errno.EMEMVIOLATION;
  const count = wakeFutex(
    memory,
    KernelRoot.futexes.at(kernel.root),
    context.owner,
    word >>> 0,
    most,
  );
  guest.u8[woken >>> 0] = count > 0 ? 1 : 0;
  return 0;
}
