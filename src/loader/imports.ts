/**
 * Imports: the functions a guest instance is given, made from the table of syscalls for one context.
 *
 * Each stands between guest and handler: marks the agent as in the kernel, does what is pending, passes the arguments on. Written out for each number of
 * arguments because gathering them in an array would be felt in every call. What is thrown through the kernel's frames leaves the kernel here, after every
 * `finally` of the handler: those take locks.
 */
import { callType, pointerParameters, WIDE_MODULE } from "../abi/call-types.ts";
import { Pending, Thread } from "../kernel/index.ts";
import type { Outcome } from "../syscalls/block.ts";
import type { SyscallContext } from "../syscalls/context.ts";
import { recorded } from "../syscalls/recording.ts";
import type { SyscallHandler } from "../syscalls/service.ts";
import { CALL_AGAIN, HANDLER_UNWINDS } from "../syscalls/control.ts";
import { type UnwindingCall, UNWINDS } from "../syscalls/port.ts";
import { narrowPointer } from "../syscalls/guest-memory.ts";
import { findSyscall } from "../syscalls/table.ts";
import { traced, type TraceSink } from "../syscalls/trace.ts";
import { panic } from "../shm/index.ts";
import type { Program } from "./program.ts";
import type { SuspendableCall } from "./suspendable-calls.ts";

/** Calls that take no lock and change nothing in the kernel: where nothing is pending they need no mark. */
const LIGHT: ReadonlySet<string> = new Set([
  "args_get",
  "args_sizes_get",
  "clock_res_get",
  "clock_time_get",
  "environ_get",
  "environ_sizes_get",
  "proc_id",
  "random_get",
  "thread_id",
  "thread_parallelism",
]);

/**
 * Makes the import object of a program for one context.
 *
 * @param memory the memory to import, if the program imports one; @param trace where calls are written to, if anywhere
 * @param suspendable makes calls such that they may suspend the guest's stack, where the engine can
 */
export function makeImports(
  context: SyscallContext,
  program: Program,
  memory: WebAssembly.Memory | undefined,
  trace: TraceSink | undefined,
  suspendable: ((calls: readonly SuspendableCall[]) => readonly unknown[]) | undefined,
): Record<string, Record<string, unknown>> {
  const calls = program.functions.map(({ module, name }) => {
    const served =
      findSyscall(module, name) ?? panic(`imports: ${module}.${name} is served by nothing here`);
    const syscall = recorded(context.kernel, served);
    const isLight = trace === undefined && LIGHT.has(name);
    const wrapped = (isLight ? wrapLight : wrapCall)(
      context,
      trace === undefined ? syscall.handler : traced(syscall, trace),
      served.handler.length - 1,
    );
    const narrow = module === WIDE_MODULE ? wrapWide(module, name, wrapped) : wrapped;
    const unwinds = program.asyncify?.unwinds.has(`${module}.${name}`) === true;
    const call = unwinds
      ? wrapUnwinding(context, narrow, {
          name: `${module}.${name}`,
          restarts: RESTARTS.has(name),
        })
      : narrow;
    return { call, type: callType(module, name)! };
  });
  const functions = suspendable?.(calls) ?? calls.map(({ call }) => call);
  const imports: Record<string, Record<string, unknown>> = {};
  program.functions.forEach(({ module, name }, index) => {
    (imports[module] ??= {})[name] = functions[index];
  });
  if (program.memoryImport !== undefined) {
    (imports[program.memoryImport.module] ??= {})[program.memoryImport.name] = memory;
  }
  return imports;
}

/** Of a program with a 64-bit memory: pointers and sizes arrive in 64 bits. */
function wrapWide(module: string, name: string, call: Import): Import {
  const indexes = pointerParameters(module, name);
  return (...parameters) => {
    for (const index of indexes) parameters[index] = narrowPointer(parameters[index]) as Argument;
    return call(...parameters);
  };
}

/** Calls that can be made again after their stack was taken apart while they waited: see `SyscallContext.resumes`. */
const RESTARTS: ReadonlySet<string> = new Set([
  "epoll_wait",
  "fd_read",
  "fd_write",
  "futex_wait",
  "poll_oneoff",
  "proc_join",
  "thread_join",
  "thread_sleep",
]);

type Argument = number & bigint;
/** A function that a guest imports. */
export type Import = (...parameters: Argument[]) => unknown;

function wrapLight(c: SyscallContext, handler: SyscallHandler, count: number): Import {
  const h = handler as (...parameters: unknown[]) => number;
  const full = wrapCall(c, handler, count);
  switch (count) {
    case 1:
      return (p0) => (c.hasPending ? full(p0) : h(c, p0));
    case 2:
      return (p0, p1) => (c.hasPending ? full(p0, p1) : h(c, p0, p1));
    case 3:
      return (p0, p1, p2) => (c.hasPending ? full(p0, p1, p2) : h(c, p0, p1, p2));
    default:
      return full;
  }
}

