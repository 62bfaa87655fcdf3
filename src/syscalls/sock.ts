/** Sockets: there are none, so every descriptor is something else. */
import { Errno } from "../abi/errno.ts";
import { dropFile } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";

/** Any call on a socket: EBADF for a descriptor that is not open, ENOTSOCK for any other. */
export function refuseSocketCall(context: SyscallContext, fd: number): number {
  const file = context.lookup(fd, 0);
  if (file < 0) return -file;
  dropFile(context.vfs, file);
  return Errno.ENOTSOCK;
}
