/**
 * Running a process on the agent that calls, without any worker: the command's short road, where the host's main thread may block.
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

/** Runs a process from `_start` to its end, which it has reached when this returns. False, and nothing was done, where there is no room for a thread. */
export function runInPlace(
  kernel: Kernel,
  process: number,
  program: Program,
  guestMemory: WebAssembly.Memory | undefined,
  cores: number,
  trace: TraceSink | undefined,
): boolean {
  const { memory } = kernel;
  traceEvents(kernel, trace);
  const carrier = Carrier.allocate(memory);
  const crew =
    carrier === 0
      ? 0
      : createCrew(kernel, process, { threads: 1, spare: 0, carriers: 1, shared: 0 });
  const thread = crew === 0 ? 0 : createMainThread(kernel, process, program);
  if (thread !== 0) {
    letGo(kernel, process);
    runMainThread(kernel, carrier, crew, thread, program, guestMemory, cores, trace);
  }
  if (crew !== 0) destroyCrew(kernel, process, crew);
  if (carrier !== 0) Carrier.free(memory, carrier);
  return thread !== 0;
}

/** The same for a process that has its main thread already, and an agent with the record of a carrier. */
export function runMainThread(
  kernel: Kernel,
  carrier: number,
  crew: number,
  thread: number,
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
