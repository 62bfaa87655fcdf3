/** What carriers do without a thread: make the next instance ahead of need, and sleep. */
import type { InstanceGroup } from "../loader/instance.ts";
import { hushBell, type KernelMemory, waitForBell } from "../shm/index.ts";
import { Carrier, Crew, isCalled } from "./crew.ts";

/** Bytes of a page of guest memory. */
export const GUEST_PAGE = 65536;

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
    if (Crew.instances.load(memory, crew) !== 0) group.prepare();
    onIdle?.();
    waitForBell(memory, carrier, Infinity);
  }
  memory.refreshIfGrown();
  return Carrier.thread.get(memory, carrier) === 0;
}
