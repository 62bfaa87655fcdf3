/** What carriers do without a thread: make the next instance ahead of need, and sleep. */
import type { InstanceGroup } from "../loader/instance.ts";
import { hushBell, type KernelMemory, waitForBell } from "../shm/index.ts";
import { type Kernel, KernelRoot, Process, ProcessState } from "../kernel/index.ts";
import { isCalled } from "./crew.ts";
import { Carrier, Crew } from "./crew-records.ts";
import { endWatch, takeWatch, watchBell } from "./sleep-watch.ts";
import { firstDeadline, hasReadySleeper } from "./sleepers.ts";

/** Whether a carrier may make an instance ahead: the main thread has its own, and the process or its program is not about to end. */
function mayPrepare(memory: KernelMemory, crew: number): boolean {
  return (
    Crew.instances.load(memory, crew) !== 0 &&
    Process.state.load(memory, Crew.process.get(memory, crew)) === ProcessState.running
  );
}

/** Sleeps, idle, until the carrier is given a thread. Returns whether the crew closes instead: then no spawner can take the carrier any more. */
export function sleepIdle(
  memory: KernelMemory,
  crew: number,
  carrier: number,
  group: InstanceGroup,
  onIdle?: () => void,
): boolean {
  for (;;) {
    hushBell(memory, carrier);
    if (isCalled(memory, crew, carrier)) break;
    if (mayPrepare(memory, crew)) group.prepare();
    onIdle?.();
    waitForBell(memory, carrier, Infinity);
  }
  memory.refreshIfGrown();
  return Carrier.thread.get(memory, carrier) === 0;
}

/** The same in a crew whose threads may sleep without a carrier: one of its idle carriers has the watch, and takes up those that are to go on. */
export function sleepWatching(
  kernel: Kernel,
  crew: number,
  carrier: number,
  group: InstanceGroup,
  onIdle?: () => void,
): boolean {
  const { memory, root, clock } = kernel;
  const sleepers = Crew.sleepers.at(crew);
  for (;;) {
    const hasWatch = takeWatch(memory, crew, carrier);
    const bell = hasWatch ? watchBell(crew) : carrier;
    hushBell(memory, bell);
    const called = isCalled(memory, crew, carrier);
    if (!called) {
      if (mayPrepare(memory, crew)) group.prepare();
      onIdle?.();
    }
    const now = clock.monotonicMilliseconds();
    // The host's agent, which froze them, rings the watch's bell afterwards.
    const isFrozen = KernelRoot.isCapturing.load(memory, root) !== 0;
    if (called || (hasWatch && !isFrozen && hasReadySleeper(memory, sleepers, now))) {
      if (hasWatch) endWatch(memory, crew, carrier);
      memory.refreshIfGrown();
      return called && Carrier.thread.get(memory, carrier) === 0;
    }
    const deadline = hasWatch && !isFrozen ? firstDeadline(memory, sleepers) : Infinity;
    waitForBell(memory, bell, deadline - now);
  }
}
