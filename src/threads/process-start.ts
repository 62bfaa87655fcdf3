/** What a process begins with on this floor: its crew and its main thread. */
import {
  addThread,
  Capture,
  createThread,
  dropThread,
  type Kernel,
  Pending,
  Process,
  StartKind,
  Thread,
} from "../kernel/index.ts";
import type { Program } from "../loader/program.ts";
import { panic, Parked } from "../shm/index.ts";
import { listThreads } from "./captured.ts";
import { placeThread } from "./crew.ts";
import { Crew } from "./crew-records.ts";

/** What a crew may have: threads, carriers of one and shared ones, and carriers that are kept ready. */
export interface CrewLimits {
  readonly threads: number;
  readonly spare: number;
  readonly carriers: number;
  readonly shared: number;
}

/** Makes a crew for a process; 0 when the kernel heap is full. */
export function createCrew(kernel: Kernel, process: number, options: CrewLimits): number {
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

/** Makes a crew in the place of one that comes from a snapshot, whose carriers are gone. Puts the process's threads, whose stacks are data, in line. */
export function replaceCrew(kernel: Kernel, process: number, limits: CrewLimits): number {
  const { memory } = kernel;
  const before = Process.crew.get(memory, process);
  const pages = Crew.pages.load(memory, before);
  Crew.free(memory, before);
  const crew = createCrew(kernel, process, limits);
  if (crew === 0) return panic("resume: a crew has no room where another was");
  const threads = listThreads(memory, process);
  Crew.threads.set(memory, crew, threads.length);
  Crew.pages.store(memory, crew, pages);
  Crew.instances.store(memory, crew, 1);
  for (const thread of threads) {
    Thread.word.store(memory, thread, Parked.idle);
    Thread.capture.store(memory, thread, Capture.none);
    Thread.pending.and(memory, thread, ~Pending.capture);
    Thread.carrier.set(memory, thread, 0);
    placeThread(kernel, crew, thread);
    // The count of the carrier that it was on.
    dropThread(kernel, thread);
  }
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
  const id = Process.id.get(kernel.memory, process);
  const thread = createThread(kernel, process, id, StartKind.main, 0, program.stack);
  if (thread === 0 || addThread(kernel, process, thread)) return thread;
  dropThread(kernel, thread);
  return 0;
}
