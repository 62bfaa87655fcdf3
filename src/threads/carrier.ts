/**
 * The carrier's loop: what an agent does that serves a process.
 *
 *     prepare the next instance → take a thread → run it → …; idle: sleep on the bell; crew closes: leave
 *
 * It never returns to the event loop while it serves: everything it needs comes through the kernel heap.
 */
import { type Kernel, KernelRoot } from "../kernel/index.ts";
import { InstanceGroup } from "../loader/instance.ts";
import { mayLeaveCarriers, needsSuspension } from "../loader/program.ts";
import type { KernelMemory } from "../shm/index.ts";
import { Mark } from "../syscalls/context.ts";
import type { TraceSink } from "../syscalls/trace.ts";
import { clearCarrier, joinCrew, leaveCrew, nextThread } from "./crew.ts";
import { Carrier, Crew } from "./crew-records.ts";
import { GUEST_PAGE } from "../loader/program-memory.ts";
import { sleepIdle } from "./idle-carrier.ts";
import type { BindMessage, ForkMessage } from "./messages.ts";
import { runThread } from "./run-thread.ts";
import type { ThreadImports } from "./worker.ts";
import type { StackCarrier } from "./stack-carrier.ts";
import { CrewThreadPort } from "./thread-port.ts";
import { attachUnwinding, stackParts } from "./unwinding-slot.ts";

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
 * Serves a crew until it closes: with a thread at a time, or as a shared carrier.
 *
 * @param carrier this agent's record, unbound; @param loadStacks is called where the program needs stacks that can be suspended
 * @param post sends to the host; @param onIdle is called before a carrier that has run a thread sleeps for want of another
 */
export async function serveCrew(
  kernel: Kernel,
  carrier: number,
  { crew, program, memory: guestMemory, content, sharing }: BindMessage,
  cores: number,
  trace: TraceSink | undefined,
  loadStacks: () => Promise<typeof StackCarrier>,
  given: ThreadImports | undefined,
  post: (message: ForkMessage) => void,
  onIdle?: () => void,
): Promise<void> {
  const { memory } = kernel;
  if (memory.lockOrder !== undefined)
    memory.lockOrder.mayLock = () => Carrier.mark.get(memory, carrier) !== Mark.guest;
  const keepsApart = KernelRoot.keepsStacksApart.load(memory, kernel.root) !== 0;
  const Stacks = sharing || needsSuspension(program, keepsApart) ? await loadStacks() : undefined;
  joinCrew(memory, crew, carrier, sharing);
  const group = new InstanceGroup(
    kernel,
    program,
    guestMemory,
    new CrewThreadPort(program, cores),
    Carrier.mark.offset + carrier,
    trace,
    given?.imports,
  );
  group.content = content;
  group.onInstance = given?.onInstance?.bind(given);
  if (program.asyncify !== undefined) {
    attachUnwinding(kernel, group);
    const { CrewForkPort, DeepSleep } = stackParts();
    group.context.forking = new CrewForkPort(kernel, program, post);
    // Where the engine suspends stacks, threads beyond the first few are on shared carriers: that costs less.
    if (
      Stacks === undefined &&
      mayLeaveCarriers(program) &&
      Crew.mostShared.get(memory, crew) === 0
    )
      group.context.sleeping = new DeepSleep(kernel, crew, carrier, group);
  }
  if (Stacks !== undefined) await new Stacks(kernel, carrier, crew, group, sharing).serve();
  else serveOneByOne(kernel, carrier, crew, group, onIdle);
}

function serveOneByOne(
  kernel: Kernel,
  carrier: number,
  crew: number,
  group: InstanceGroup,
  onIdle: (() => void) | undefined,
): void {
  const { memory } = kernel;
  const clear = () => clearCarrier(memory, crew, carrier);
  // A carrier made ahead of need is idle before it has done anything.
  let whenIdle: typeof onIdle;
  for (;;) {
    const thread = nextThread(kernel, crew, carrier);
    if (thread < 0) return;
    if (thread > 0) {
      group.synchronizeMemory(Crew.pages.load(memory, crew) * GUEST_PAGE);
      runThread(kernel, group, thread, crew, clear);
      whenIdle = onIdle;
    } else if (
      group.context.sleeping === undefined
        ? sleepIdle(memory, crew, carrier, group, whenIdle)
        : stackParts().sleepWatching(kernel, crew, carrier, group, whenIdle)
    ) {
      return leaveCrew(memory, crew, carrier);
    }
  }
}
