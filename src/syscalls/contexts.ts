/**
 * Contexts: several stacks within one thread, one of which runs (`spec/threads.md` §6, `abi/semantics.md` §4). Only where the engine can suspend stacks;
 * elsewhere every call answers ENOTSUP.
 */
import { Errno } from "../abi/errno.ts";
import type { Outcome } from "./block.ts";
import type { SyscallContext } from "./context.ts";

/** Numbers of contexts are exact as doubles up to here; none higher was given out. */
const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Makes a context whose stack begins with a function without parameters and results; writes its number. It runs once it is switched to.
 *
 * Errors: EMEMVIOLATION; EINVAL for what is no function of the program's table; ENOTSUP; ENOMEM at the limit.
 */
export function context_create(context: SyscallContext, result: number, entry: number): number {
  const { guest, stacks } = context;
  if (stacks === undefined) return Errno.ENOTSUP;
  if (!guest.has(result, 8)) return Errno.EMEMVIOLATION;
  const id = stacks.createContext(entry >>> 0);
  if (id < 0) return -id;
  guest.setU64(result >>> 0, id % 2 ** 32, Math.floor(id / 2 ** 32));
  return 0;
}

/** Switches to another context; answers 0 when something switches back. To itself: 0 at once. EINVAL for one that is not there; ENOTSUP. */
export function context_switch(context: SyscallContext, id: bigint): Outcome {
  if (context.stacks === undefined) return Errno.ENOTSUP;
  return id < 0n || id > LARGEST ? Errno.EINVAL : context.stacks.switchContext(Number(id));
}

/** Ends a context that does not run, for good; 0 also for one that is not there. EINVAL for the calling and the main one; ENOTSUP. */
export function context_destroy(context: SyscallContext, id: bigint): number {
  if (context.stacks === undefined) return Errno.ENOTSUP;
  return id < 0n || id > LARGEST ? 0 : context.stacks.destroyContext(Number(id));
}
