/**
 * Spinning: looking at a word again and again before the agent sleeps for it.
 *
 * To put an agent to sleep and to wake it takes the operating system tens of microseconds; a peer that runs on another core answers in one or two. So an
 * agent first spins for a while, the longer the more often that helped of late. At most as many agents spin at once as there are other cores: on a machine with
 * one core nobody does, since the peer could not run.
 */
import { Header, type KernelMemory } from "./memory.ts";

/** Looks of a spin: about 50 microseconds at most, one at least. */
const MOST_LOOKS = 6000;
const FEWEST_LOOKS = 100;

/** A word that is 0 for ever. */
const NEVER_WRITTEN = Header.unused >> 2;

/** Says how many agents may spin at once. */
export function allowSpinning(memory: KernelMemory, agents: number): void {
  Atomics.store(memory.i32, Header.mostSpinners >> 2, agents);
}

/**
 * Spins while a word has a value, and another is 0.
 *
 * @param word its index; @param other that of the other
 * @returns whether one has changed; false when that took too long, or too many agents spin
 */
export function spinWhile(
  memory: KernelMemory,
  word: number,
  value: number,
  other = NEVER_WRITTEN,
): boolean {
  const { i32 } = memory;
  if (Atomics.load(i32, word) !== value) return true;
  const others = Atomics.add(i32, Header.spinners >> 2, 1);
  let changed = false;
  if (others < Atomics.load(i32, Header.mostSpinners >> 2)) {
    for (let look = memory.looks; look > 0 && !changed; look--)
      changed = Atomics.load(i32, word) !== value || Atomics.load(i32, other) !== 0;
    memory.looks = changed
      ? Math.min(memory.looks * 2, MOST_LOOKS)
      : Math.max(memory.looks >> 1, FEWEST_LOOKS);
  }
  Atomics.sub(i32, Header.spinners >> 2, 1);
  return changed;
}
