/** How a thread ends a child as which it calls on its own stack, and goes on as the parent. */
import {
  childOfCaller,
  dropProcess,
  EndReason,
  exitProcess,
  leaveChild,
  Thread,
} from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";
import type { Rewind } from "./port.ts";

/** Ends the child as which the thread calls; false where it calls as itself. Afterwards it does. */
export function exitAsChild(context: SyscallContext, code: number): boolean {
  const { kernel, memory, thread } = context;
  if (childOfCaller(memory, thread) === 0) return false;
  const child = leaveChild(kernel, thread);
  context.become(context.owner);
  exitProcess(kernel, child, code, EndReason.exited);
  dropProcess(kernel, child);
  return true;
}

/**
 * The child has its program, or has ended, and the thread calls as itself again: where it forked by `proc_fork`, it goes back to there, with the child's pid, and
 * this does not return. Elsewhere it does nothing.
 */
export function goOnAsParent(context: SyscallContext): void {
  const rewind = takeForkImage(context);
  if (rewind !== undefined) context.unwinding?.restore(rewind);
}

/** The stack of the parent that forked by `proc_fork` without a copy; undefined where none did. */
export function takeForkImage({ guest, memory, thread }: SyscallContext): Rewind | undefined {
  const image = Thread.forkImage.get(memory, thread);
  if (image === 0) return undefined;
  Thread.forkImage.set(memory, thread, 0);
  const result = Thread.forkResult.get(memory, thread);
  const pid = Thread.forkPid.get(memory, thread);
  return {
    image,
    result: 0,
    finish: () => {
      guest.refreshIfDetached();
      guest.view.setUint32(result, pid, true);
    },
  };
}
