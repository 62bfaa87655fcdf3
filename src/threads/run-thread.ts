/**
 * Running one guest thread from entry to end, on the agent that calls.
 *
 * How it can end, and with what (`spec/threads.md` §4):
 *
 *     entry returns            thread: clean.   main: the process ends with 0
 *     thread_exit              clean; the process goes on while other threads live, as pthread_exit has it, also for main
 *     proc_exit, by anyone     the process has ended with that code; this thread leaves
 *     a trap, a host failure   the process ends: 129, main 45; the message has thread, process, kind and the guest's stack
 */
import {
  callbackOf,
  dropThread,
  emit,
  EndReason,
  EventKind,
  exitProcess,
  findContext,
  finishThread,
  type Kernel,
  Pending,
  Process,
  ProcessFlags,
  StackContext,
  StackImage,
  StartKind,
  Thread,
  ThreadState,
} from "../kernel/index.ts";
import { contextEntry } from "../loader/context-entry.ts";
import type { InstanceGroup } from "../loader/instance.ts";
import { readThrown, tellTrap } from "../loader/trap.ts";
import { KernelPanic, panic } from "../shm/index.ts";
import { describeFailure, type SyscallContext } from "../syscalls/context.ts";
import { Control, THREAD_EXIT } from "../syscalls/control.ts";
import { ContextReturned } from "./contexts.ts";
import { openInstances, unreserveThread } from "./crew.ts";
import { stackParts } from "./unwinding-slot.ts";

/** Exit codes of a process that ended by a trap: on its main thread, and on another (the reference's). */
const TRAP_EXIT_MAIN = 45;
const TRAP_EXIT_THREAD = 129;

/** The guest's function that a thread begins with, and what it is given. */
export interface Entry {
  readonly callee: (...parameters: (number | bigint)[]) => unknown;
  readonly parameters: readonly (number | bigint)[];
}

/**
 * Makes a thread ready to run: the agent's context works for it, and it has its instance. The agent was in the kernel and is in the guest afterwards.
 *
 * @throws what ends the thread before it begins: control outcomes, traps of a start section. To be given to `endThread`
 */
export function beginThread(
  kernel: Kernel,
  group: InstanceGroup,
  thread: number,
  crew: number,
): Entry {
  const { memory } = kernel;
  const { context } = group;
  if (Thread.sleepsDeeply.get(memory, thread) !== 0) {
    stackParts().wakeSleeper(kernel, group, thread);
    return rewindEntryOf(kernel, group, thread);
  }
  const isMain = Thread.startKind.get(memory, thread) === StartKind.main;
  const process = Thread.process.get(memory, thread);
  context.setThread(thread);
  Thread.state.store(memory, thread, ThreadState.running);
  emit(
    kernel,
    EventKind.threadStarted,
    Process.id.get(memory, process),
    Thread.id.get(memory, thread),
    0,
  );
  context.leave();
  context.look();
  group.take();
  // A signal for which there was no instance yet waits for the first call, when the thread has its own stack.
  if (Thread.signals.load(memory, thread) !== 0) Thread.pending.or(memory, thread, Pending.signal);
  const image = Thread.image.get(memory, thread);
  if (isMain || image !== 0) {
    context.claim();
    openInstances(memory, crew);
    if (image !== 0) putBackStack(kernel, context, thread, image);
    context.leave();
  }
  return (image === 0 ? entryOf : rewindEntryOf)(kernel, group, thread);
}

/** A thread that goes on from a stack that another agent took apart. */
function putBackStack(
  { memory }: Kernel,
  context: SyscallContext,
  thread: number,
  image: number,
): void {
  const { unwinding } = context;
  if (unwinding === undefined)
    return panic("run-thread: a program without asyncify has a stack to put back");
  Thread.image.set(memory, thread, 0);
  context.signalCallback = callbackOf(memory, image);
  unwinding.begin({ image, result: 0 });
}

/** What a thread begins with, of the instance that it has. */
function entryOf({ memory }: Kernel, group: InstanceGroup, thread: number): Entry {
  if (Thread.startKind.get(memory, thread) === StartKind.main) {
    const name = group.program.entry ?? "_start";
    return { callee: group.current!.exports[name] as Entry["callee"], parameters: [] };
  }
  const start = Thread.startPointer.get(memory, thread);
  return {
    callee: group.threadEntry as Entry["callee"],
    parameters: [Thread.id.get(memory, thread), group.program.isWide ? BigInt(start) : start],
  };
}

/**
 * The same for a stack that is put back, which may be that of a signal's handler, and for a context: what an instance runs before a thread's entry is not run again.
 *
 * @throws where the program has taken a context's entry out of its table
 */
