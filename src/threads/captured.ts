/** What of a machine's running processes a snapshot needs: their threads, each a stack that is data, and their programs and memories. */
import { Capture, type Kernel, Process, Thread } from "../kernel/index.ts";
import { type KernelMemory, unpark } from "../shm/index.ts";
import { Crew } from "./crew.ts";
import type { RunningProcess } from "./port.ts";

/** The living threads of a process. Only where none comes or goes. */
export function listThreads(memory: KernelMemory, process: number): number[] {
  const threads: number[] = [];
  Process.lock.acquire(memory, process);
  let thread = Process.firstThread.get(memory, process);
  for (; thread !== 0; thread = Thread.next.get(memory, thread)) threads.push(thread);
  Process.lock.release(memory, process);
  return threads;
}

/** Whether any thread waits for a snapshot. */
export function isAwaited({ memory }: Kernel, processes: readonly RunningProcess[]): boolean {
  return processes.some(({ process }) =>
    listThreads(memory, process).some(
      (thread) => Thread.capture.load(memory, thread) === Capture.waits,
    ),
  );
}

/** Says what of the processes still moves; undefined where nobody but the host's agent does anything in the heap. */
export function findMoving(
  { memory }: Kernel,
  processes: readonly RunningProcess[],
): string | undefined {
  for (const { process, crew, program } of processes) {
    const threads = listThreads(memory, process);
    const name = `process ${Process.id.get(memory, process)} (${program.name})`;
    const moving = threads.find((thread) => Thread.capture.load(memory, thread) !== Capture.waits);
    if (moving !== undefined) return `thread ${Thread.id.get(memory, moving)} of ${name}`;
    if (threads.length === 0) return `${name}, which ends,`;
    const resting = Crew.idleCount.get(memory, crew) + threads.length;
    const isStarting = Crew.wanted.get(memory, crew) > 0 || Crew.sharedWanted.get(memory, crew) > 0;
    if (isStarting || Crew.carriers.get(memory, crew) > resting) return `a worker of ${name}`;
  }
  return undefined;
}

/** Lets all threads go on that wait for a snapshot. */
export function releaseThreads(
  { memory }: Kernel,
  processes: readonly RunningProcess[],
  isTaken: boolean,
): void {
  for (const { process } of processes)
    for (const thread of listThreads(memory, process)) {
      const next = isTaken ? Capture.none : Capture.failed;
      const before = Thread.capture.compareExchange(memory, thread, Capture.waits, next);
      if (before === Capture.waits) unpark(memory, thread);
    }
}
