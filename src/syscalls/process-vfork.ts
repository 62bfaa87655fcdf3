/**
 * Calling as a child that shares the caller's memory: `proc_fork_env`, from which the C library makes vfork with setjmp and longjmp (`abi/semantics.md` §6).
 * The child has descriptors, a working directory and a number of its own, but no thread: the caller's goes on as the child until that has a program
 * (`proc_exec3`) or exits, and then again as the parent.
 */
import { Errno } from "../abi/errno.ts";
import { callAsChild, childOfCaller, createChild, Process } from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";

/** Begins to call as a new child, and writes its pid. ENOTSUP for a caller that already does; EAGAIN, ENOMEM. */
export function proc_fork_env(context: SyscallContext, result: number): number {
  const { guest, kernel, memory, process, thread } = context;
  if (!guest.has(result, 4)) return Errno.EMEMVIOLATION;
  if (childOfCaller(memory, thread) !== 0) return Errno.ENOTSUP;
  const child = createChild(kernel, process);
  if (child < 0) return -child;
  callAsChild(memory, thread, child);
  context.become(child);
  guest.view.setUint32(result >>> 0, Process.id.get(memory, child), true);
  return 0;
}
