/**
 * The main thread of a process that runs no `_start`: its program is instantiated on the host program's own agent, which calls the exports when it likes, and is
 * in its event loop otherwise. All further threads of the process have carriers as those of others.
 *
 * The host's agent may sleep in a call, and then starts no workers from its event loop: so a call that makes a thread sees to the workers itself, before it
 * returns. For the same reason no threads share carriers, whose program is compiled in the event loop.
 *
 * Life: made with its process; `end` when the process has ended, however that came. Calls of the instance from then on are refused.
 */
import {
  dropThread,
  emit,
  EventKind,
  finishThread,
  type Kernel,
  keepThread,
  Process,
  type StackLayout,
  Thread,
  ThreadState,
} from "../kernel/index.ts";
import { type GivenImports, InstanceGroup } from "../loader/instance.ts";
import { Mark, type SyscallContext } from "../syscalls/context.ts";
import type { TraceSink } from "../syscalls/trace.ts";
import { openInstances, unreserveThread } from "./crew.ts";
import { Carrier } from "./crew-records.ts";
import type { Launch } from "./port.ts";
import { CrewThreadPort } from "./thread-port.ts";

/** Makes threads, and their workers at once. */
class HostThreadPort extends CrewThreadPort {
  hire: () => void = () => {};

  override spawn(context: SyscallContext, startPointer: number, stack: StackLayout): number {
    const id = super.spawn(context, startPointer, stack);
    if (id > 0) this.hire();
    return id;
  }
}

export class HostThread {
  private readonly group: InstanceGroup;
  private isOver = false;

  /**
   * @param carrier a record for this agent; @param thread the process's main thread, which this takes a count of
   * @param hire gives the crew the workers that it asked for; @param given functions for the program's imports that are not the kernel's
   */
  constructor(
    private readonly kernel: Kernel,
    private readonly carrier: number,
    private readonly crew: number,
    private readonly thread: number,
    { program, memory: guestMemory }: Launch,
    cores: number,
    trace: TraceSink | undefined,
    hire: () => void,
    given: GivenImports,
  ) {
    const { memory } = kernel;
    keepThread(memory, thread);
    Carrier.mark.set(memory, carrier, Mark.kernel);
    const threads = new HostThreadPort(program, cores);
    threads.hire = hire;
    const mark = carrier + Carrier.mark.offset;
    this.group = new InstanceGroup(kernel, program, guestMemory, threads, mark, trace, given);
    this.group.context.canWaitForHost = false;
  }

  /** Makes the instance. Throws what the engine throws, traps of a start section among it. */
  instantiate(): WebAssembly.Instance {
    const { kernel, group, thread, crew } = this;
    const { memory } = kernel;
    const { context } = group;
    context.setThread(thread);
    Thread.state.store(memory, thread, ThreadState.running);
    const pid = Process.id.get(memory, Thread.process.get(memory, thread));
    emit(kernel, EventKind.threadStarted, pid, Thread.id.get(memory, thread), 0);
    context.leave();
    const instance = group.take();
    openInstances(memory, crew);
    return instance;
  }

  /** The process is ending: its main thread leaves. From the event loop, so that no call of the instance is under way. */
  end(exitCode: number): void {
    if (this.isOver) return;
    this.isOver = true;
    const { kernel, group, thread, crew } = this;
    group.context.retire();
    group.drop();
    unreserveThread(kernel.memory, crew);
    finishThread(kernel, thread, exitCode);
    dropThread(kernel, thread);
    Carrier.free(kernel.memory, this.carrier);
  }
}
