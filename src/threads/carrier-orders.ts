/**
 * Carrier orders: how many carriers a crew has, and for how many more it asks the host, which hires them (`hiring.ts`).
 *
 * Lock: `Crew.lock`.
 */
import type { Kernel } from "../kernel/index.ts";
import type { KernelMemory } from "../shm/index.ts";
import { countersOf, Crew } from "./crew-records.ts";
import { Sleepers } from "./sleepers.ts";
import { stackParts } from "./unwinding-slot.ts";

/** Most carriers that are asked for at once. */
const LARGEST_ORDER = 64;

/**
 * Whether more threads wait than carriers of their own come: then shared ones take some. The main thread, which the first instance is made for, they leave. A
 * hint without the lock.
 */
export function isLineTooLong(memory: KernelMemory, crew: number): boolean {
  return (
    Crew.waiting.get(memory, crew) > Crew.wanted.get(memory, crew) &&
    Crew.instances.load(memory, crew) !== 0
  );
}

/**
 * Decides how many more carriers to ask for: one for each thread in line and some to spare; shared ones where those are more than there may be.
 * Returns whether any.
 */
export function orderCarriersLocked(memory: KernelMemory, crew: number): boolean {
  const ordered = orderOwnCarriersLocked(memory, crew);
  return (isLineTooLong(memory, crew) && orderSharedLocked(memory, crew)) || ordered;
}

/** Asks for all shared carriers that there may be. Returns whether for any. */
function orderSharedLocked(memory: KernelMemory, crew: number): boolean {
  const coming = Crew.sharedWanted.get(memory, crew);
  const order = Crew.mostShared.get(memory, crew) - Crew.shared.get(memory, crew) - coming;
  if (order <= 0) return false;
  Crew.sharedWanted.set(memory, crew, coming + order);
  return true;
}

function orderOwnCarriersLocked(memory: KernelMemory, crew: number): boolean {
  // Once threads share carriers they all can: each carrier of its own takes long to start, and the cores are in use.
  if (Crew.shared.get(memory, crew) + Crew.sharedWanted.get(memory, crew) > 0) return false;
  const coming = Crew.wanted.get(memory, crew);
  const lacking =
    Crew.waiting.get(memory, crew) +
    Crew.spare.get(memory, crew) -
    Crew.idleCount.get(memory, crew) -
    coming;
  const room = Crew.mostCarriers.get(memory, crew) - Crew.carriers.get(memory, crew) - coming;
  const order = Math.min(lacking, room, LARGEST_ORDER);
  if (order <= 0) return false;
  Crew.wanted.set(memory, crew, coming + order);
  return true;
}

/** Carriers of a kind that a crew has or has asked for. Both are counted in one moment: one that joins now would else be counted twice, and one too many hired. */
export function countCarriers(memory: KernelMemory, crew: number, isShared: boolean): number {
  const [count, wanted] = countersOf(isShared);
  Crew.lock.acquire(memory, crew);
  const all = count.get(memory, crew) + wanted.get(memory, crew);
  Crew.lock.release(memory, crew);
  return all;
}

/** Takes back the orders of carriers of one thread beyond those that the crew has or that are on their way, `hired` in all: threads share carriers now. */
export function cancelCarriers(memory: KernelMemory, crew: number, hired: number): void {
  Crew.lock.acquire(memory, crew);
  const coming = hired - Crew.carriers.get(memory, crew);
  if (coming < Crew.wanted.get(memory, crew)) Crew.wanted.set(memory, crew, Math.max(0, coming));
  Crew.lock.release(memory, crew);
}

/** Where threads cannot share carriers after all: each gets one of its own. Returns whether carriers are asked for. */
export function unshareCrew(memory: KernelMemory, crew: number, carriers: number): boolean {
  Crew.lock.acquire(memory, crew);
  Crew.mostShared.set(memory, crew, 0);
  Crew.sharedWanted.set(memory, crew, 0);
  const most = Math.min(carriers, Crew.most.get(memory, crew));
  Crew.most.set(memory, crew, most);
  Crew.mostCarriers.set(memory, crew, most);
  const order = orderCarriersLocked(memory, crew);
  Crew.lock.release(memory, crew);
  return order;
}

/**
 * Whether the host is to look after threads that wait while all carriers are busy: where there are fewer than there may be threads, since a thread that waits
 * leaves its own.
 */
export function callsHostLocked(memory: KernelMemory, crew: number): boolean {
  const waits =
    Crew.waiting.get(memory, crew) + Sleepers.count.get(memory, Crew.sleepers.at(crew)) > 0;
  const mayGrow =
    Crew.mostShared.get(memory, crew) === 0 &&
    Crew.mostCarriers.get(memory, crew) < Crew.most.get(memory, crew);
  if (!waits || !mayGrow || Crew.isWatched.get(memory, crew) !== 0) return false;
  if (Crew.idleCount.get(memory, crew) > 0) return false;
  Crew.isWatched.set(memory, crew, 1);
  return true;
}

/**
 * For the host, from time to time: asks for more carriers where threads wait and none was taken up since the last look: then the carriers' threads compute, or
 * wait for one of these.
 *
 * @param taken what the last look returned; @param most carriers that there may be at all
 * @returns what to compare with the next time, or -1 where there is nothing to look after
 */
export function growIfStuck(kernel: Kernel, crew: number, taken: number, most: number): number {
  const { memory, clock } = kernel;
  const sleepers = Crew.sleepers.at(crew);
  Crew.lock.acquire(memory, crew);
  let now = Crew.taken.get(memory, crew);
  const waiting = Crew.waiting.get(memory, crew);
  if (
    Crew.idleCount.get(memory, crew) > 0 ||
    waiting + Sleepers.count.get(memory, sleepers) === 0
  ) {
    Crew.isWatched.set(memory, crew, 0);
    now = -1;
  } else if (
    now === taken &&
    // Those that are on the way come late on a busy machine, and later the more there are.
    Crew.wanted.get(memory, crew) === 0 &&
    (waiting > 0 || stackParts().hasReadySleeper(memory, sleepers, clock.monotonicMilliseconds()))
  ) {
    const have = Crew.carriers.get(memory, crew);
    const more = Math.min(1 + (have >> 2), most - have);
    if (more > 0) Crew.wanted.set(memory, crew, more);
  }
  Crew.lock.release(memory, crew);
  return now;
}
