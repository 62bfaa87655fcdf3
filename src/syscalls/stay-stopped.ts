/** Where a thread stays while its process is stopped (`kernel/process-stop.ts`): in its call. */
import { Pending, Process, Thread } from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";
import { PROCESS_EXIT } from "./control.ts";

/**
 * Stays until the process goes on, or ends: then the caller leaves the guest. Other stacks of the agent are of the same process.
 *
 * @returns whether it goes on; false where the host wants a snapshot, for which the call's stack is taken apart: the thread stays at its next look again
 */
export function stayStopped(context: SyscallContext): boolean {
  const { memory, owner, thread } = context;
  Thread.pending.and(memory, thread, ~Pending.stop);
  const isStopped = () => Process.stopSignal.load(memory, owner) !== 0;
  if (!context.sleepWhile(() => isStopped() && !isWanted(context))) throw PROCESS_EXIT;
  if (!isStopped()) return true;
  Thread.pending.or(memory, thread, Pending.stop);
  return false;
}

/** Whether the host wants a snapshot, and the stack of the call that is made can be taken apart for it. */
function isWanted({
  call,
  memory,
  owner,
  process,
  refusesCapture,
  thread,
}: SyscallContext): boolean {
  const pending = Thread.pending.load(memory, thread);
  const isAsked = (pending & (Pending.capture | Pending.exit)) === Pending.capture;
  return isAsked && call !== undefined && owner === process && !refusesCapture;
}
