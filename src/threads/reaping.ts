/**
 * Reaping: the end of a team. Its threads leave by themselves when they notice; those that compute on are ended with their workers; then the carriers are given
 * back.
 *
 * Life: one for a supervisor. Only the host's event loop touches it.
 */
import {
  abandonWaits,
  dropThread,
  finishThread,
  type Kernel,
  Process,
  ProcessState,
  Thread,
} from "../kernel/index.ts";
import { ringBell } from "../shm/index.ts";
import { leaveCrew, takeWaiting, unreserveThread } from "./crew.ts";
import { Carrier, Crew } from "./crew-records.ts";
import { watchBell } from "./sleep-watch.ts";
import type { Hiring } from "./hiring.ts";
import type { WorkerHost } from "./port.ts";
import { findThreadOf, hasThread, type Team } from "./team.ts";
import type { Worker, WorkerPool } from "./worker-pool.ts";

/** How long threads that compute may go on after the end of their process, and between looks, in milliseconds. */
const GRACE = 4;

export class Reaping {
  /** @param dissolve is called whenever a team may be over */
  constructor(
    private readonly kernel: Kernel,
    private readonly host: WorkerHost,
    private readonly pool: WorkerPool,
    private readonly hiring: Hiring,
    private readonly dissolve: (team: Team) => void,
  ) {}

  /** Sees that the threads of a team whose process, or whose program, is ending leave, and that its carriers do. Resolves when it is over. */
  async reap(team: Team): Promise<void> {
    const { host } = this;
    const { memory } = this.kernel;
    team.hostThread?.end(Process.exitCode.get(memory, team.process) | 0);
    this.finishWaiting(team);
    while (!this.hasLeft(team)) {
      await this.giveGrace(team);
      memory.refreshIfGrown();
      if (this.hasLeft(team)) break;
      this.finishWaiting(team);
      for (const worker of [...team.workers])
        if (hasThread(memory, worker.carrier)) this.endIfInGuest(team, worker);
    }
    team.rawWaits()?.abandon();
    this.hiring.releaseAwaiting(team);
    Crew.closing.store(memory, team.crew, 1);
    for (const worker of [...team.workers]) {
      if (this.pool.recall(worker)) team.workers.delete(worker);
      else ringBell(memory, worker.carrier);
    }
    ringBell(memory, watchBell(team.crew));
    this.dissolve(team);
    while (team.isServed) {
      await host.delay(GRACE);
      // Without a thread a carrier is in the guest only for the start section of an instance that it makes ahead, which may never end.
      for (const worker of [...team.workers]) this.endIfInGuest(team, worker);
      this.dissolve(team);
    }
  }

  /** Gives threads time to leave by themselves: resolves when all have, or after `GRACE`. */
  private async giveGrace(team: Team): Promise<void> {
    const grace = this.host.delay(GRACE).then(() => true);
    while (!this.hasLeft(team)) {
      const call = new Promise<boolean>((resolve) => {
        team.lookAgain = () => resolve(false);
      });
      if (await Promise.race([grace, call])) return;
    }
  }

  /** Whether no thread of a team's program is left. */
  hasLeft(team: Team): boolean {
    const { memory } = this.kernel;
    const hasEnded = Process.state.load(memory, team.process) === ProcessState.ended;
    return hasEnded || Process.isBetween.get(memory, team.process) !== 0;
  }

  /** Threads that never got a carrier end here: no carrier will come for them. */
  private finishWaiting(team: Team): void {
    for (;;) {
      const thread = takeWaiting(this.kernel.memory, team.crew);
      if (thread === 0) return;
      this.finish(team, thread);
    }
  }

  private endIfInGuest(team: Team, worker: Worker): void {
    if (this.pool.doom(worker)) this.removeDead(team, worker);
  }

  /** Does for a worker that is no more what its agent would have done for its thread. */
  removeDead(team: Team, worker: Worker): void {
    const { memory } = this.kernel;
    team.lent = undefined;
    if (Carrier.crew.get(memory, worker.carrier) === team.crew)
      leaveCrew(memory, team.crew, worker.carrier);
    team.workers.delete(worker);
    team.awaiting.delete(worker);
    for (;;) {
      const thread = findThreadOf(memory, team.process, worker.carrier);
      if (thread === 0) break;
      this.finish(team, thread);
    }
    this.pool.forget(worker);
  }

  /** The clean-up of a thread that does not run, whose count is taken over. */
  private finish(team: Team, thread: number): void {
    const { kernel } = this;
    abandonWaits(kernel, thread);
    Thread.carrier.set(kernel.memory, thread, 0);
    unreserveThread(kernel.memory, team.crew);
    finishThread(kernel, thread, Process.exitCode.get(kernel.memory, team.process) | 0);
    dropThread(kernel, thread);
  }
}
