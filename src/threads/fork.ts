/**
 * Forking: what the forking thread's agent does of it. It copies the memory, since no one else knows when the thread stands still, and makes the child's crew and
 * main thread; the host, to which it sends them, gives them workers.
 */
import { Errno } from "../abi/errno.ts";
import {
  addThread,
  copyMainImages,
  copySignalCallback,
  copyStackImage,
  freeStackImage,
  freeStackImages,
  createThread,
  dropThread,
  type Kernel,
  Process,
  StackImage,
  Thread,
} from "../kernel/index.ts";
import type { Program } from "../loader/program.ts";
import type { SyscallContext } from "../syscalls/context.ts";
import type { ForkPort } from "../syscalls/port.ts";
import { Crew } from "./crew-records.ts";
import { type ByteRange, ForkMemories } from "./fork-memories.ts";
import type { ForkMessage } from "./messages.ts";
import { createCrew, destroyCrew } from "./process-start.ts";

export class CrewForkPort implements ForkPort {
  private readonly memories: ForkMemories;

  /** @param post sends to the host */
  constructor(
    private readonly kernel: Kernel,
    program: Program,
    private readonly post: (message: ForkMessage) => void,
  ) {
    this.memories = new ForkMemories(program);
  }

  copy(context: SyscallContext, child: number, image: number): number {
    const { kernel } = this;
    const copy = this.memories.copy(context.guest.memory, unusedStack(context, image));
    if (copy === undefined) return Errno.ENOMEM;
    const crew = copyCrew(kernel, context.process, child);
    if (crew === 0) return Errno.ENOMEM;
    const thread = copyThread(kernel, context.thread, child, image);
    if (thread < 0) {
      destroyCrew(kernel, child, crew);
      return -thread;
    }
    this.post({ kind: "forked", process: child, crew, thread, copy });
    return 0;
  }
}

/** What of the caller's stack lies below its stack pointer, of which a program leaves nothing to be read. Contexts lie anywhere. */
function unusedStack({ memory, thread }: SyscallContext, image: number): ByteRange {
  const start = Thread.stackLower.get(memory, thread);
  const end = StackImage.stackPointer.get(memory, image);
  const isKnown = end > start && end <= Thread.stackUpper.get(memory, thread);
  return isKnown && Thread.contexts.get(memory, thread) === 0
    ? { start, end }
    : { start, end: start };
}

/** A crew with the limits of the parent's, for a main thread; 0 when the kernel heap is full. */
function copyCrew(kernel: Kernel, parent: number, child: number): number {
  const { memory } = kernel;
  const from = Process.crew.get(memory, parent);
  return createCrew(kernel, child, {
    threads: Crew.most.get(memory, from),
    // Most children become another program soon.
    spare: 0,
    carriers: Crew.mostCarriers.get(memory, from),
    shared: Crew.mostShared.get(memory, from),
  });
}

/** The child's main thread: the stack, layout and checkpoints are the caller's. EAGAIN or ENOMEM, negated. */
function copyThread(kernel: Kernel, caller: number, child: number, image: number): number {
  const { memory } = kernel;
  const stack = copyStackImage(memory, image);
  const checkpoints = copyMainImages(memory, Thread.checkpoints.get(memory, caller));
  const interrupted = copyMainImages(memory, Thread.interrupted.get(memory, caller));
  const thread = createThread(
    kernel,
    child,
    Process.id.get(memory, child),
    Thread.startKind.get(memory, caller),
    Thread.startPointer.get(memory, caller),
    {
      upper: Thread.stackUpper.get(memory, caller),
      lower: Thread.stackLower.get(memory, caller),
      size: Thread.stackSize.get(memory, caller),
      guard: Thread.guardSize.get(memory, caller),
      tlsBase: Thread.tlsBase.get(memory, caller),
    },
  );
  if (thread === 0) {
    freeStackImage(memory, stack);
    freeStackImages(memory, checkpoints ?? 0);
    freeStackImages(memory, interrupted ?? 0);
    return -Errno.EAGAIN;
  }
  Thread.image.set(memory, thread, stack);
  Thread.checkpoints.set(memory, thread, checkpoints ?? 0);
  Thread.interrupted.set(memory, thread, interrupted ?? 0);
  Thread.handling.set(memory, thread, Thread.handling.get(memory, caller));
  copySignalCallback(memory, Thread.process.get(memory, caller), child);
  const isWhole = stack !== 0 && checkpoints !== undefined && interrupted !== undefined;
  if (isWhole && addThread(kernel, child, thread)) return thread;
  dropThread(kernel, thread);
  return -Errno.ENOMEM;
}
