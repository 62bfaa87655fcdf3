/** What of a machine's running processes a snapshot needs: their threads, each a stack that is data, and their programs and memories. */
import {
  Capture,
  DeepSleeper,
  type Kernel,
  KernelRoot,
  Pending,
  Process,
  Thread,
} from "../kernel/index.ts";
import { type KernelMemory, ringBell, unpark } from "../shm/index.ts";
import { Crew } from "./crew-records.ts";
import { watchBell } from "./sleep-watch.ts";
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

/** Whether any thread asked for a snapshot, and waits for it. */
export function isAwaited({ memory }: Kernel, processes: readonly RunningProcess[]): boolean {
  return processes.some(({ process }) =>
    listThreads(memory, process).some(
      (thread) =>
        Thread.capture.load(memory, thread) === Capture.waits &&
        Thread.sleepsDeeply.get(memory, thread) === DeepSleeper.none,
    ),
  );
}

/** Asks the threads of programs that carry asyncify to let their stacks be taken apart, at their next call or in the one in which they wait. */
export function askThreads({ memory, root }: Kernel, processes: readonly RunningProcess[]): void {
  KernelRoot.isCapturing.store(memory, root, 1);
  for (const { process, program } of processes) {
    if (program.asyncify === undefined) continue;
    Process.lock.acquire(memory, process);
    let thread = Process.firstThread.get(memory, process);
    for (; thread !== 0; thread = Thread.next.get(memory, thread)) {
      const before = Thread.pending.or(memory, thread, Pending.capture);
      // Those that sleep without a carrier are data already.
      if ((before & Pending.capture) === 0 && Thread.carrier.get(memory, thread) !== 0)
        unpark(memory, thread);
    }
    Process.lock.release(memory, process);
  }
}

/** Says what of the processes still moves; undefined where nobody but the host's agent does anything in the heap. */
export function findMoving(
  { memory }: Kernel,
  processes: readonly RunningProcess[],
): string | undefined {
  for (const { process, crew, program } of processes) {
    const threads = listThreads(memory, process);
    const name = `process ${Process.id.get(memory, process)} (${program.name})`;
    let waiting = 0;
    for (const thread of threads) {
      if (sleepsWithoutCarrier(memory, thread)) continue;
      if (Thread.capture.load(memory, thread) === Capture.waits) waiting++;
      else {
        const which = `thread ${Thread.id.get(memory, thread)} of ${name}`;
        return program.asyncify === undefined
          ? `${which}, whose program does not carry asyncify (weft instrument),`
          : which;
      }
    }
    if (threads.length === 0) return `${name}, which ends,`;
    const resting = Crew.idleCount.get(memory, crew) + waiting;
    const isStarting = Crew.wanted.get(memory, crew) > 0 || Crew.sharedWanted.get(memory, crew) > 0;
    if (isStarting || Crew.carriers.get(memory, crew) > resting) return `a worker of ${name}`;
  }
  return undefined;
}

function sleepsWithoutCarrier(memory: KernelMemory, thread: number): boolean {
  return (
    Thread.sleepsDeeply.get(memory, thread) !== DeepSleeper.none &&
    Thread.carrier.get(memory, thread) === 0
  );
}

/** Lets threads go on. @param isTaken whether there is the snapshot that some asked for; undefined where these are to wait on */
export function releaseThreads(
  { memory, root }: Kernel,
  processes: readonly RunningProcess[],
  isTaken: boolean | undefined,
): void {
  KernelRoot.isCapturing.store(memory, root, 0);
  for (const { process, crew } of processes) {
    Process.lock.acquire(memory, process);
    let thread = Process.firstThread.get(memory, process);
    for (; thread !== 0; thread = Thread.next.get(memory, thread)) {
      Thread.pending.and(memory, thread, ~Pending.capture);
      const hasAsked = Thread.sleepsDeeply.get(memory, thread) === DeepSleeper.none;
      if (hasAsked && isTaken === undefined) continue;
      const next = isTaken === false ? Capture.failed : Capture.none;
      const before = Thread.capture.compareExchange(memory, thread, Capture.waits, next);
      if (before === Capture.waits) unpark(memory, thread);
    }
    Process.lock.release(memory, process);
    ringBell(memory, watchBell(crew));
  }
}
