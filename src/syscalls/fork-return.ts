/** How a thread goes on as the parent that called as a child on its own stack (`proc_fork` without a copy). */
import { Thread } from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";

/**
 * The child has its program, or has ended, and the thread calls as itself again: where it forked by `proc_fork`, it goes back to there, with the child's pid, and
 * this does not return. Elsewhere it does nothing.
 */
export function goOnAsParent({ guest, memory, thread, unwinding }: SyscallContext): void {
  const image = Thread.forkImage.get(memory, thread);
  if (image === 0 || unwinding === undefined) return;
  Thread.forkImage.set(memory, thread, 0);
  const result = Thread.forkResult.get(memory, thread);
  const pid = Thread.forkPid.get(memory, thread);
  unwinding.restore({
    image,
    result: 0,
    finish: () => {
      guest.refreshIfDetached();
      guest.view.setUint32(result, pid, true);
    },
  });
}
