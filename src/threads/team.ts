/**
 * Team: a running process with its crew and its workers, as the host's side knows it.
 *
 * Life: made when a process begins, is copied, or goes on from a snapshot, or when another program takes its place; over (`isServed` is false) when the last
 * worker has left. Only the host's event loop touches it.
 */
import { dropThread, type Kernel, Process, Thread } from "../kernel/index.ts";
import type { Program } from "../loader/program.ts";
import type { KernelMemory } from "../shm/index.ts";
import { Carrier, Crew } from "./crew-records.ts";
import type { LentMemory } from "./fork-memories.ts";
import type { HostThread } from "./host-thread.ts";
import { loadLateParts } from "./late-parts.ts";
import type { TraceTarget } from "./messages.ts";
import type { HostPart, Launch, RunOptions } from "./port.ts";
import type { RawWaits } from "./raw-wait.ts";
import type { Worker } from "./worker-pool.ts";

/** A running process on the host's side: see above. */
export interface Team {
  readonly process: number;
  readonly crew: number;
  readonly program: Program;
  readonly memory: WebAssembly.Memory | undefined;
  readonly options: RunOptions;
  /** The program for shared carriers, once it has been asked for: undefined until it is compiled, and the workers that wait for it. */
  shared: Program | undefined;
  readonly awaiting: Set<Worker>;
  isCompiling: boolean;
  /** The waits of its threads with the engine's own instruction, from the first one on. */
  readonly rawWaits: () => RawWaits | undefined;
  readonly trace: TraceTarget | undefined;
  readonly workers: Set<Worker>;
  readonly completion: Completion;
  /** What the host program gives, and the main thread, where the program is instantiated on this agent. */
  readonly here: HostPart | undefined;
  hostThread: HostThread | undefined;
  /** Programs that are ready for the place of this one; their number is their place in the list, from 1. */
  readonly ready: Launch[];
  reaping: boolean;
  /** Tells who reaps that a process or its program has ended. */
  lookAgain: (() => void) | undefined;
  /** Where the memory is a copy that another may use again, as long as no agent was ended that used it: such a one may go on for a moment. */
  lent: LentMemory | undefined;
  /** What the memory is to hold, where it is a copy that is not shared. */
  content: Uint8Array | undefined;
  /** Whether a loop looks after its threads: see `Hiring`. */
  isLookedAfter: boolean;
  /** False when it is over: then its process's address may be another's. */
  isServed: boolean;
}

/** Resolves when a process has ended and every worker has left it, whatever programs it had. */
export class Completion {
  finish!: () => void;
  readonly done = new Promise<void>((resolve) => {
    this.finish = resolve;
  });
}

/**
 * Makes the team of a process that has a crew and a main thread.
 *
 * @param onIdle is called when no thread waits with the engine's own instruction any more
 */
export function createTeam(
  kernel: Kernel,
  process: number,
  crew: number,
  { program, memory, options, here }: Launch,
  trace: TraceTarget | undefined,
  completion: Completion,
  onIdle: (team: Team) => void,
): Team {
  let waits: RawWaits | undefined;
  const rawWaits = () => {
    if (memory !== undefined && Crew.rawWaiters.get(kernel.memory, crew) !== 0)
      waits ??= new (loadLateParts().RawWaits)(
        kernel,
        crew,
        memory,
        (thread) => dropThread(kernel, thread),
        () => onIdle(team),
      );
    return waits;
  };
  const team: Team = {
    process,
    crew,
    program,
    memory,
    options,
    shared: undefined,
    awaiting: new Set(),
    isCompiling: false,
    rawWaits,
    trace,
    workers: new Set(),
    completion,
    here,
    hostThread: undefined,
    ready: [],
    reaping: false,
    lookAgain: undefined,
    lent: undefined,
    content: undefined,
    isLookedAfter: false,
    isServed: true,
  };
  return team;
}

/** How many of its workers serve it as shared carriers, or as carriers of one thread. */
export function countWorkers({ workers }: Team, shared: boolean): number {
  let count = 0;
  for (const { isShared } of workers) if (isShared === shared) count++;
  return count;
}

/** Whether a carrier runs or keeps a thread. */
export function hasThread(memory: KernelMemory, carrier: number): boolean {
  return Carrier.thread.get(memory, carrier) !== 0 || Carrier.stacks.get(memory, carrier) !== 0;
}

/** A living thread of a carrier, whose count of it goes to the caller, or 0. */
export function findThreadOf(memory: KernelMemory, process: number, carrier: number): number {
  Process.lock.acquire(memory, process);
  let thread = Process.firstThread.get(memory, process);
  while (thread !== 0 && Thread.carrier.get(memory, thread) !== carrier)
    thread = Thread.next.get(memory, thread);
  Process.lock.release(memory, process);
  return thread;
}
