/** Making event objects: `fd_event`. */
import { Errno } from "../abi/errno.ts";
import { Eventfdflags, Fdflags } from "../abi/flags.ts";
import { openEvent } from "../kernel/event-file.ts";
import { ALL_RIGHTS, installFile } from "../kernel/index.ts";
import { dropFile } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";
import { highHalf, lowHalf } from "./wide.ts";

/**
 * Makes an event object (eventfd(2)) and writes its descriptor. Of the flags that the C library adds to the ABI's, non-blocking mode comes through to here.
 * EINVAL for 2^64 - 1 to start with, EMFILE, ENOMEM.
 */
export function fd_event(
  context: SyscallContext,
  initial: bigint,
  flags: number,
  result: number,
): number {
  const { guest, memory, files, vfs } = context;
  if (!guest.has(result, 4)) return Errno.EMEMVIOLATION;
  const low = lowHalf(initial);
  const high = highHalf(initial);
  if (low === 0xffffffff && high === 0xffffffff) return Errno.EINVAL;
  const file = openEvent(
    vfs,
    low,
    high,
    (flags & Eventfdflags.SEMAPHORE) !== 0,
    flags & Fdflags.NONBLOCK,
  );
  if (file === 0) return Errno.ENOMEM;
  const fd = installFile(memory, files, file, ALL_RIGHTS);
  if (fd < 0) {
    dropFile(vfs, file);
    return -fd;
  }
  guest.view.setUint32(result >>> 0, fd, true);
  return 0;
}
