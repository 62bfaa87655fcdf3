/**
 * Deadlines: the suspended stacks of one agent that are to wake at a time, the earliest first. A binary heap. Entries are not taken out when their sleep ends
 * early: they are passed over when their time comes, or swept out when they are the most.
 */

/** A sleep of something: `sleep` tells which, so that an entry of an earlier one is known. */
export interface Sleeper {
  /** Counted up whenever a sleep ends. */
  sleep: number;
}

interface Entry<Kind> {
  readonly time: number;
  readonly sleeper: Kind;
  readonly sleep: number;
}

/** Entries from which on outdated ones are swept out. */
const SWEEP_FROM = 64;

export class Deadlines<Kind extends Sleeper> {
  private heap: Entry<Kind>[] = [];
  private sweepAt = SWEEP_FROM;

  /** Notes that the present sleep of `sleeper` ends at `time`. */
  add(time: number, sleeper: Kind): void {
    if (this.heap.length >= this.sweepAt) this.sweep();
    this.heap.push({ time, sleeper, sleep: sleeper.sleep });
    this.rise(this.heap.length - 1);
  }

  /** The earliest deadline, Infinity without one. */
  first(): number {
    while (this.heap.length > 0 && this.isOutdated(this.heap[0])) this.dropFirst();
    return this.heap.length === 0 ? Infinity : this.heap[0].time;
  }

  /** Takes out a sleeper whose time has come by `now`, or undefined. */
  takeDue(now: number): Kind | undefined {
    if (this.first() > now || this.heap.length === 0) return undefined;
    const { sleeper } = this.heap[0];
    this.dropFirst();
    return sleeper;
  }

  private isOutdated({ sleeper, sleep }: Entry<Kind>): boolean {
    return sleeper.sleep !== sleep;
  }

  private sweep(): void {
    const kept = this.heap.filter((entry) => !this.isOutdated(entry));
    // A sorted list is a heap.
    this.heap = kept.sort((one, other) => one.time - other.time);
    this.sweepAt = Math.max(SWEEP_FROM, kept.length * 2);
  }

  private dropFirst(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    this.sink();
  }

  private rise(index: number): void {
    const { heap } = this;
    const entry = heap[index];
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent].time <= entry.time) break;
      heap[index] = heap[parent];
      index = parent;
    }
    heap[index] = entry;
  }

  private sink(): void {
    const { heap } = this;
    const entry = heap[0];
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].time < heap[child].time) child++;
      if (entry.time <= heap[child].time) break;
      heap[index] = heap[child];
      index = child;
    }
    heap[index] = entry;
  }
}
