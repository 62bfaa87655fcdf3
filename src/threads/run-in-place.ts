/**
 * Running a process on the agent that calls, without any worker: the command's short road, where the host's main thread may block.
 *
 * Only for programs that make no threads: nobody could end a computing main thread here but the end of the host program.
 */
import { keepThread, type Kernel } from "../kernel/index.ts";
import { InstanceGroup } from "../loader/instance.ts";
import type { Program } from "../loader/program.ts";
import { panic } from "../shm/index.ts";
import { Mark } from "../syscalls/context.ts";
import type { TraceSink } from "../syscalls/trace.ts";
import { CrewThreadPort } from "./carrier.ts";
import { Carrier } from "./crew.ts";
import { createCrew, createMainThread, destroyCrew } from "./supervisor.ts";
import { runThread } from "./run-thread.ts";

/** Runs a process from `_start` to its end. The process has ended when this returns. */
export function runInPlace(
  kernel: Kernel,
  process: number,
  program: Program,
  guestMemory: WebAssembly.Memory | undefined,
  cores: number,
  trace: TraceSink | undefined,
): void {
  const crew = createCrew(kernel, process, 1, 0);
  const thread = createMainThread(kernel, process, program);
  runMainThread(kernel, crew, thread, program, guestMemory, cores, trace);
  destroyCrew(kernel, process, crew);
}

/** The same for a process that has its main thread and a crew already. */
export function runMainThread(
  kernel: Kernel,
  crew: number,
  thread: number,
  program: Program,
  guestMemory: WebAssembly.Memory | undefined,
  cores: number,
  trace: TraceSink | undefined,
): void {
  const { memory } = kernel;
  const carrier = Carrier.allocate(memory);
  if (carrier === 0) panic("carriers: the kernel heap is full");
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
  runThread(kernel, group, thread, crew, () => {});
  Carrier.free(memory, carrier);
}
