/**
 * Waiting on kernel objects from the host's event loop, which may not sleep: a parker and an entry of its own.
 */
import type { Kernel } from "../kernel/index.ts";
import { Parker, parkAsync, subscribe, unpark, unsubscribe, WaitEntry } from "../shm/index.ts";
import { WeftError } from "./errors.ts";

/** What a broken kernel's waits end with, and who waits. */
interface Waits {
  failure: Error | undefined;
  /** Parkers, with the entries that they wait by. */
  readonly parkers: Map<number, number>;
}

const waitsOf = new WeakMap<Kernel, Waits>();

function findWaits(kernel: Kernel): Waits {
  let waits = waitsOf.get(kernel);
  if (waits === undefined) {
    waits = { failure: undefined, parkers: new Map() };
    waitsOf.set(kernel, waits);
  }
  return waits;
}

/** The kernel heap is broken: every wait on its objects fails with this error, those that begin later too. */
export function failWaits(kernel: Kernel, failure: Error): void {
  const waits = findWaits(kernel);
  waits.failure = failure;
  for (const parker of waits.parkers.keys()) unpark(kernel.memory, parker);
}

/** Everything that waits now: pairs of a parker and its entry, for a snapshot. */
export function listWaits(kernel: Kernel): number[] {
  return [...findWaits(kernel).parkers].flat();
}

/** Waits until `ready` answers something else than undefined, looking again whenever the queue is woken for `mask`. */
export async function waitForQueue<T>(
  kernel: Kernel,
  queue: number,
  mask: number,
  ready: () => T | undefined,
): Promise<T> {
  const { memory } = kernel;
  while (memory.away !== undefined) await memory.away;
  const waits = findWaits(kernel);
  if (waits.failure !== undefined) throw waits.failure;
  const first = ready();
  if (first !== undefined) return first;
  const parker = Parker.allocate(memory);
  const entry = parker === 0 ? 0 : WaitEntry.allocate(memory);
  if (entry === 0) {
    if (parker !== 0) Parker.free(memory, parker);
    throw new WeftError("ERR_LIMIT", "the kernel's memory is full (option maxKernelMemory)");
  }
  subscribe(memory, queue, entry, parker, mask);
  waits.parkers.set(parker, entry);
  try {
    for (;;) {
      memory.refreshIfGrown();
      if (waits.failure !== undefined) throw waits.failure;
      const answer = ready();
      if (answer !== undefined) return answer;
      await parkAsync(memory, parker, Infinity);
    }
  } finally {
    waits.parkers.delete(parker);
    // In a broken heap nothing is given back: its locks may be held for ever.
    if (waits.failure === undefined) {
      unsubscribe(memory, entry);
      WaitEntry.free(memory, entry);
      Parker.free(memory, parker);
    }
  }
}
