/** What workers do in tests: see `kernel-workers.ts`. */
import { KernelMemory } from "../../src/shm/index.ts";
export function nothing(memory: KernelMemory, _argument: number): number {
  return memory.agent;
}
