/**
 * A broken invariant of the kernel. Never caught to go on: whoever sees one stops the machine and shows it.
 */
export class KernelPanic extends Error {
  override name = "KernelPanic";
  readonly code = "ERR_KERNEL_PANIC";
}

/** Stops the machine with a reason. */
export function panic(reason: string): never {
  throw new KernelPanic(reason);
}