/** A call from which a stack can be taken apart: when it is reached while a stack is put back, that is over. */
function wrapUnwinding(context: SyscallContext, call: Import, what: UnwindingCall): Import {
  const wrapped: Import = (...parameters) => {
    const { unwinding } = context;
    const before = context.call;
    context.call = what;
    try {
      if (unwinding?.isRewinding === true) {
        const result = unwinding.endRewind();
        if (result !== undefined) return context.finishAgain(result);
      }
      if (captureFirst(context, what.name)) return UNWINDS;
      return call(...parameters);
    } catch (error) {
      if (error === CALL_AGAIN) return wrapped(...parameters);
      if (error !== HANDLER_UNWINDS || unwinding === undefined) throw error;
      return unwinding.goOnUnwinding();
    } finally {
      context.call = before;
      context.handlerRan = undefined;
      context.refusesCapture = false;
      if (context.resumes) context.endResumption();
    }
  };
  return wrapped;
}

/** Before a call: whether the stack is taken apart first, for a snapshot that the host wants. One that asks for it itself waits there. */
function captureFirst(context: SyscallContext, name: string): boolean {
  const { memory, thread, unwinding, resumes } = context;
  const pending = Thread.pending.load(memory, thread);
  if ((pending & Pending.capture) === 0 || resumes) return false;
  // Where its process is stopped it does not come to that.
  if (name === "wasix_32v1.proc_snapshot" && (pending & Pending.stop) === 0) return false;
  try {
    context.enterUnstopped();
    const isCaptured = unwinding?.capture(name, false) === true;
    context.refusesCapture = !isCaptured;
    context.leave();
    return isCaptured;
  } catch (error) {
    throw context.leaveByThrow(error);
  }
}

/** Signals came before a call that has a stack to suspend: their handlers run on stacks of their own, then the call is made. */
function handleFirst(context: SyscallContext, call: () => Outcome): unknown {
  context.handlersFirst = false;
  return context.stacks?.handleFirst(call) ?? panic("imports: no stacks to run handlers on");
}

/** A stop point at which others run first. Signals of a program whose stacks can be taken apart wait for its next call: from here its stack cannot. */
export function wrapStop(c: SyscallContext, h: () => Outcome): Import {
  return () => {
    try {
      c.enter();
      if (c.unwinding !== undefined) c.handlersFirst = false;
      return c.handlersFirst ? handleFirst(c, h) : c.finish(h());
    } catch (error) {
      throw c.leaveByThrow(error);
    }
  };
}

/** Makes the function that stands between the guest and a handler, which takes `count` arguments. */
export function wrapCall(c: SyscallContext, handler: SyscallHandler, count: number): Import {
  const h = handler as (...parameters: unknown[]) => number;
  switch (count) {
    case 0:
      return () => {
        try {
          c.enter();
          return c.handlersFirst ? handleFirst(c, () => h(c)) : c.finish(h(c));
        } catch (error) {
          throw c.leaveByThrow(error);
        }
      };
    case 1:
      return (p0) => {
        try {
          c.enter();
          return c.handlersFirst ? handleFirst(c, () => h(c, p0)) : c.finish(h(c, p0));
        } catch (error) {
          throw c.leaveByThrow(error);
        }
      };
    case 2:
      return (p0, p1) => {
        try {
          c.enter();
          return c.handlersFirst ? handleFirst(c, () => h(c, p0, p1)) : c.finish(h(c, p0, p1));
        } catch (error) {
          throw c.leaveByThrow(error);
        }
      };
    case 3:
      return (p0, p1, p2) => {
        try {
          c.enter();
          return c.handlersFirst
            ? handleFirst(c, () => h(c, p0, p1, p2))
            : c.finish(h(c, p0, p1, p2));
        } catch (error) {
          throw c.leaveByThrow(error);
        }
      };
    case 4:
      return (p0, p1, p2, p3) => {
        try {
          c.enter();
          return c.handlersFirst
            ? handleFirst(c, () => h(c, p0, p1, p2, p3))
            : c.finish(h(c, p0, p1, p2, p3));
        } catch (error) {
          throw c.leaveByThrow(error);
        }
      };
    case 5:
      return (p0, p1, p2, p3, p4) => {
        try {
          c.enter();
          return c.handlersFirst
            ? handleFirst(c, () => h(c, p0, p1, p2, p3, p4))
            : c.finish(h(c, p0, p1, p2, p3, p4));
        } catch (error) {
          throw c.leaveByThrow(error);
        }
      };
    case 6:
      return (p0, p1, p2, p3, p4, p5) => {
        try {
          c.enter();
          return c.handlersFirst
            ? handleFirst(c, () => h(c, p0, p1, p2, p3, p4, p5))
            : c.finish(h(c, p0, p1, p2, p3, p4, p5));
        } catch (error) {
          throw c.leaveByThrow(error);
        }
      };
    case 9:
      return (p0, p1, p2, p3, p4, p5, p6, p7, p8) => {
        try {
          c.enter();
          return c.handlersFirst
            ? handleFirst(c, () => h(c, p0, p1, p2, p3, p4, p5, p6, p7, p8))
            : c.finish(h(c, p0, p1, p2, p3, p4, p5, p6, p7, p8));
        } catch (error) {
          throw c.leaveByThrow(error);
        }
      };
    default:
      return (...parameters) => {
        try {
          c.enter();
          return c.handlersFirst
            ? handleFirst(c, () => h(c, ...parameters))
            : c.finish(h(c, ...parameters));
        } catch (error) {
          throw c.leaveByThrow(error);
        }
      };
  }
}
