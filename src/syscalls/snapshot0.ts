/** The calls of `wasi_unstable`, the first WASI snapshot, that differ from their preview 1 namesakes. */
import { Errno } from "../abi/errno.ts";
import { Whence, WhenceSnapshot0 } from "../abi/enums.ts";
import { FilestatSnapshot0, SubscriptionSnapshot0 } from "../abi/snapshot0-layouts.ts";
import type { Outcome } from "./block.ts";
import type { SyscallContext } from "./context.ts";
import * as fd from "./fd.ts";
import { statDescriptor } from "./fd-status.ts";
import { writeFilestatSnapshot0 } from "./filestat.ts";
import { statPath } from "./path.ts";
import { poll } from "./poll.ts";

/** Describes the file behind a descriptor. */
export function fd_filestat_get(context: SyscallContext, fd: number, result: number): number {
  const { guest, vfs } = context;
  if (!guest.has(result, FilestatSnapshot0.$size)) return Errno.EMEMVIOLATION;
  const answer = statDescriptor(context, fd);
  if (answer < 0) return -answer;
  writeFilestatSnapshot0(guest, result, vfs.stat);
  return 0;
}

/** Describes what a path leads to. */
export function path_filestat_get(
  context: SyscallContext,
  fd: number,
  flags: number,
  path: number,
  length: number,
  result: number,
): number {
  const { guest, vfs } = context;
  if (!guest.has(path, length >>> 0) || !guest.has(result, FilestatSnapshot0.$size)) {
    return Errno.EMEMVIOLATION;
  }
  const answer = statPath(context, fd, flags, path, length);
  if (answer < 0) return -answer;
  writeFilestatSnapshot0(guest, result, vfs.stat);
  return 0;
}

const WHENCE: readonly number[] = (() => {
  const order: number[] = [];
  order[WhenceSnapshot0.CUR] = Whence.CUR;
  order[WhenceSnapshot0.END] = Whence.END;
  order[WhenceSnapshot0.SET] = Whence.SET;
  return order;
})();

/** Moves the offset: `whence` counts otherwise. */
export function fd_seek(
  context: SyscallContext,
  descriptor: number,
  delta: bigint,
  whence: number,
  result: number,
): number {
  return fd.fd_seek(context, descriptor, delta, WHENCE[whence >>> 0] ?? whence, result);
}

/** Waits for many things: a clock's subscription has a field more. */
export function poll_oneoff(
  context: SyscallContext,
  input: number,
  output: number,
  count: number,
  result: number,
): Outcome {
  return poll(context, SubscriptionSnapshot0, input, output, count >>> 0, result);
}
