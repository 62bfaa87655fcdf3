/**
 * Hiring: gives crews the carriers that they ask for.
 *
 * A crew says in its record how many it wants (`carrier-orders.ts`); the host, which nobody blocks, takes workers from the pool and binds them. It looks from time to time
 * whether threads wait while all carriers are busy, and compiles a program a second time for carriers that its threads share.
 *
 * Life: one for a supervisor. Only the host's event loop touches it.
 */
import type { Kernel } from "../kernel/index.ts";
import { cancelCarriers, countCarriers, growIfStuck, unshareCrew } from "./carrier-orders.ts";
import { Crew } from "./crew-records.ts";
import type { WorkerHost } from "./port.ts";
import { failProcess } from "./run-thread.ts";
import { countWorkers, type Team } from "./team.ts";
import type { Worker, WorkerPool } from "./worker-pool.ts";

/** Time between looks at threads that wait while all carriers are busy, in milliseconds: the first, how it grows, and the longest. A busy machine is slow, too. */
const LOOK_AFTER = 20;
const LOOK_GROWTH = 1.5;
const LONGEST_LOOK = 250;

export class Hiring {
  /** Whether any process had calls that few programs make: its descriptors may come to those that begin after it. */
  furtherCalls = false;

  constructor(
    private readonly kernel: Kernel,
    private readonly host: WorkerHost,
    private readonly pool: WorkerPool,
  ) {}

  /** Binds as many workers as the crew asked for and does not have on the way. Where none can be had the process ends, since a thread would wait for ever. */
  hire(team: Team): void {
    const { memory } = this.kernel;
    const { crew } = team;
    if (team.reaping) return;
    if (Crew.isWatched.get(memory, crew) !== 0) void this.lookAfter(team);
    // One after the other, since each takes a while to start: threads may come to share carriers meanwhile.
    for (;;) {
      const hired = countWorkers(team, false);
      const countOwn = () => countCarriers(memory, crew, false);
      const shared = countCarriers(memory, crew, true);
      // The main thread's worker first.
      if (shared > 0 && (hired > 0 || countOwn() === 0)) {
        cancelCarriers(memory, crew, hired);
        if (team.shared === undefined) void this.compileShared(team);
        while (countWorkers(team, true) < shared && this.hireOne(team, true));
      }
      if (hired >= countOwn() || !this.hireOne(team, false)) return;
    }
  }

  /** Sees that threads which wait for a carrier get one, where those there are stay with their threads. */
  private async lookAfter(team: Team): Promise<void> {
    if (team.isLookedAfter) return;
    team.isLookedAfter = true;
    for (
      let taken = -1, pause = LOOK_AFTER;
      ;
      pause = Math.min(pause * LOOK_GROWTH, LONGEST_LOOK)
    ) {
      await this.host.delay(pause);
      if (!team.isServed || team.reaping) return;
      this.kernel.memory.refreshIfGrown();
      taken = growIfStuck(this.kernel, team.crew, taken, team.options.workers);
      if (taken < 0) break;
      this.hire(team);
    }
    team.isLookedAfter = false;
  }

  /** Compiles a team's program for shared carriers and gives it to the workers that wait for it; or does without them. */
  private async compileShared(team: Team): Promise<void> {
    if (team.isCompiling) return;
    team.isCompiling = true;
    const { shareable, workers: most } = team.options;
    try {
      team.shared = await shareable?.();
    } finally {
      // Nothing but memory can be lacking: the same bytes were compiled before.
      if (team.isServed && !team.reaping) {
        const { awaiting } = team;
        if (team.shared === undefined) unshareCrew(this.kernel.memory, team.crew, most);
        else
          for (const worker of awaiting)
            if (!worker.handle.isOutdated() && awaiting.delete(worker)) this.bind(team, worker);
        this.releaseAwaiting(team);
        this.hire(team);
      }
    }
  }

  /** The workers that wait for a team's program for shared carriers will not get it. */
  releaseAwaiting(team: Team): void {
    for (const worker of team.awaiting) {
      team.workers.delete(worker);
      this.pool.keep(worker);
    }
    team.awaiting.clear();
  }

  /** Gives a team one more worker. False where none can be had: then the process ends. */
  private hireOne(team: Team, sharing: boolean): boolean {
    let worker: Worker;
    try {
      worker = this.pool.take(sharing);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `no worker can be started for a thread: ${reason}`;
      failProcess(this.kernel, team.process, message);
      return false;
    }
    worker.crew = team;
    worker.isShared = sharing;
    worker.served++;
    team.workers.add(worker);
    worker.handle.setKeepsAlive(true);
    if (sharing && team.shared === undefined) team.awaiting.add(worker);
    else this.bind(team, worker);
    return true;
  }

  private bind(
    { crew, memory, content, trace, shared, program, here }: Team,
    { handle, isShared }: Worker,
  ): void {
    handle.post({
      kind: "bind",
      crew,
      program: isShared ? shared! : program,
      memory,
      content,
      trace,
      sharing: isShared,
      furtherCalls: this.furtherCalls,
      threadImports: here?.threadImports,
    });
  }
}
