/** Signals from time to time: `proc_raise_interval` (setitimer(2)). */
import { Signal } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { setIntervalTimer } from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";
import { toUnsigned } from "./wide.ts";

/** No timer fires more often, in milliseconds. */
const SHORTEST = 1;

/**
 * Sends the caller's process a signal each `interval`, in nanoseconds as the C library counts (the reference takes milliseconds), or once; 0 ends that. A timer
 * set anew begins anew. EINVAL for an unknown signal, ENOMEM.
 */
export function proc_raise_interval(
  context: SyscallContext,
  signal: number,
  interval: bigint,
  repeats: number,
): number {
  if (signal === 0 || signal >>> 0 > Signal.SYS) return Errno.EINVAL;
  const milliseconds = toUnsigned(interval) / 1e6;
  const period = milliseconds === 0 ? 0 : Math.max(SHORTEST, milliseconds);
  return setIntervalTimer(context.kernel, context.owner, signal, period, repeats !== 0);
}
