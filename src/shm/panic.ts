/**
 * A broken invariant of the kernel. Never caught to go on: it stops the machine, and is shown.
 */
export class KernelPanic extends Error {
  override name = "KernelPanic";
  readonly code = "ERR_KERNEL_PANIC";
}

/** Stops the machine with a reason. */
export function panic(reason: string): never {
  throw new KernelPanic(reason);
}
