/**
 * Worker pool: the workers of a machine, from start to end.
 *
 *     started → bound to a team → unbound, kept for the next → … → discarded; or doomed: ended where it is, in the guest; or dead by itself
 *
 * A worker is a carrier's agent; its record's mark (`Mark`) says what it is doing, and is what a killer must take before it ends the agent.
 *
 * Life: one for a supervisor. Only the host's event loop touches it.
 */
import type { Kernel } from "../kernel/index.ts";
import { Mark } from "../syscalls/context.ts";
import { Carrier } from "./crew-records.ts";
import type { WorkerMessage } from "./messages.ts";
import type { WorkerHandle, WorkerHost } from "./port.ts";
import type { Team } from "./team.ts";

/** Unbound workers that are kept for the next process; more are ended. */
const MOST_UNBOUND = 16;

/**
 * Processes that one worker serves. Engines free the memory of a program that has ended when they next collect garbage, to which a worker that makes little of
 * it does not come: its end frees all.
 */
const MOST_SERVED = 64;

/** A worker of the pool. */
export interface Worker {
  readonly carrier: number;
  readonly handle: WorkerHandle;
  /** What it serves, or undefined in its event loop. */
  crew: Team | undefined;
  /** Whether it serves that as a shared carrier. */
  isShared: boolean;
  /** Bind messages that were called back and to which it has not answered yet. */
  recalls: number;
  /** Processes that it has been bound to. */
  served: number;
  /** It is being ended, or has died. */
  gone: boolean;
  /** Settles when a worker that was discarded is gone, so that `close` waits for it too. */
  ending?: Promise<void>;
}

/** What the pool tells its owner. */
export interface PoolEvents {
  /** A worker has left its team, and is kept or ended. */
  onLeft(worker: Worker, team: Team): void;
  /** Any message but those about the worker itself. */
  onMessage(worker: Worker, message: WorkerMessage): void;
  /** A worker died by itself, or says that it is broken. Returns whether the pool is to go on with it. */
  onDeath(error: Error): boolean;
  /** A dead worker is gone that served a team, which still has it. */
  onBuried(worker: Worker, team: Team, error: Error): void;
}

export class WorkerPool {
  private readonly workers = new Set<Worker>();
  private readonly unbound: Worker[] = [];
  /** Carriers of agents that were told to end and may still compute: their mark keeps them out of the kernel as long as the record stays theirs. */
  private readonly doomed = new Set<number>();
  private isClosed = false;

  constructor(
    private readonly kernel: Kernel,
    private readonly host: WorkerHost,
    private readonly debug: boolean,
    private readonly events: PoolEvents,
  ) {}

  /** Workers alive. */
  get size(): number {
    return this.workers.size;
  }

  /** Addresses of the records of its workers, and of those that are being ended. */
  listCarriers(): number[] {
    return [...new Set([...this.doomed, ...[...this.workers].map(({ carrier }) => carrier)])];
  }

  /**
   * A worker that serves nobody: one that was kept, or a new one, for a shared carrier or another.
   *
   * @throws where the host or the kernel heap has no room for one
   */
  take(sharing: boolean): Worker {
    for (;;) {
      const worker = this.unbound.pop();
      if (worker === undefined) return this.start(sharing);
      if (!worker.handle.isOutdated()) return worker;
      // It was started with less than workers are by now.
      void this.discard(worker);
    }
  }

  private start(sharing: boolean): Worker {
    const { kernel, debug } = this;
    const carrier = Carrier.allocate(kernel.memory);
    if (carrier === 0) throw new Error("the kernel's memory is full");
    Carrier.mark.set(kernel.memory, carrier, Mark.unbound);
    let worker: Worker | undefined = undefined;
    try {
      const handle = this.host.startWorker(
        { memory: kernel.memory.memory, carrier, debug, sharing },
        (message) => worker && this.receive(worker, message),
        (error) => worker && this.bury(worker, error),
      );
      worker = {
        carrier,
        handle,
        crew: undefined,
        isShared: false,
        recalls: 0,
        served: 0,
        gone: false,
      };
    } catch (error) {
      Carrier.free(kernel.memory, carrier);
      throw error;
    }
    this.workers.add(worker);
    return worker;
  }

