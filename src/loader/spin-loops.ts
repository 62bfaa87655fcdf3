/**
 * Spin loops: tells, while a function's instructions pass by once, which of its loops may be such that only another thread can end them.
 *
 * A loop is taken for one when
 * - nothing of its own goes round in it: it changes nothing but locals, and sets each of those before it reads it; calls do not count. That is
 *   `for (;;);`, `while (!flag);`, `while (!isDone());`;
 * - or it reads memory at an address that stays the same, and neither changes anything but locals nor calls. A compiler moves such a load out of
 *   the loop, unless it is volatile: `while (!flag) count++;`;
 * - or a branch in it is decided by what it, or a function that it calls, reads at such an address, perhaps compared with something that stays the
 *   same: `while (!stop) work();`, `while (!isDone(job)) count++;`.
 *
 * All of this goes by the order of the bytes, not by the flow of control. A loop taken for a spin loop by mistake costs a countdown a round. One
 * that is missed (what decides comes from two locals, or from a function of several parameters) runs as it always did.
 *
 * Life: one object for a module. Times are offsets of instructions in it, which only grow, so that nothing needs to be cleared between functions.
 */
import { Effect } from "./instructions.ts";

/** Engines let a function have no more locals. */
export const MOST_LOCALS = 50_000;

/** Loads and decisions looked at for each loop, so that deep nests of loops cost no more than their length. */
const MOST_READS = 200;

/**
 * What is known of an integer: nothing, or that it comes from constants and at most one local. The lowest bit says that memory was read on the way; the
 * rest, its origin, is 0 without a local, else the local's index plus one.
 */
const UNKNOWN = -1;
const CONSTANT = 0;
const READ = 1;

interface OpenLoop {
  /** Where its body begins. */
  readonly start: number;
  /** It has parameters: values go round in it on the stack. */
  readonly hasParameters: boolean;
  /** The counts when it was entered. */
  readonly changes: number;
  readonly calls: number;
  readonly reads: number;
  readonly decisions: number;
  /** A local goes round in this loop, and in each around it, that began after this time. */
  carriedSince: number;
}

/** What is known of an integer that is made of two: they may come from one local together, not from two. */
function join(first: number, second: number): number {
  if (first === UNKNOWN || second === UNKNOWN) return UNKNOWN;
  const origin = first >> 1 || second >> 1;
  const isSame = second >> 1 === origin || second >> 1 === 0;
  return isSame ? (origin << 1) | ((first | second) & READ) : UNKNOWN;
}

export class SpinLoops {
  private readonly loops: OpenLoop[] = [];
  private innermost: OpenLoop | undefined;
  private changes = 0;
  private calls = 0;
  /** Origins of the addresses that were read at, and of those whose contents decided a branch. */
  private reads: number[] = [];
  private decisions: number[] = [];
  private readonly lastGet = new Int32Array(MOST_LOCALS);
  private readonly lastSet = new Int32Array(MOST_LOCALS);
  /** What each local was last set to. */
  private readonly setTo = new Int32Array(MOST_LOCALS);
  /** The two values that were pushed last. */
  private top = UNKNOWN;
  private below = UNKNOWN;

  /** The instructions that follow are inside a loop: they have to be told. */
  get isInside(): boolean {
    return this.innermost !== undefined;
  }

  /** A loop begins, whose body starts at `start`. */
  enter(start: number, hasParameters: boolean): void {
    this.innermost = {
      start,
      hasParameters,
      changes: this.changes,
      calls: this.calls,
      reads: this.reads.length,
      decisions: this.decisions.length,
      carriedSince: start,
    };
    this.loops.push(this.innermost);
    this.top = this.below = UNKNOWN;
  }

  /** The innermost loop ends. Returns where its body starts if it is a spin loop, else -1. */
  leave(): number {
    const loop = this.loops.pop()!;
    const outer = this.loops.at(-1);
    this.innermost = outer;
    if (outer) outer.carriedSince = Math.min(outer.carriedSince, loop.carriedSince);
    const isSpin = this.isSpin(loop);
    if (!outer) {
      this.reads = [];
      this.decisions = [];
    }
    this.top = this.below = UNKNOWN;
    return isSpin ? loop.start : -1;
  }

  private isSpin(loop: OpenLoop): boolean {
    const keeps = loop.changes === this.changes;
    if (keeps && loop.carriedSince >= loop.start && !loop.hasParameters) return true;
    if (keeps && loop.calls === this.calls && this.hasFixed(this.reads, loop.reads, loop))
      return true;
    return this.hasFixed(this.decisions, loop.decisions, loop);
  }

  /** Whether one of these origins, from `first` on, is the same in each round of the loop. */
  private hasFixed(origins: readonly number[], first: number, loop: OpenLoop): boolean {
    const end = Math.min(origins.length, first + MOST_READS);
    for (let index = first; index < end; index++) {
      const origin = origins[index];
      if (origin === 0 || this.lastSet[origin - 1] < loop.start) return true;
    }
    return false;
  }

  /** An instruction inside a loop: its effect; the local that it names; of a call, how many parameters it takes. */
  note(effect: number, at: number, operand: number): void {
    switch (effect) {
      case Effect.localGet:
        this.lastGet[operand] = at;
        this.push(
          this.lastSet[operand] > this.innermost!.start ? this.setTo[operand] : (operand + 1) << 1,
        );
        return;
      case Effect.localSet:
        this.set(operand, at);
        this.top = this.below;
        this.below = UNKNOWN;
        return;
      case Effect.localTee:
        this.set(operand, at);
        return;
      case Effect.constant:
        this.push(CONSTANT);
        return;
      case Effect.unary:
        return;
      case Effect.binary:
        this.top = join(this.top, this.below);
        this.below = UNKNOWN;
        return;
      case Effect.load:
        if (this.top === UNKNOWN) return;
        this.reads.push(this.top >> 1);
        this.top |= READ;
        return;
      case Effect.branch:
        if (this.top !== UNKNOWN && this.top & READ) this.decisions.push(this.top >> 1);
        break;
      case Effect.change:
        this.changes++;
        break;
      case Effect.call:
        this.calls++;
        // As a load: what the callee reads depends on nothing else either.
        this.top =
          operand === 0 ? READ : operand === 1 && this.top >= 0 ? this.top | READ : UNKNOWN;
        this.below = UNKNOWN;
        return;
    }
    this.top = this.below = UNKNOWN;
  }

  private push(value: number): void {
    this.below = this.top;
    this.top = value;
  }

  private set(local: number, at: number): void {
    const before = this.lastSet[local];
    // The first time in this loop: what was read in the loop until now came from the round before.
    if (before < this.innermost!.start && this.lastGet[local] > before) {
      const loop = this.findLoop(this.lastGet[local]);
      if (loop && loop.carriedSince > before) loop.carriedSince = before;
    }
    this.lastSet[local] = at;
    this.setTo[local] = this.top;
  }

  /** The innermost open loop that had begun at a time. */
  private findLoop(time: number): OpenLoop | undefined {
    if (this.innermost!.start <= time) return this.innermost;
    let low = 0;
    let high = this.loops.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.loops[middle].start <= time) low = middle + 1;
      else high = middle;
    }
    return this.loops[low - 1];
  }
}
