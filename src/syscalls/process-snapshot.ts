/** Snapshots of the whole machine that a program asks for: `proc_snapshot` (`abi/semantics.md` §13). */
import { Errno } from "../abi/errno.ts";
import { Capture, hasContexts, HostCall, isEnding, KernelRoot, Thread } from "../kernel/index.ts";
import { park } from "../shm/index.ts";
import type { SyscallContext } from "./context.ts";

/**
 * Waits until the host has taken a snapshot of the machine; answers 0, here and in every machine that goes on from it, and 0 at once where the host takes none.
 *
 * Errors: EAGAIN where the snapshot could not be taken, of which the host is told; ENOTSUP in programs without asyncify, and in a thread that has contexts where
 * `context_switch` was not instrumented; EOVERFLOW, ENOMEM where the stack has no room to be taken apart.
 */
export function proc_snapshot({
  kernel,
  memory,
  thread,
  process,
  stacks,
  unwinding,
}: SyscallContext): number {
  if (KernelRoot.takesSnapshots.load(memory, kernel.root) === 0) return 0;
  if (unwinding === undefined) return Errno.ENOTSUP;
  // Their stacks are the engine's, which no one else can put back.
  if (stacks !== undefined && hasContexts(memory, Thread.contexts.get(memory, thread)))
    return Errno.ENOTSUP;
  return unwinding.unwind("wasix_32v1.proc_snapshot", (image) => {
    Thread.image.set(memory, thread, image);
    Thread.capture.store(memory, thread, Capture.waits);
    kernel.callHost(HostCall.snapshots);
    while (Thread.capture.load(memory, thread) === Capture.waits && !isEnding(memory, process))
      park(memory, thread, Infinity);
    const failed = Thread.capture.exchange(memory, thread, Capture.none) === Capture.failed;
    Thread.image.set(memory, thread, 0);
    return { image, result: failed ? Errno.EAGAIN : 0 };
  });
}