export function rewindEntryOf(kernel: Kernel, group: InstanceGroup, thread: number): Entry {
  const { memory } = kernel;
  const interrupted = Thread.interrupted.get(memory, thread);
  if (interrupted !== 0) {
    const callee = group.current!.exports[callbackOf(memory, interrupted) ?? ""];
    if (typeof callee !== "function") throw new Error("the program takes no signals any more");
    return {
      callee: callee as Entry["callee"],
      parameters: [StackImage.signal.get(memory, interrupted)],
    };
  }
  const id = Thread.context.get(memory, thread);
  if (id !== 0) {
    const context = findContext(memory, Thread.contexts.get(memory, thread), id);
    const callee = contextEntry(group.current!, StackContext.entry.get(memory, context));
    if (callee === undefined)
      throw new Error(`the entry function of context ${id} is in the program's table no more`);
    return { callee, parameters: [] };
  }
  const entry = entryOf(kernel, group, thread);
  if (Thread.startKind.get(memory, thread) === StartKind.main) return entry;
  return { ...entry, callee: group.current!.exports.wasi_thread_start as Entry["callee"] };
}

/**
 * Cleans up after a thread whose entry returned or threw, once; the agent is in the kernel afterwards. Takes over the caller's count of the thread.
 *
 * @param thrown what was thrown, if anything; @param clear takes the thread off its carrier
 * @throws KernelPanic only
 */
export function endThread(
  kernel: Kernel,
  group: InstanceGroup,
  thread: number,
  crew: number,
  clear: () => void,
  thrown?: { readonly error: unknown },
): void {
  const { memory } = kernel;
  const { context } = group;
  const isMain = Thread.startKind.get(memory, thread) === StartKind.main;
  const process = Thread.process.get(memory, thread);
  let exitCode = 0;
  context.claim();
  stopAtFailure(context);
  if (thrown !== undefined) {
    const { error } = thrown;
    if (error instanceof KernelPanic) throw error;
    if (memory.locksHeld > 0)
      panic(`a call failed while it held ${memory.locksHeld} locks: ${readThrown(error).message}`);
    exitCode = endByThrow(kernel, group, thread, process, isMain, error);
  } else if (isMain) {
    exitProcess(kernel, process, 0, EndReason.exited);
  }
  group.drop(thrown === undefined || thrown.error === THREAD_EXIT);
  context.clearThread();
  clear();
  unreserveThread(memory, crew);
  finishThread(kernel, thread, exitCode);
  dropThread(kernel, thread);
}

/**
 * Runs a thread to its end on the agent's own stack, and cleans up after it. The agent is in the kernel before and after. Takes over the caller's count of
 * the thread.
 *
 * @throws KernelPanic only
 */
export function runThread(
  kernel: Kernel,
  group: InstanceGroup,
  thread: number,
  crew: number,
  clear: () => void,
): void {
  const { context } = group;
  let begin = () => beginThread(kernel, group, thread, crew);
  for (;;) {
    let thrown: { error: unknown } | undefined;
    try {
      const { callee, parameters } = begin();
      callee(...parameters);
    } catch (error) {
      thrown = { error };
    }
    const after = context.unwinding?.afterEntry(thrown) ?? "ended";
    const current = Thread.context.get(kernel.memory, thread);
    if (after === "ended" && current !== 0) thrown ??= { error: new ContextReturned(current) };
    if (after === "ended") return endThread(kernel, group, thread, crew, clear, thrown);
    if (after === "asleep") {
      group.setAside();
      return context.clearThread();
    }
    begin = () => rewindEntryOf(kernel, group, thread);
  }
}

/** A call of this thread failed by an exception, which the guest may have caught: that is no trap of the guest, and the kernel is not to be trusted. */
function stopAtFailure({ kernelFailure }: SyscallContext): void {
  if (kernelFailure === undefined) return;
  if (kernelFailure instanceof KernelPanic) throw kernelFailure;
  const failure = new KernelPanic(describeFailure(kernelFailure));
  if (kernelFailure instanceof Error) failure.stack = kernelFailure.stack ?? failure.message;
  throw failure;
}

/** Ends a process for a reason that no thread of it gave. Of no effect where it was ended before. */
export function failProcess(kernel: Kernel, process: number, message: string): void {
  exitProcess(kernel, process, TRAP_EXIT_THREAD, EndReason.failed, 0, message);
}

/** Something was thrown out of the guest: a control outcome, or a failure that ends the process. Returns the thread's exit code. */
function endByThrow(
  kernel: Kernel,
  group: InstanceGroup,
  thread: number,
  process: number,
  isMain: boolean,
  error: unknown,
): number {
  const { memory } = kernel;
  if (error instanceof Control) {
    return error.kind === "process exit" ? Process.exitCode.get(memory, process) | 0 : 0;
  }
  const returned = error instanceof ContextReturned;
  const code = isMain && !returned ? TRAP_EXIT_MAIN : TRAP_EXIT_THREAD;
  const tid = Thread.id.get(memory, thread);
  const pid = Process.id.get(memory, process);
  const lacks = (Process.flags.load(memory, process) & ProcessFlags.lacksCheckpoints) !== 0;
  const hint = lacks ? ", which has to carry asyncify for its setjmp (weft instrument)" : "";
  const where = `thread ${tid} of process ${pid} (${group.program.name})${hint}: `;
  const message = returned ? where + error.message : tellTrap(where, error, group.program);
  if (exitProcess(kernel, process, code, EndReason.failed, tid, message)) {
    emit(kernel, EventKind.taint, pid, tid, code, message);
  }
  return code;
}
