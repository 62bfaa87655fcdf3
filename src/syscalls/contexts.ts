/**
 * Contexts: several stacks within one thread, one of which runs (`spec/threads.md` §6, `abi/semantics.md` §4). Where the engine can suspend stacks it keeps those
 * that do not run. Elsewhere they are taken apart, which programs must carry asyncify for; every call answers ENOTSUP in others.
 */
import { Errno } from "../abi/errno.ts";
import {
  addContext,
  childOfCaller,
  createContextTable,
  exchangeHandlers,
  findContext,
  removeCheckpoints,
  removeContext,
  StackContext,
  StackImage,
  Thread,
} from "../kernel/index.ts";
import type { Outcome } from "./block.ts";
import type { SyscallContext } from "./context.ts";

const SWITCH = "wasix_32v1.context_switch";

/** Numbers of contexts are exact as doubles up to here; none higher was given out. */
const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

/** Whether the thread can have contexts. While it calls as a child on its own stack it cannot: a child begins without any. */
function canHaveContexts({ memory, stacks, thread, unwinding }: SyscallContext): boolean {
  if (childOfCaller(memory, thread) !== 0) return false;
  return stacks !== undefined || unwinding?.unwindsAt(SWITCH) === true;
}

/**
 * Makes a context whose stack begins with a function without parameters and results; writes its number. It runs once it is switched to.
 *
 * Errors: EMEMVIOLATION; EINVAL for what is no function of the program's table; ENOTSUP; ENOMEM at the limit.
 */
export function context_create(context: SyscallContext, result: number, entry: number): number {
  const { guest, guestPort, memory, thread } = context;
  if (!canHaveContexts(context)) return Errno.ENOTSUP;
  if (!guest.has(result, 8)) return Errno.EMEMVIOLATION;
  if (!guestPort.isContextEntry(entry >>> 0)) return Errno.EINVAL;
  let table = Thread.contexts.get(memory, thread);
  if (table === 0) Thread.contexts.set(memory, thread, (table = createContextTable(memory)));
  const id = table === 0 ? 0 : addContext(memory, table, entry >>> 0);
  if (id === 0) return Errno.ENOMEM;
  guest.setU64(result >>> 0, id % 2 ** 32, Math.floor(id / 2 ** 32));
  return 0;
}

/**
 * Switches to another context; answers 0 when something switches back. To itself: 0 at once.
 *
 * Errors: EINVAL for one that is not there; ENOTSUP; where the stack is taken apart, what `UnwindPort.unwind` answers.
 */
export function context_switch(context: SyscallContext, id: bigint): Outcome {
  const { guestPort, memory, stacks, thread, unwinding } = context;
  if (!canHaveContexts(context)) return Errno.ENOTSUP;
  const number = id < 0n || id > LARGEST ? -1 : Number(id);
  const before = Thread.context.get(memory, thread);
  if (number === before) return 0;
  const table = Thread.contexts.get(memory, thread);
  const target = findContext(memory, table, number);
  if (target === 0) return Errno.EINVAL;
  const entry = StackContext.entry.get(memory, target);
  // The program may have changed its table since.
  if (number !== 0 && !guestPort.isContextEntry(entry)) return Errno.EINVAL;
  if (stacks !== undefined) return stacks.switchContext(number, entry);
  return unwinding!.unwind(SWITCH, (image) => {
    const left = findContext(memory, table, before);
    StackContext.image.set(memory, left, image);
    exchangeHandlers(memory, thread, left, target);
    const next = StackContext.image.get(memory, target);
    StackContext.image.set(memory, target, 0);
    if (before === 0)
      Thread.mainStackPointer.set(memory, thread, StackImage.stackPointer.get(memory, image));
    Thread.context.set(memory, thread, number);
    return { image: next, result: 0, keepsGlobals: true };
  });
}

/** Ends a context that does not run, for good; 0 also for one that is not there. EINVAL for the calling and the main one; ENOTSUP. */
export function context_destroy(context: SyscallContext, id: bigint): number {
  const { memory, stacks, thread } = context;
  if (!canHaveContexts(context)) return Errno.ENOTSUP;
  if (id < 0n || id > LARGEST) return 0;
  const number = Number(id);
  if (number === 0 || number === Thread.context.get(memory, thread)) return Errno.EINVAL;
  const table = Thread.contexts.get(memory, thread);
  if (findContext(memory, table, number) === 0) return 0;
  stacks?.forgetContext(number);
  removeContext(memory, table, number);
  const first = Thread.checkpoints.get(memory, thread);
  Thread.checkpoints.set(memory, thread, removeCheckpoints(memory, first, number));
  return 0;
}
