/** Resuming: making a machine's kernel of a heap that another machine's agents left. Loaded only by what restores snapshots. */
import {
  attachKernel,
  type Clock,
  type Kernel,
  type KernelLimits,
  KernelRoot,
  type Randomness,
  setLimits,
} from "../kernel/index.ts";
import { Header, type KernelMemory, Parker } from "../shm/index.ts";
import { addDrivers, type Drivers } from "./boot.ts";
import { Carrier } from "./crew-records.ts";

/** What the other machine's agents knew besides the heap. */
export interface LeftBehind {
  /** Its monotonic clock in milliseconds. */
  readonly clock: number;
  /** Records of its workers. */
  readonly carriers: readonly number[];
}

/** Makes this agent the host's of a heap in which nobody else is; its clock goes on from where it was. Parameters as `bootKernel`. */
export function resumeKernel(
  memory: KernelMemory,
  clock: Clock,
  randomness: Randomness,
  limits: KernelLimits,
  local: Drivers | undefined,
  left: LeftBehind,
): Kernel {
  const root = Atomics.load(memory.i32, Header.root >> 2) >>> 0;
  KernelRoot.clockShift.set(memory, root, left.clock - clock.monotonicMilliseconds());
  const kernel = attachKernel(memory, clock, randomness);
  setLimits(memory, root, limits);
  Parker.word.store(memory, KernelRoot.host.at(root), 0);
  KernelRoot.hostCalls.store(memory, root, 0);
  KernelRoot.eventMask.store(memory, root, 0);
  KernelRoot.startsPrograms.set(memory, root, 0);
  KernelRoot.journal.set(memory, root, 0);
  KernelRoot.isCapturing.store(memory, root, 0);
  addDrivers(kernel, local);
  for (const carrier of left.carriers) Carrier.free(memory, carrier);
  return kernel;
}
