import assert from "node:assert/strict";
import test from "node:test";
import { type SyscallFixture, withProcess } from "../../tests/support/syscall-fixture.ts";
import { runJob } from "../../tests/support/kernel-workers.ts";
import { createThread, dropThread, type Kernel, StartKind } from "../kernel/index.ts";
import { allocate, hushBell, KernelMemory, ReadyQueue } from "../shm/index.ts";
import {
  beginRest,
  endRest,
  joinCrew,
  nextSharedThread,
  openInstances,
  placeThread,
} from "./crew.ts";
import { Carrier, Crew } from "./crew-records.ts";

/** A crew of two shared carriers that are asleep, the second the last to have gone to sleep. */
class RestingCrew {
  readonly crew: number;
  readonly carriers: number[];
  private readonly kernel: Kernel;
  private readonly threads: number[] = [];

  constructor(private readonly fixture: SyscallFixture) {
    const { kernel, memory } = fixture.machine;
    this.kernel = kernel;
    this.crew = Crew.allocate(memory);
    Crew.sharedWanted.set(memory, this.crew, 2);
    openInstances(memory, this.crew);
    this.carriers = [1, 2].map(() => {
      const carrier = Carrier.allocate(memory);
      joinCrew(memory, this.crew, carrier, true);
      hushBell(memory, carrier);
      beginRest(memory, this.crew, carrier);
      return carrier;
    });
  }

  /** Places a new thread. */
  spawn(): number {
    const { kernel, fixture } = this;
    const stack = { upper: 0, lower: 0, size: 0, guard: 0, tlsBase: 0 };
    const id = kernel.newId();
    const thread = createThread(kernel, fixture.process, id, StartKind.spawned, 0, stack);
    placeThread(kernel, this.crew, thread);
    this.threads.push(thread);
    return thread;
  }

  /** Which carriers' bells have rung. */
  get called(): number[] {
    return this.carriers.map((carrier) => ReadyQueue.bell.load(this.kernel.memory, carrier));
  }

  wake(index: number): void {
    endRest(this.kernel.memory, this.crew, this.carriers[index]);
  }

  take(index: number): number {
    return nextSharedThread(this.kernel.memory, this.crew, this.carriers[index]);
  }

  destroy(): void {
    const { kernel } = this;
    const { memory } = kernel;
    for (const thread of this.threads) {
      // The carrier's count, and the list's, in which it never was.
      dropThread(kernel, thread);
      dropThread(kernel, thread);
    }
    for (const carrier of this.carriers) Carrier.free(memory, carrier);
    Crew.free(memory, this.crew);
  }
}

function withCrew(name: string, body: (crew: RestingCrew, fixture: SyscallFixture) => void): void {
  test(
    name,
    withProcess((fixture) => {
      const crew = new RestingCrew(fixture);
      body(crew, fixture);
      crew.destroy();
    }),
  );
}

withCrew("shared carriers are called to the line one after the other", (crew) => {
  const threads = [crew.spawn(), crew.spawn(), crew.spawn()];
  assert.deepEqual(crew.called, [0, 1]);
  crew.wake(1);
  assert.deepEqual(crew.called, [0, 1]);
  assert.equal(crew.take(1), threads[0]);
  assert.deepEqual(crew.called, [1, 1]);
  // Its thread waits before the other carrier is awake: that has fewer.
  assert.equal(crew.take(1), 0);
  crew.wake(0);
  assert.equal(crew.take(0), threads[1]);
  // Nobody is called any more.
  assert.equal(crew.take(1), threads[2]);
  assert.equal(crew.take(0), 0);
});

withCrew("a shared carrier that wakes with stacks to go on with calls another", (crew, fixture) => {
  const thread = crew.spawn();
  ReadyQueue.head.store(fixture.machine.memory, crew.carriers[1], 64);
  crew.wake(1);
  assert.deepEqual(crew.called, [1, 1]);
  crew.wake(0);
  assert.equal(crew.take(0), thread);
});

test("carriers that are wanted and those that have joined are counted in one moment", async () => {
  const memory = KernelMemory.create(true);
  const [crew, carrier] = [Crew.allocate(memory), Carrier.allocate(memory)];
  const word = allocate(memory, 4);
  memory.i32[word >>> 2] = 0;
  const wanted = 20_000;
  Crew.wanted.set(memory, crew, wanted);
  const [counts] = await Promise.all([
    runJob(memory, "countWhileJoined", { crew, word }),
    runJob(memory, "joinOften", { crew, carrier, word }),
  ]);
  // One more would be a worker that nobody asked for.
  assert.deepEqual(counts, { fewest: wanted, most: wanted });
});
