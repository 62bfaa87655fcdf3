/**
 * Deep sleep: a thread whose call waits for long gives its carrier back. Its stack becomes an image, the registrations that its call made stay where they are, and
 * when it is woken any carrier of its crew puts the stack back and makes the call again (`SyscallContext.resumes`), which goes on where it was.
 *
 * Life: one for an agent and instance group whose carrier runs one thread at a time.
 */
import {
  abandonWaits,
  callbackOf,
  DeepSleeper,
  EventKind,
  keepCallback,
  type Kernel,
  Pending,
  releaseRegistrations,
  Thread,
} from "../kernel/index.ts";
import type { InstanceGroup } from "../loader/instance.ts";
import { PROCESS_EXIT } from "../syscalls/control.ts";
import { type SleepPort, UNWINDS } from "../syscalls/port.ts";
import { Crew } from "./crew-records.ts";
import { leaveAsleep } from "./sleep-watch.ts";
import { hasReadySleeper } from "./sleepers.ts";

/** How long a thread waits in place, in milliseconds, where no other wants its carrier. */
const PATIENCE = 10;

export class DeepSleep implements SleepPort {
  constructor(
    private readonly kernel: Kernel,
    private readonly crew: number,
    private readonly carrier: number,
    private readonly group: InstanceGroup,
  ) {}

  get patience(): number {
    const { memory, clock } = this.kernel;
    const isWanted =
      Crew.waiting.get(memory, this.crew) > 0 ||
      hasReadySleeper(memory, Crew.sleepers.at(this.crew), clock.monotonicMilliseconds());
    return isWanted ? 0 : PATIENCE;
  }

  leave(): boolean {
    const { memory } = this.kernel;
    return leaveAsleep(memory, this.crew, this.carrier, this.group.context.thread, Infinity);
  }

  sleep(milliseconds: number): boolean {
    const { kernel, group, crew, carrier } = this;
    const { memory, clock } = kernel;
    const { context } = group;
    const { thread, unwinding, call } = context;
    if (call?.restarts !== true || unwinding === undefined) return false;
    const deadline = clock.monotonicMilliseconds() + milliseconds;
    const answer = unwinding.unwind(call.name, (image) => {
      keepCallback(kernel.memory, image, context.signalCallback);
      Thread.image.set(memory, thread, image);
      Thread.sleepsDeeply.set(memory, thread, DeepSleeper.resumes);
      if (leaveAsleep(memory, crew, carrier, thread, deadline)) return undefined;
      Thread.image.set(memory, thread, 0);
      Thread.sleepsDeeply.set(memory, thread, DeepSleeper.none);
      releaseRegistrations(kernel, thread);
      context.tell(EventKind.threadWoken);
      context.resumes = true;
      return { image, result: undefined };
    });
    return answer === UNWINDS;
  }
}

/**
 * Makes a thread that slept ready to go on, on this agent; its entry is to be called next. The agent is in the kernel, and in the guest afterwards.
 *
 * @throws PROCESS_EXIT where the process ends: then nothing of it is put back
 */
export function wakeSleeper(kernel: Kernel, group: InstanceGroup, thread: number): void {
  const { memory } = kernel;
  const { context } = group;
  context.setThread(thread);
  context.tell(EventKind.threadWoken);
  const resumes = Thread.sleepsDeeply.get(memory, thread) === DeepSleeper.resumes;
  Thread.sleepsDeeply.set(memory, thread, DeepSleeper.none);
  if ((Thread.pending.load(memory, thread) & Pending.exit) !== 0) {
    abandonWaits(kernel, thread);
    throw PROCESS_EXIT;
  }
  releaseRegistrations(kernel, thread);
  context.leave();
  group.takeUsed();
  context.claim();
  const image = Thread.image.get(memory, thread);
  context.signalCallback ??= callbackOf(memory, image);
  Thread.image.set(memory, thread, 0);
  context.resumes = resumes;
  context.unwinding?.begin({ image, result: undefined });
  context.leave();
}
