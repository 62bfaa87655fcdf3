/**
 * Mutual exclusion between agents: one word of shared memory.
 *
 * Word: 0 free; otherwise the number of the owning agent, with the top bit set when somebody may be asleep waiting for it.
 * Taking a free lock is one compare-exchange, letting go one exchange. A critical section never sleeps and never runs guest code, so
 * waits are short: a bounded spin, then sleep. An agent that may not block (a page's main thread) only spins.
 */
import { Header, type KernelMemory } from "./memory.ts";
import { panic } from "./panic.ts";

const CONTENDED = 0x80000000 | 0;
const SPINS = 400;
/** How long the owner of a lock may keep it before the machine is declared broken, and between looks whether it was, in milliseconds. */
const BROKEN_AFTER = 30_000;
const LOOK_AFTER = 250;

/** Takes the lock at `address`. On return the views of `memory` cover all that the lock guards. */
export function acquireLock(memory: KernelMemory, address: number): void {
  if (memory.code.compareExchange(address | 0, 0, memory.agent) !== 0) {
    acquireContended(memory, address);
  }
  memory.locksHeld++;
  if (memory.i32[Header.pages >> 2] > memory.pages) memory.refresh();
}

/** Lets go of a lock that this agent holds. */
export function releaseLock(memory: KernelMemory, address: number): void {
  const old = memory.code.exchange(address | 0, 0);
  memory.locksHeld--;
  if (old < 0) Atomics.notify(memory.i32, address >>> 2, 1);
  else if (old === 0) panic(`release: the lock at ${address} was free`);
}

function acquireContended(memory: KernelMemory, address: number): void {
  const word = address >>> 2;
  const { i32, agent } = memory;
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.load(i32, word) === 0 && Atomics.compareExchange(i32, word, 0, agent) === 0) return;
  }
  if (!memory.mayBlock) return spinForLock(memory, word);
  for (let slept = 0; ;) {
    stopIfBroken(memory);
    const seen = Atomics.load(i32, word);
    if (seen === 0) {
      if (Atomics.compareExchange(i32, word, 0, agent | CONTENDED) === 0) return;
      continue;
    }
    if ((seen & ~CONTENDED) === agent)
      panic(`acquire: agent ${agent} holds the lock at ${address} already`);
    const marked = seen | CONTENDED;
    if (seen !== marked && Atomics.compareExchange(i32, word, seen, marked) !== seen) continue;
    if (
      Atomics.wait(i32, word, marked, LOOK_AFTER) === "timed-out" &&
      Atomics.load(i32, word) === marked
    ) {
      slept += LOOK_AFTER;
      if (slept < BROKEN_AFTER) continue;
      panic(
        `acquire: agent ${seen & ~CONTENDED} has kept the lock at ${address} for ${BROKEN_AFTER} ms`,
      );
    }
  }
}

/** Says that an agent stopped while it held locks: what they guard is lost, and with it the machine. */
export function declareBroken(memory: KernelMemory): void {
  Atomics.store(memory.i32, Header.panicked >> 2, 1);
}

/** Whether an agent stopped while it held locks. */
export function isBroken(memory: KernelMemory): boolean {
  return Atomics.load(memory.i32, Header.panicked >> 2) !== 0;
}

function stopIfBroken(memory: KernelMemory): void {
  if (isBroken(memory)) panic("the machine has stopped: an agent failed while it held locks");
}

/** The page's main thread: critical sections last microseconds, so the loop does too; its bound only catches a dead owner. */
function spinForLock(memory: KernelMemory, word: number): void {
  for (let spin = 0; spin < 50_000_000; spin++) {
    if (Atomics.compareExchange(memory.i32, word, 0, memory.agent) === 0) return;
    if ((spin & 0xffff) === 0xffff) stopIfBroken(memory);
  }
  panic(`acquire: the lock at ${word << 2} is never let go of`);
}
