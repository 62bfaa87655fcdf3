/**
 * Waiting on kernel objects from the host's event loop, which may not sleep: a parker and an entry of its own.
 */
import type { Kernel } from "../kernel/index.ts";
import { Parker, parkAsync, subscribe, unsubscribe, WaitEntry } from "../shm/index.ts";
import { WeftError } from "./errors.ts";

/** Waits until `ready` answers something else than undefined, looking again whenever the queue is woken for `mask`. */
export async function waitForQueue<T>(
  kernel: Kernel,
  queue: number,
  mask: number,
  ready: () => T | undefined,
): Promise<T> {
  const { memory } = kernel;
  while (memory.away !== undefined) await memory.away;
  const first = ready();
  if (first !== undefined) return first;
  const parker = Parker.allocate(memory);
  const entry = parker === 0 ? 0 : WaitEntry.allocate(memory);
  if (entry === 0) {
    if (parker !== 0) Parker.free(memory, parker);
    throw new WeftError("ERR_LIMIT", "the kernel's memory is full (option maxKernelMemory)");
  }
  subscribe(memory, queue, entry, parker, mask);
  try {
    for (;;) {
      memory.refreshIfGrown();
      const answer = ready();
      if (answer !== undefined) return answer;
      await parkAsync(memory, parker, Infinity);
    }
  } finally {
    unsubscribe(memory, entry);
    WaitEntry.free(memory, entry);
    Parker.free(memory, parker);
  }
}
