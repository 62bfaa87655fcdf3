/**
 * The carrier's loop: what an agent does that serves a process.
 *
 *     prepare the next instance → take a thread → run it → …; idle: sleep on the bell; crew closes: leave
 *
 * It never returns to the event loop while it serves: everything it needs comes through the kernel heap.
 */
import {
  type Kernel,
  createThread,
  addThread,
  dropThread,
  Process,
  StartKind,
  type StackLayout,
} from "../kernel/index.ts";
import { Errno } from "../abi/errno.ts";
import { hushBell, type KernelMemory, waitForBell } from "../shm/index.ts";
import { InstanceGroup } from "../loader/instance.ts";
import type { Program } from "../loader/program.ts";
import type { SyscallContext } from "../syscalls/context.ts";
import type { ThreadPort } from "../syscalls/port.ts";
import type { TraceSink } from "../syscalls/trace.ts";
import { Mark } from "../syscalls/context.ts";
import {
  Carrier,
  clearCarrier,
  Crew,
  isCalled,
  joinCrew,
  leaveCrew,
  nextThread,
  placeThread,
  reserveThread,
  unreserveThread,
} from "./crew.ts";
import { runThread } from "./run-thread.ts";

const GUEST_PAGE = 65536;

function notePages(memory: KernelMemory, crew: number, pages: number): void {
  for (let known = Crew.pages.load(memory, crew); known < pages;) {
    const before = Crew.pages.compareExchange(memory, crew, known, pages);
    if (before === known) return;
    known = before;
  }
}

/** Makes threads of a program for the syscalls of one agent. */
export class CrewThreadPort implements ThreadPort {
  constructor(
    private readonly program: Program,
    private readonly cores: number,
  ) {}

  spawn(context: SyscallContext, startPointer: number, stack: StackLayout): number {
    const { kernel, memory, process } = context;
    if (!this.program.hasThreadEntry || !this.program.hasSharedMemory) return -Errno.ENOTCAPABLE;
    const crew = Process.crew.get(memory, process);
    if (!reserveThread(memory, crew)) return -Errno.EACCES;
    const id = kernel.newId();
    const thread = createThread(kernel, process, id, StartKind.spawned, startPointer, stack);
    if (thread === 0) {
      unreserveThread(memory, crew);
      return -Errno.EACCES;
    }
    if (!addThread(kernel, process, thread)) {
      dropThread(kernel, thread);
      unreserveThread(memory, crew);
      return -Errno.EACCES;
    }
    notePages(memory, crew, context.guest.memory.buffer.byteLength / GUEST_PAGE);
    placeThread(kernel, crew, thread);
    return id;
  }

  parallelism(): number {
    return this.cores;
  }

  yield(): void {
    // The other threads of the process have carriers of their own: the operating system shares the cores among them.
  }
}

/** An unbound agent enters the kernel to serve a crew. False when it was recalled, which is over with that: the crew is no more. */
export function beginToServe(memory: KernelMemory, carrier: number): boolean {
  memory.refreshIfGrown();
  const word = (carrier + Carrier.mark.offset) >>> 2;
  if (Atomics.compareExchange(memory.i32, word, Mark.unbound, Mark.kernel) === Mark.unbound)
    return true;
  Atomics.store(memory.i32, word, Mark.unbound);
  return false;
}

/**
 * Serves a crew until it closes.
 *
 * @param carrier this agent's record, unbound; @param ordered whether the crew counted on it (`Crew.wanted`)
 */
export function serveCrew(
  kernel: Kernel,
  carrier: number,
  crew: number,
  program: Program,
  guestMemory: WebAssembly.Memory | undefined,
  cores: number,
  trace: TraceSink | undefined,
  ordered: boolean,
): void {
  const { memory } = kernel;
  const mark = Carrier.mark.offset + carrier;
  joinCrew(memory, crew, carrier, ordered);
  const group = new InstanceGroup(
    kernel,
    program,
    guestMemory,
    new CrewThreadPort(program, cores),
    mark,
    trace,
  );
  const clear = () => clearCarrier(memory, crew, carrier);
  for (;;) {
    const thread = nextThread(kernel, crew, carrier);
    if (thread < 0) return;
    if (thread > 0) {
      group.synchronizeMemory(Crew.pages.load(memory, crew) * GUEST_PAGE);
      runThread(kernel, group, thread, crew, clear);
      continue;
    }
    for (;;) {
      hushBell(memory, carrier);
      if (isCalled(memory, crew, carrier)) break;
      if (Crew.instances.load(memory, crew) !== 0) group.prepare();
      waitForBell(memory, carrier, Infinity);
    }
    memory.refreshIfGrown();
    if (Carrier.thread.get(memory, carrier) === 0) {
      // Called only to leave: the crew closes, and no spawner can take this carrier any more.
      if (Crew.closing.load(memory, crew) !== 0) return leaveCrew(memory, crew, carrier);
    }
  }
}
