/** What a process begins with on this floor: its crew and its main thread. */
import {
  addThread,
  createThread,
  dropThread,
  type Kernel,
  Process,
  StartKind,
} from "../kernel/index.ts";
import type { Program } from "../loader/program.ts";
import { Crew } from "./crew.ts";

/** Makes a crew for a process; 0 when the kernel heap is full. */
export function createCrew(
  kernel: Kernel,
  process: number,
  options: { threads: number; spare: number; carriers: number; shared: number },
): number {
  const { memory } = kernel;
  const crew = Crew.allocate(memory);
  if (crew === 0) return 0;
  Crew.process.set(memory, crew, process);
  Crew.most.set(memory, crew, options.threads);
  Crew.spare.set(memory, crew, options.spare);
  Crew.mostCarriers.set(memory, crew, options.carriers);
  Crew.mostShared.set(memory, crew, options.shared);
  Crew.threads.set(memory, crew, 1);
  Process.crew.set(memory, process, crew);
  return crew;
}

/** Frees a crew that no carrier serves any more. */
export function destroyCrew(kernel: Kernel, process: number, crew: number): void {
  Process.crew.set(kernel.memory, process, 0);
  Crew.free(kernel.memory, crew);
}

/**
 * Makes the main thread of a process: its id is the pid. The count is the process's list's. 0 when a limit is reached, the kernel heap is full, or the process
 * has ended before it began.
 */
export function createMainThread(kernel: Kernel, process: number, program: Program): number {
  const { stack } = program;
  const id = Process.id.get(kernel.memory, process);
  const thread = createThread(kernel, process, id, StartKind.main, 0, {
    upper: stack.upper,
    lower: stack.lower,
    size: stack.upper - stack.lower,
    guard: stack.guardSize,
    tlsBase: stack.tlsBase ?? 0,
  });
  if (thread === 0 || addThread(kernel, process, thread)) return thread;
  dropThread(kernel, thread);
  return 0;
}
