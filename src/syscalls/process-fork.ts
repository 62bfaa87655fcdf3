/**
 * Copying a process: `proc_fork` (`abi/semantics.md` §6, fork(2)). The calling thread's stack is taken apart, and put back in both.
 *
 * With a copy of the memory the child is a process of its own, whose main thread goes on where the caller is. Without, as with vfork, the caller's thread goes on
 * as the child, on the same stack, until that has a program or exits; then its stack is as it was at the call, and it goes on as the parent.
 */
import { Errno } from "../abi/errno.ts";
import {
  callAsChild,
  childOfCaller,
  createChild,
  DEFAULT_ACTION,
  dropProcess,
  emit,
  EventKind,
  keepCallback,
  keepProcess,
  letGo,
  Process,
  ProcessFlags,
  Thread,
} from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";
import type { Rewind } from "./port.ts";
import { abandonChild } from "./process-spawn.ts";

const CALL = "wasix_32v1.proc_fork";

/**
 * Forks; writes 0 in the child and the child's pid in the parent.
 *
 * Errors: EMEMVIOLATION; EAGAIN (a limit), ENOMEM; EOVERFLOW where the stack has no room to be taken apart; ENOTSUP in a child that shares its memory, in a
 * signal's handler where the call in which the signal came does not unwind, in another context than the main one, and in programs without asyncify, of which the
 * host is told.
 */
export function proc_fork(context: SyscallContext, copiesMemory: number, result: number): number {
  const { guest, kernel, memory, process, thread, unwinding, forking } = context;
  if (!guest.has(result, 4)) return Errno.EMEMVIOLATION;
  if (unwinding === undefined) {
    tellOnce(context);
    return Errno.ENOTSUP;
  }
  if (childOfCaller(memory, thread) !== 0 || forking === undefined) return Errno.ENOTSUP;
  // The child's thread begins with its entry, below which the stack of a context does not lie.
  if (Thread.context.get(memory, thread) !== 0) return Errno.ENOTSUP;
  const at = result >>> 0;
  // The C library lets signals wait while it forks; no default action does.
  Thread.handling.set(memory, thread, Thread.handling.get(memory, thread) & ~DEFAULT_ACTION);
  return unwinding.unwind(CALL, (image) => {
    const child = createChild(kernel, process);
    if (child < 0) return { image, result: -child };
    const pid = Process.id.get(memory, child);
    if (copiesMemory === 0) return callOnAsChild(context, child, image, at);
    guest.view.setUint32(at, 0, true);
    keepProcess(memory, child);
    keepCallback(memory, image, context.signalCallback);
    const refused = forking.copy(context, child, image);
    if (refused === 0) letGo(kernel, child);
    else abandonChild(context, child, 0);
    dropProcess(kernel, child);
    if (refused === 0) guest.view.setUint32(at, pid, true);
    return { image, result: refused };
  });
}

/** The thread goes on as the child, and keeps the image for its return. */
function callOnAsChild(
  context: SyscallContext,
  child: number,
  image: number,
  result: number,
): Rewind {
  const { guest, memory, thread, unwinding } = context;
  // On the stack, as a rule: so before that is copied.
  guest.view.setUint32(result, 0, true);
  if (unwinding?.keepMemory(image) !== true)
    return { image, result: abandonChild(context, child, Errno.ENOMEM) };
  Thread.forkImage.set(memory, thread, image);
  Thread.forkResult.set(memory, thread, result);
  Thread.forkPid.set(memory, thread, Process.id.get(memory, child));
  callAsChild(memory, thread, child);
  context.become(child);
  return { image, result: 0, isKept: true };
}

/** Tells the host that the program cannot be copied, the first time. */
function tellOnce({ kernel, memory, owner, thread }: SyscallContext): void {
  const before = Process.flags.or(memory, owner, ProcessFlags.toldOfFork);
  if ((before & ProcessFlags.toldOfFork) !== 0) return;
  const pid = Process.id.get(memory, owner);
  emit(kernel, EventKind.forkRefused, pid, Thread.id.get(memory, thread), 0);
}
