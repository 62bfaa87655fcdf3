/** Making threads: what `thread_spawn` asks of this floor. */
import { Errno } from "../abi/errno.ts";
import {
  addThread,
  createThread,
  dropThread,
  EventKind,
  Process,
  type StackLayout,
  StartKind,
} from "../kernel/index.ts";
import type { Program } from "../loader/program.ts";
import type { KernelMemory } from "../shm/index.ts";
import type { SyscallContext } from "../syscalls/context.ts";
import type { ThreadPort } from "../syscalls/port.ts";
import { placeThread, reserveThread, unreserveThread } from "./crew.ts";
import { Crew } from "./crew-records.ts";
import { GUEST_PAGE } from "../loader/program-memory.ts";

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
    const { hasThreadEntry, hasSharedMemory } = this.program;
    if (!hasThreadEntry || !hasSharedMemory) {
      const lacking = hasThreadEntry ? "import a shared memory" : "export wasi_thread_start";
      context.tell(EventKind.entryMissing, `the program does not ${lacking}`);
      return -Errno.ENOTCAPABLE;
    }
    const id = this.make(context, startPointer, stack);
    if (id === 0) {
      const { lower, upper } = stack;
      const bounds = `0x${lower.toString(16)} to 0x${upper.toString(16)}`;
      context.tell(EventKind.threadRefused, `a limit, or the process ends; stack ${bounds}`);
    }
    return id === 0 ? -Errno.EACCES : id;
  }

  /** Makes a thread and hands it to a carrier; its id, or 0 where none can be made. */
  private make(context: SyscallContext, startPointer: number, stack: StackLayout): number {
    const { kernel, memory, process } = context;
    // A child that shares this memory has no threads of its own.
    if (context.owner !== process) return 0;
    const crew = Process.crew.get(memory, process);
    if (!reserveThread(memory, crew)) return 0;
    const id = kernel.newId();
    const thread = createThread(kernel, process, id, StartKind.spawned, startPointer, stack);
    if (thread === 0) {
      unreserveThread(memory, crew);
      return 0;
    }
    if (!addThread(kernel, process, thread)) {
      dropThread(kernel, thread);
      unreserveThread(memory, crew);
      return 0;
    }
    notePages(memory, crew, context.guest.memory.buffer.byteLength / GUEST_PAGE);
    placeThread(kernel, crew, thread);
    return id;
  }

  parallelism(): number {
    return this.cores;
  }
}