  private receive(worker: Worker, message: WorkerMessage): void {
    if (message.kind === "unbound") this.release(worker);
    else if (message.kind === "crashed") {
      const error = new Error(message.message);
      error.stack = message.stack;
      this.bury(worker, error);
    } else this.events.onMessage(worker, message);
  }

  /** A worker has left its crew: keep it for the next, or end it when enough are kept. */
  private release(worker: Worker): void {
    if (worker.gone) return;
    if (worker.recalls > 0) {
      // The answer to a message that was called back. It may serve another crew by now.
      worker.recalls--;
      return;
    }
    const team = worker.crew;
    // Not before its message: a worker that has served and one that has not begun must differ for `recall`.
    Carrier.mark.set(this.kernel.memory, worker.carrier, Mark.unbound);
    this.keep(worker);
    if (team !== undefined) this.events.onLeft(worker, team);
  }

  /** Puts a worker that serves nobody by for the next crew, or ends it where enough are kept. */
  keep(worker: Worker): void {
    worker.crew = undefined;
    worker.handle.setKeepsAlive(false);
    const isOfUse = worker.served < MOST_SERVED && !this.isClosed;
    if (isOfUse && this.unbound.length < MOST_UNBOUND) this.unbound.push(worker);
    else void this.discard(worker);
  }

  /** Calls back a worker that has not yet seen whom it was bound to: it will answer that message and serve nobody for it. False where it has. */
  recall(worker: Worker): boolean {
    if (!this.takeMark(worker, Mark.unbound, Mark.recalled)) return false;
    worker.recalls++;
    this.keep(worker);
    return true;
  }

  /** Ends a worker that serves nobody. */
  private async discard(worker: Worker): Promise<void> {
    if (worker.gone) return worker.ending;
    worker.gone = true;
    worker.ending = worker.handle.terminate().then(() => this.forget(worker));
    return worker.ending;
  }

  /**
   * Ends an agent that is in guest code: its mark keeps it out of the kernel from now on, and it holds no lock. A host may take its time to end it; nobody waits
   * for that. False where it is not in the guest. Afterwards the caller cleans up after its thread, and forgets the worker.
   */
  doom(worker: Worker): boolean {
    if (worker.gone || !this.takeMark(worker, Mark.guest, Mark.doomed)) return false;
    worker.gone = true;
    void this.endDoomed(worker);
    return true;
  }

  private async endDoomed({ carrier, handle, crew }: Worker): Promise<void> {
    this.doomed.add(carrier);
    await handle.terminate();
    // A thread of the process that took the carrier while it was idle may be about to ring its bell.
    await crew?.completion.done;
    if (this.doomed.delete(carrier)) Carrier.free(this.kernel.memory, carrier);
  }

  /** A worker is no more, and nothing of its record is used: of one that was doomed, but for its mark. */
  forget(worker: Worker): void {
    this.workers.delete(worker);
    if (!this.doomed.has(worker.carrier)) Carrier.free(this.kernel.memory, worker.carrier);
  }

  private takeMark(worker: Worker, expected: number, mark: number): boolean {
    const { memory } = this.kernel;
    const word = (worker.carrier + Carrier.mark.offset) >>> 2;
    return Atomics.compareExchange(memory.i32, word, expected, mark) === expected;
  }

  private bury(worker: Worker, error: Error): void {
    if (worker.gone) return;
    worker.gone = true;
    if (!this.events.onDeath(error)) return;
    const team = worker.crew;
    const index = this.unbound.indexOf(worker);
    if (index >= 0) this.unbound.splice(index, 1);
    void worker.handle.terminate().then(() => {
      if (team === undefined) this.forget(worker);
      else this.events.onBuried(worker, team, error);
    });
  }

  /** Ends all workers, none of which serves anybody; resolves when they run no more. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all([...this.workers].map((worker) => this.discard(worker)));
    // Nothing is allocated any more: the records keep their mark.
    for (const carrier of this.doomed) Carrier.free(this.kernel.memory, carrier);
    this.doomed.clear();
  }

  /** The kernel heap is broken: ends every worker where it is, and touches nothing in the heap any more. */
  async abandon(): Promise<void> {
    this.isClosed = true;
    const workers = [...this.workers];
    this.workers.clear();
    this.unbound.length = 0;
    for (const worker of workers) worker.gone = true;
    await Promise.all(workers.map(({ handle }) => handle.terminate()));
  }
}
