/**
 * Running a process on the agent that calls, without any worker: the command's short road, where the host's main thread may block; and what a worker of a page
 * does that may not share memory.
 *
 * Only for programs that make no threads: nobody could end a computing main thread here but the end of the host program.
 */
import { keepThread, type Kernel, letGo } from "../kernel/index.ts";
import { InstanceGroup } from "../loader/instance.ts";
import type { Program } from "../loader/program.ts";
import { Mark } from "../syscalls/context.ts";
import type { TraceSink } from "../syscalls/trace.ts";
import { CrewThreadPort } from "./thread-port.ts";
import { Carrier } from "./crew-records.ts";
import { createCrew, createMainThread, destroyCrew } from "./process-start.ts";
import { runThread } from "./run-thread.ts";
import { traceEvents } from "./trace-sink.ts";
import { attachUnwinding } from "./unwinding-slot.ts";

/** Addresses of the records of a process that runs so: the one carrier of its crew, and its one thread. */
export interface LoneThread {
  readonly carrier: number;
  readonly crew: number;
  readonly thread: number;
}

/** Gives a process what it needs to run so; undefined, and nothing was done, where there is no room, or the process has ended. */
export function createLoneThread(
  kernel: Kernel,
  process: number,
  program: Program,
): LoneThread | undefined {
  const { memory } = kernel;
  const carrier = Carrier.allocate(memory);
  if (carrier === 0) return undefined;
  const crew = createCrew(kernel, process, { threads: 1, spare: 0, carriers: 1, shared: 0 });
  const thread = crew === 0 ? 0 : createMainThread(kernel, process, program);
  if (thread !== 0) {
    letGo(kernel, process);
    return { carrier, crew, thread };
  }
  if (crew !== 0) destroyCrew(kernel, process, crew);
  Carrier.free(memory, carrier);
  return undefined;
}

/** Frees the records, once the thread has ended. */
export function destroyLoneThread(
  kernel: Kernel,
  process: number,
  { carrier, crew }: LoneThread,
): void {
  destroyCrew(kernel, process, crew);
  Carrier.free(kernel.memory, carrier);
}

/** Runs a process from `_start` to its end, which it has reached when this returns. False, and nothing was done, where there is no room for a thread. */
export function runInPlace(
  kernel: Kernel,
  process: number,
  program: Program,
  guestMemory: WebAssembly.Memory | undefined,
  cores: number,
  trace: TraceSink | undefined,
): boolean {
  traceEvents(kernel, trace);
  const lone = createLoneThread(kernel, process, program);
  if (lone === undefined) return false;
  runLoneThread(kernel, lone, program, guestMemory, cores, trace);
  destroyLoneThread(kernel, process, lone);
  return true;
}

/** The same for a process that has its thread already. */
export function runLoneThread(
  kernel: Kernel,
  { carrier, crew, thread }: LoneThread,
  program: Program,
  guestMemory: WebAssembly.Memory | undefined,
  cores: number,
  trace: TraceSink | undefined,
): void {
  const { memory } = kernel;
  traceEvents(kernel, trace);
  Carrier.mark.set(memory, carrier, Mark.kernel);
  keepThread(memory, thread);
  const group = new InstanceGroup(
    kernel,
    program,
    guestMemory,
    new CrewThreadPort(program, cores),
    carrier + Carrier.mark.offset,
    trace,
  );
  attachUnwinding(kernel, group);
  runThread(kernel, group, thread, crew, () => {});
}
