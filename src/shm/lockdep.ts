/**
 * The checker of lock order: on in tests, absent otherwise.
 *
 * It keeps this agent's held locks as a stack of ranks. Taking a lock whose rank is not above the last one held, or letting go of one
 * that is not held, stops the machine and shows both places. So does taking one where the agent could be ended with it.
 */
import { panic } from "./panic.ts";

interface Held {
  name: string;
  rank: number;
  address: number;
  where: string;
}

export class LockOrder {
  private readonly held: Held[] = [];
  /** Whether this agent may take locks now, where it is one that is ended only while it may not. */
  mayLock: (() => boolean) | undefined;

  /** A lock was taken. Stops the machine where its rank is not above the last one's. */
  acquired(name: string, rank: number, address: number): void {
    const last = this.held.at(-1);
    const where = new Error().stack ?? "";
    if (this.mayLock?.() === false)
      panic(`lock order: ${name} taken by an agent that can be ended at any moment, at\n${where}`);
    if (last !== undefined && last.rank >= rank) {
      panic(
        `lock order: ${name} (rank ${rank}) taken while ${last.name} (rank ${last.rank}) is held\n` +
          `--- ${last.name} was taken at\n${last.where}\n--- ${name} at\n${where}`,
      );
    }
    this.held.push({ name, rank, address, where });
  }

  /** A lock was let go of. */
  released(name: string, address: number): void {
    const index = this.held.findLastIndex((held) => held.address === address);
    if (index < 0) panic(`lock order: ${name} let go of but not held`);
    this.held.splice(index, 1);
  }

  /** Stops the machine if this agent holds any lock: called where it must hold none (before it sleeps, after a syscall). */
  mustBeEmpty(where: string): void {
    const last = this.held.at(-1);
    if (last !== undefined)
      panic(`${where}: lock ${last.name} is still held, taken at\n${last.where}`);
  }
}
