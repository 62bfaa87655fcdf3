/** Clocks. Preview 1 `clock_res_get`, `clock_time_get`; WASIX `clock_time_set`. */
import { Clockid } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import type { SyscallContext } from "./context.ts";

/** Writes the resolution of a clock in nanoseconds; EINVAL for an unknown clock. */
export function clock_res_get(context: SyscallContext, clock: number, result: number): number {
  if (clock >>> 0 > Clockid.THREAD_CPUTIME_ID) return Errno.EINVAL;
  if (!context.guest.has(result, 8)) return Errno.EMEMVIOLATION;
  context.guest.setSize(result, context.kernel.clock.resolution);
  return 0;
}

/** Writes the time of a clock in nanoseconds; the precision asked for is always met. EINVAL for an unknown clock. */
export function clock_time_get(
  context: SyscallContext,
  clock: number,
  _precision: bigint,
  result: number,
): number {
  const { guest } = context;
  const source = context.kernel.clock;
  if (!guest.has(result, 8)) return Errno.EMEMVIOLATION;
  switch (clock) {
    case Clockid.REALTIME:
      source.readRealtime();
      break;
    case Clockid.MONOTONIC:
      source.readMonotonic();
      break;
    case Clockid.PROCESS_CPUTIME_ID:
    case Clockid.THREAD_CPUTIME_ID:
      source.readProcessTime();
      break;
    default:
      return Errno.EINVAL;
  }
  guest.setU64(result, source.low, source.high);
  return 0;
}

/** No guest may set the host's clock: EPERM, as clock_settime(2) answers an unprivileged caller. EINVAL for an unknown clock. */
export function clock_time_set(_context: SyscallContext, clock: number, _time: bigint): number {
  return clock >>> 0 > Clockid.THREAD_CPUTIME_ID ? Errno.EINVAL : Errno.EPERM;
}
