/**
 * The watch: the one idle carrier of a crew that looks after threads which sleep without a carrier (`sleepers.ts`).
 *
 * Lock: `Crew.lock`.
 */
import { Thread } from "../kernel/index.ts";
import { type KernelMemory, ringBell } from "../shm/index.ts";
import { Carrier, Crew, leaveIdleLocked } from "./crew-records.ts";
import { addSleeperLocked, Sleepers } from "./sleepers.ts";

/** The bell that the carrier with the watch sleeps on. */
export function watchBell(crew: number): number {
  return Sleepers.ready.at(Crew.sleepers.at(crew));
}

/** Whether a carrier has the watch. */
export function hasWatch(memory: KernelMemory, crew: number, carrier: number): boolean {
  return Sleepers.watch.get(memory, Crew.sleepers.at(crew)) === carrier;
}

/** Nobody has the watch any more; an idle carrier to wake for it, or 0. */
export function leaveWatchLocked(memory: KernelMemory, crew: number): number {
  Sleepers.watch.set(memory, Crew.sleepers.at(crew), 0);
  return Crew.idle.get(memory, crew);
}

/**
 * An idle carrier takes the watch where nobody has it. Returns whether it has it. Only itself gives it up again, awake: nobody else may hush the bell that it
 * sleeps on.
 */
export function takeWatch(memory: KernelMemory, crew: number, carrier: number): boolean {
  const sleepers = Crew.sleepers.at(crew);
  Crew.lock.acquire(memory, crew);
  const isFree = Sleepers.watch.get(memory, sleepers) === 0;
  // A spawner may have taken it meanwhile.
  if (isFree && Carrier.thread.get(memory, carrier) === 0)
    Sleepers.watch.set(memory, sleepers, carrier);
  const has = hasWatch(memory, crew, carrier);
  Crew.lock.release(memory, crew);
  return has;
}

/** The carrier with the watch was given a thread, or has seen a sleeper that is to go on: it is idle no more, and another gets the watch. */
export function endWatch(memory: KernelMemory, crew: number, carrier: number): void {
  Crew.lock.acquire(memory, crew);
  leaveIdleLocked(memory, crew, carrier);
  const heir = leaveWatchLocked(memory, crew);
  Crew.lock.release(memory, crew);
  if (heir !== 0) ringBell(memory, heir);
}

/** Takes a thread off its carrier until it is woken. Returns false where it was woken meanwhile: then it still has the carrier. */
export function leaveAsleep(
  memory: KernelMemory,
  crew: number,
  carrier: number,
  thread: number,
  deadline: number,
): boolean {
  const sleepers = Crew.sleepers.at(crew);
  Crew.lock.acquire(memory, crew);
  Thread.carrier.set(memory, thread, 0);
  Carrier.thread.set(memory, carrier, 0);
  const sleeps = addSleeperLocked(memory, sleepers, thread, deadline);
  if (!sleeps) {
    Thread.carrier.set(memory, thread, carrier);
    Carrier.thread.set(memory, carrier, thread);
  }
  const isFirst = sleeps && Sleepers.first.get(memory, sleepers) === thread;
  Crew.lock.release(memory, crew);
  if (isFirst) ringBell(memory, watchBell(crew));
  return sleeps;
}
