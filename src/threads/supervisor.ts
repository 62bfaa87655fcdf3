/**
 * Supervisor: the host's side of the carriers. Runs on the host's event loop, which no guest ever blocks.
 *
 * It starts workers, binds them to crews that asked for carriers, ends those whose guest computes on after its process has ended, takes events to
 * the host program, and gives carriers back. One per machine; all it knows that the kernel heap does not is which worker is which carrier.
 */
import {
  abandonWaits,
  dropProcess,
  dropThread,
  exitProcess,
  fireTimers,
  EndReason,
  finishThread,
  HostCall,
  type Kernel,
  type KernelEvent,
  KernelRoot,
  letGo,
  Process,
  ProcessState,
  renewProcess,
  takeEvents,
  Thread,
} from "../kernel/index.ts";
import { mayLeaveCarriers, type Program } from "../loader/program.ts";
import {
  allowSpinning,
  isBroken,
  type KernelMemory,
  panic,
  parkAsync,
  ringBell,
  unpark,
} from "../shm/index.ts";
import { Mark } from "../syscalls/context.ts";
import { dropFile, keepFile } from "../vfs/index.ts";
import {
  cancelCarriers,
  Carrier,
  Crew,
  growIfStuck,
  leaveCrew,
  placeThread,
  prepareSharing,
  takeWaiting,
  unreserveThread,
  unshareCrew,
  watchBell,
} from "./crew.ts";
import { type ForkMemory, giveBack } from "./fork-memories.ts";
import { HostThread } from "./host-thread.ts";
import { RawWaits } from "./raw-wait.ts";
import type { ForkMessage, TraceTarget, WorkerMessage } from "./messages.ts";
import {
  createCrew,
  createMainThread,
  type CrewLimits,
  destroyCrew,
  replaceCrew,
} from "./process-start.ts";
import type {
  HostPart,
  Launch,
  ProcessRunner,
  RunningProcess,
  RunOptions,
  WorkerHandle,
  WorkerHost,
} from "./port.ts";
import { traceSinkOf } from "./trace-sink.ts";
import { TRAP_EXIT_THREAD } from "./run-thread.ts";

/** How long threads that compute may go on after the end of their process, and between looks, in milliseconds. */
const GRACE = 4;

/** Carriers of one thread in a crew that has shared ones too: enough that programs of a few threads need none of those. */
function ownCarriers(cores: number): number {
  return Math.max(4, cores + 2);
}

/** Whether a program's threads can do with fewer workers than there are of them: they share carriers, or leave them while they wait. */
function sharesWorkers(program: Program, shareable: unknown): boolean {
  return shareable !== undefined || mayLeaveCarriers(program);
}

/** Time between looks at threads that wait while all carriers are busy, in milliseconds: the first, how it grows, and the longest. A busy machine is slow, too. */
const LOOK_AFTER = 20;
const LOOK_GROWTH = 1.5;
const LONGEST_LOOK = 250;

/** Unbound workers that are kept for the next process; more are ended. */
const MOST_UNBOUND = 16;

/**
 * Processes that one worker serves. Engines free the memory of a program that has ended when they next collect garbage, to which a worker that makes little of
 * it does not come: its end frees all.
 */
const MOST_SERVED = 64;

interface Worker {
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

/** A running process with its crew and its workers. */
interface Team {
  readonly process: number;
  readonly crew: number;
  readonly program: Program;
  readonly memory: WebAssembly.Memory | undefined;
  readonly options: RunOptions;
  /** The program for shared carriers, once it has been asked for: undefined until it is compiled, and the workers that wait for it. */
  shared: Program | undefined;
  readonly awaiting: Set<Worker>;
  readonly compileShared: (() => Promise<Program | undefined>) | undefined;
  isCompiling: boolean;
  readonly mostWorkers: number;
  readonly rawWaits: RawWaits | undefined;
  readonly trace: TraceTarget | undefined;
  readonly workers: Set<Worker>;
  readonly completion: Completion;
  /** What the host program gives, and the main thread, where the program is instantiated on this agent. */
  readonly here: HostPart | undefined;
  hostThread: HostThread | undefined;
  /** Programs that are ready for the place of this one; their number is their place in the list, from 1. */
  readonly ready: Launch[];
  reaping: boolean;
  /** Tells who reaps that a process or its program has ended. */
  lookAgain: (() => void) | undefined;
  /** Where the memory is a copy that another may use again, as long as no agent was ended that used it: such a one may go on for a moment. */
  lent: Pick<ForkMemory, "isFree"> | undefined;
  /** Whether a loop looks after its threads: see `lookAfter`. */
  isLookedAfter: boolean;
}

/** Resolves when a process has ended and every worker has left it, whatever programs it had. */
class Completion {
  finish!: () => void;
  readonly done = new Promise<void>((resolve) => {
    this.finish = resolve;
  });
}

export class Supervisor implements ProcessRunner {
  private readonly teams = new Map<number, Team>();
  private readonly unbound: Worker[] = [];
  private readonly workers = new Set<Worker>();
  /** Carriers of agents that were told to end and may still compute: their mark keeps them out of the kernel as long as the record stays theirs. */
  private readonly doomed = new Set<number>();
  /** Whether any process had calls that few programs make: its descriptors may come to those that begin after it. */
  private furtherCalls = false;
  /** Nothing that comes to life from now on may live. */
  private isClosing = false;
  private closed = false;
  private readonly running: Promise<void>;
  /** Gets events when any are wanted (`KernelRoot.eventMask`). */
  onEvents: ((events: KernelEvent[]) => void) | undefined;
  /** Is called when a guest asks a filesystem whose code runs in the host program. */
  onFileRequests: (() => void) | undefined;
  /** Is called when a guest asks for a program to be run. */
  onProgramRequests: (() => void) | undefined;
  /** Is called when a guest asks for a snapshot. */
  onSnapshotRequests: (() => void) | undefined;
  /** Gets the failure of a worker that is no guest's fault. */
  onCrash: ((error: Error) => void) | undefined;

  constructor(
    private readonly kernel: Kernel,
    private readonly host: WorkerHost,
    private readonly debug: boolean,
  ) {
    // One core is left to whoever is waited for.
    allowSpinning(kernel.memory, host.parallelism - 1);
    this.running = this.run().catch((error: unknown) => this.onCrash?.(asError(error)));
  }

  /** Workers alive, for tests and reports. */
  get workerCount(): number {
    return this.workers.size;
  }

  /** Addresses of the records of its workers, and of those that are being ended. */
  listCarriers(): number[] {
    return [...new Set([...this.doomed, ...[...this.workers].map(({ carrier }) => carrier)])];
  }

  /** Starts a process's main thread on a carrier: see `ProcessRunner`. */
  start(
    process: number,
    launch: Launch,
    trace: TraceTarget | undefined,
  ): Promise<void> | undefined {
    const completion = new Completion();
    if (!this.begin(process, launch, trace, completion)) return undefined;
    letGo(this.kernel, process);
    return completion.done;
  }

  /** Starts a child, with the trace of its parent: see `ProcessRunner`. */
  startChild(parent: number, process: number, launch: Launch): boolean {
    const { vfs } = this.kernel;
    const trace = this.teams.get(parent)?.trace;
    if (trace !== undefined) keepFile(vfs.memory, trace.file);
    const begun = this.begin(process, launch, trace, new Completion());
    if (!begun && trace !== undefined) dropFile(vfs, trace.file);
    return begun;
  }

  /** Keeps a program ready for the place of a process's own: see `ProcessRunner`. */
  keepReady(process: number, launch: Launch): number {
    return this.teams.get(process)?.ready.push(launch) ?? 0;
  }

  /** Makes a process's main thread and its team. False, and nothing was taken over, where there is no room for a thread, or the process has ended. */
  private begin(
    process: number,
    launch: Launch,
    trace: TraceTarget | undefined,
    completion: Completion,
  ): boolean {
    const { kernel } = this;
    const { program, here } = launch;
    this.furtherCalls ||= program.needsFurtherCalls;
    const crew = createCrew(kernel, process, this.limitsOf(launch));
    const thread = crew === 0 ? 0 : createMainThread(kernel, process, program);
    if (thread === 0) {
      if (crew !== 0) destroyCrew(kernel, process, crew);
      return false;
    }
    const team = this.form(process, crew, launch, trace, completion);
    if (here === undefined) placeThread(kernel, crew, thread);
    else this.placeHere(team, thread, launch, here);
    if (launch.options.sharesAtOnce === true) prepareSharing(kernel.memory, crew);
    // At once, not through the loop's sleep: from here on the worker keeps the host program alive.
    this.hire(team);
    return true;
  }

  /** What the crew of a program may have. */
  private limitsOf({ program, options }: Launch): CrewLimits {
    const { threads, spare, shareable, sharesAtOnce } = options;
    const cores = this.host.parallelism;
    const own = sharesAtOnce === true ? 1 : ownCarriers(cores);
    return {
      threads,
      spare,
      carriers: sharesWorkers(program, shareable) ? Math.min(threads, own) : threads,
      shared: shareable === undefined ? 0 : cores,
    };
  }

  /** The processes that run: see `ProcessRunner`. */
  listRunning(): RunningProcess[] {
    return [...this.teams.values()].map(({ process, crew, program, memory, trace }) => {
      return { process, crew, program, memory, trace: trace?.file ?? 0 };
    });
  }

  /** Goes on with a process of a snapshot: see `ProcessRunner`. */
  resume(process: number, launch: Launch): Promise<void> {
    const { kernel } = this;
    const completion = new Completion();
    this.furtherCalls ||= launch.program.needsFurtherCalls;
    const crew = replaceCrew(kernel, process, this.limitsOf(launch));
    this.hire(this.form(process, crew, launch, undefined, completion));
    kernel.callHost(HostCall.timers);
    return completion.done;
  }

  /** Takes up a process that another was copied to, with its crew and its main thread. */
  private adopt(parent: Team | undefined, message: ForkMessage): void {
    const { process, crew, thread, memory } = message;
    const { kernel } = this;
    if (parent === undefined) return panic("fork: a worker that serves nobody copied a process");
    const { program, options, trace } = parent;
    if (trace !== undefined) keepFile(kernel.memory, trace.file);
    const team = this.form(process, crew, { program, memory, options }, trace, new Completion());
    team.lent = message;
    placeThread(kernel, crew, thread);
    if (this.isClosing) exitProcess(kernel, process, 137, EndReason.killed, 9);
    this.hire(team);
    // It may have been ended before it came here.
    this.look(team);
  }

  /** Makes the team of a process that has a crew and a main thread. */
  private form(
    process: number,
    crew: number,
    { program, memory, options, here }: Launch,
    trace: TraceTarget | undefined,
    completion: Completion,
  ): Team {
    const { kernel } = this;
    const team: Team = {
      process,
      crew,
      program,
      memory,
      options,
      shared: undefined,
      awaiting: new Set(),
      compileShared: options.shareable,
      isCompiling: false,
      mostWorkers: options.workers,
      rawWaits:
        memory &&
        new RawWaits(
          kernel,
          crew,
          memory,
          (thread) => dropThread(kernel, thread),
          () => this.dissolve(team),
        ),
      trace,
      workers: new Set(),
      completion,
      here,
      hostThread: undefined,
      ready: [],
      reaping: false,
      lookAgain: undefined,
      lent: undefined,
      isLookedAfter: false,
    };
    this.teams.set(process, team);
    return team;
  }

  /** The main thread stays on this agent. */
  private placeHere(team: Team, thread: number, launch: Launch, here: HostPart): void {
    const { kernel, host } = this;
    const { crew, trace } = team;
    const carrier = Carrier.allocate(kernel.memory);
    if (carrier === 0) return this.giveUp(team, "the kernel's memory is full");
    const sink = trace && traceSinkOf(kernel, trace.file);
    const hire = () => this.hire(team);
    team.hostThread = new HostThread(
      kernel,
      carrier,
      crew,
      thread,
      launch,
      host.parallelism,
      sink,
      hire,
      here.imports,
    );
  }

  /** See `ProcessRunner`. */
  hostThreadOf(process: number): HostThread | undefined {
    return this.teams.get(process)?.hostThread;
  }

  /** Ends every process and every worker; resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.isClosing = true;
    for (const { process } of this.teams.values())
      exitProcess(this.kernel, process, 137, EndReason.killed, 9);
    while (this.teams.size > 0) await [...this.teams.values()][0].completion.done;
    this.closed = true;
    unpark(this.kernel.memory, KernelRoot.host.at(this.kernel.root));
    await this.running;
    await Promise.all([...this.workers].map((worker) => this.discard(worker)));
    // Nothing is allocated any more: the records keep their mark.
    for (const carrier of this.doomed) Carrier.free(this.kernel.memory, carrier);
    this.doomed.clear();
  }

  /** The loop: sleeps until some agent calls the host, then does what it was called for. */
  private async run(): Promise<void> {
    const { memory, root } = this.kernel;
    const parker = KernelRoot.host.at(root);
    let nextTimer = Infinity;
    while (!this.closed) {
      await parkAsync(memory, parker, nextTimer);
      memory.refreshIfGrown();
      const calls = KernelRoot.hostCalls.exchange(memory, root, 0);
      if ((calls & HostCall.events) !== 0) this.deliverEvents();
      if ((calls & HostCall.files) !== 0) this.onFileRequests?.();
      if ((calls & HostCall.programs) !== 0) this.onProgramRequests?.();
      if ((calls & HostCall.snapshots) !== 0) this.onSnapshotRequests?.();
      if ((calls & HostCall.carriers) !== 0)
        for (const team of this.teams.values()) this.hire(team);
      if ((calls & HostCall.rawWaits) !== 0)
        for (const team of this.teams.values()) team.rawWaits?.takeUp();
      if ((calls & HostCall.process) !== 0) for (const team of this.teams.values()) this.look(team);
      if ((calls & HostCall.timers) !== 0 || nextTimer !== Infinity) nextTimer = this.fireTimers();
    }
  }

  /** Fires the interval timers that are due; the milliseconds until the next is. */
  private fireTimers(): number {
    const { kernel } = this;
    let next = Infinity;
    for (const { process } of this.teams.values())
      next = Math.min(next, fireTimers(kernel, process));
    return next === Infinity ? next : Math.max(0, next - kernel.clock.monotonicMilliseconds());
  }

  /** Hands the events that wait to the host program. */
  deliverEvents(): void {
    const events = takeEvents(this.kernel.memory, this.kernel.root);
    if (events.length > 0) this.onEvents?.(events);
  }

  /** Binds as many workers as the crew asked for and does not have on the way. */
  private hire(team: Team): void {
    const { memory } = this.kernel;
    const { crew } = team;
    if (team.reaping) return;
    if (Crew.isWatched.get(memory, crew) !== 0) void this.lookAfter(team);
    const countOf = (counts: [typeof Crew.shared, typeof Crew.shared]) =>
      counts[0].get(memory, crew) + counts[1].get(memory, crew);
    // One after the other, since each takes a while to start: threads may come to share carriers meanwhile.
    for (;;) {
      const hired = countWorkers(team, false);
      const countOwn = () => countOf([Crew.carriers, Crew.wanted]);
      const shared = countOf([Crew.shared, Crew.sharedWanted]);
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
      if (!this.isServed(team) || team.reaping) return;
      this.kernel.memory.refreshIfGrown();
      taken = growIfStuck(this.kernel, team.crew, taken, team.mostWorkers);
      if (taken < 0) break;
      this.hire(team);
    }
    team.isLookedAfter = false;
  }

  /** Compiles a team's program for shared carriers and gives it to the workers that wait for it; or does without them. */
  private async compileShared(team: Team): Promise<void> {
    if (team.isCompiling) return;
    team.isCompiling = true;
    try {
      team.shared = await team.compileShared?.();
    } finally {
      // Nothing but memory can be lacking: the same bytes were compiled before.
      if (this.isServed(team) && !team.reaping) {
        const { awaiting } = team;
        if (team.shared === undefined) unshareCrew(this.kernel.memory, team.crew, team.mostWorkers);
        else
          for (const worker of awaiting)
            if (!worker.handle.isOutdated() && awaiting.delete(worker)) this.bind(team, worker);
        this.releaseAwaiting(team);
        this.hire(team);
      }
    }
  }

  /** A worker that was kept; those that were started with too little are ended. */
  private takeUnbound(): Worker | undefined {
    for (;;) {
      const worker = this.unbound.pop();
      if (worker?.handle.isOutdated() !== true) return worker;
      void this.discard(worker);
    }
  }

  /** The workers that wait for a team's program for shared carriers will not get it. */
  private releaseAwaiting(team: Team): void {
    for (const worker of team.awaiting) {
      team.workers.delete(worker);
      worker.crew = undefined;
      this.keep(worker);
    }
    team.awaiting.clear();
  }

  /** Gives a team one more worker. False where none can be had: then the process ends. */
  private hireOne(team: Team, sharing: boolean): boolean {
    const worker = this.takeUnbound() ?? this.startWorker(team, sharing);
    if (worker === undefined) return false;
    worker.crew = team;
    worker.isShared = sharing;
    team.workers.add(worker);
    worker.handle.setKeepsAlive(true);
    if (sharing && team.shared === undefined) team.awaiting.add(worker);
    else this.bind(team, worker);
    return true;
  }

  private bind(
    { crew, memory, trace, shared, program, here }: Team,
    { handle, isShared }: Worker,
  ): void {
    handle.post({
      kind: "bind",
      crew,
      program: isShared ? shared! : program,
      memory,
      trace,
      sharing: isShared,
      furtherCalls: this.furtherCalls,
      threadImports: here?.threadImports,
    });
  }

  /** Starts a worker for a team. Where the host or the kernel heap has no room for one, the process ends, since a thread would wait for ever. */
  private startWorker(team: Team, sharing: boolean): Worker | undefined {
    const { kernel, debug } = this;
    const carrier = Carrier.allocate(kernel.memory);
    if (carrier === 0) return this.giveUp(team, "the kernel's memory is full");
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
      return this.giveUp(team, asError(error).message);
    }
    this.workers.add(worker);
    return worker;
  }

  private giveUp(team: Team, reason: string): undefined {
    const message = `no worker can be started for a thread: ${reason}`;
    exitProcess(this.kernel, team.process, TRAP_EXIT_THREAD, EndReason.failed, 0, message);
  }

  private receive(worker: Worker, message: WorkerMessage): void {
    if (message.kind === "unbound") this.release(worker);
    else if (message.kind === "posted") worker.crew?.here?.onMessage(message.value);
    else if (message.kind === "forked") this.adopt(worker.crew, message);
    else if (message.kind === "crashed") {
      const error = new Error(message.message);
      error.stack = message.stack;
      this.bury(worker, error);
    }
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
    worker.crew = undefined;
    // Not before its message: a worker that has served and one that has not begun must differ for `recall`.
    Carrier.mark.set(this.kernel.memory, worker.carrier, Mark.unbound);
    this.keep(worker);
    if (team !== undefined) {
      team.workers.delete(worker);
      this.dissolve(team);
    }
  }

  /** Puts a worker by for the next crew, or ends it where enough are kept. */
  private keep(worker: Worker): void {
    worker.handle.setKeepsAlive(false);
    const isOfUse = worker.served < MOST_SERVED && !this.closed;
    if (isOfUse && this.unbound.length < MOST_UNBOUND) this.unbound.push(worker);
    else void this.discard(worker);
  }

  /** Ends a worker that serves nobody. */
  private async discard(worker: Worker): Promise<void> {
    if (worker.gone) return worker.ending;
    worker.gone = true;
    worker.ending = worker.handle.terminate().then(() => {
      this.workers.delete(worker);
      Carrier.free(this.kernel.memory, worker.carrier);
    });
    return worker.ending;
  }

  /** A process is ending, or its program is: see that its threads leave, then give its carriers back. */
  private look(team: Team): void {
    const { memory } = this.kernel;
    const state = Process.state.load(memory, team.process);
    if (state === ProcessState.running) return;
    if (team.reaping) return team.lookAgain?.();
    team.reaping = true;
    this.reap(team).catch((error: unknown) => this.onCrash?.(asError(error)));
  }

  private async reap(team: Team): Promise<void> {
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
    team.rawWaits?.abandon();
    this.releaseAwaiting(team);
    Crew.closing.store(memory, team.crew, 1);
    for (const worker of [...team.workers]) {
      if (this.recall(worker)) team.workers.delete(worker);
      else ringBell(memory, worker.carrier);
    }
    ringBell(memory, watchBell(team.crew));
    this.dissolve(team);
    while (this.isServed(team)) {
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
  private hasLeft(team: Team): boolean {
    const { memory } = this.kernel;
    const hasEnded = Process.state.load(memory, team.process) === ProcessState.ended;
    return hasEnded || Process.isBetween.get(memory, team.process) !== 0;
  }

  /** Whether a team is not yet dissolved. Afterwards its process's address may be another's. */
  private isServed(team: Team): boolean {
    return this.teams.get(team.process) === team;
  }

  /** Calls back a worker that has not yet seen whom it was bound to: it will answer that message and serve nobody for it. */
  private recall(worker: Worker): boolean {
    if (!this.takeMark(worker, Mark.unbound, Mark.recalled)) return false;
    worker.crew = undefined;
    worker.recalls++;
    this.keep(worker);
    return true;
  }

  /** Threads that never got a carrier end here: no carrier will come for them. */
  private finishWaiting(team: Team): void {
    const { kernel } = this;
    for (;;) {
      const thread = takeWaiting(kernel.memory, team.crew);
      if (thread === 0) return;
      abandonWaits(kernel, thread);
      unreserveThread(kernel.memory, team.crew);
      finishThread(kernel, thread, Process.exitCode.get(kernel.memory, team.process) | 0);
      dropThread(kernel, thread);
    }
  }

  /**
   * Ends an agent that is in guest code: its mark keeps it out of the kernel from now on, and it holds no lock. A host may take its time to end it;
   * nobody waits for that.
   */
  private endIfInGuest(team: Team, worker: Worker): void {
    if (worker.gone || !this.takeMark(worker, Mark.guest, Mark.doomed)) return;
    worker.gone = true;
    void this.endDoomed(worker);
    this.removeDead(team, worker);
  }

  private takeMark(worker: Worker, expected: number, mark: number): boolean {
    const { memory } = this.kernel;
    const word = (worker.carrier + Carrier.mark.offset) >>> 2;
    return Atomics.compareExchange(memory.i32, word, expected, mark) === expected;
  }

  private async endDoomed({ carrier, handle }: Worker): Promise<void> {
    this.doomed.add(carrier);
    await handle.terminate();
    if (this.doomed.delete(carrier)) Carrier.free(this.kernel.memory, carrier);
  }

  /** Does for a worker that is no more what its agent would have done for its thread. */
  private removeDead(team: Team, worker: Worker): void {
    const { kernel } = this;
    const { memory } = kernel;
    team.lent = undefined;
    if (Carrier.crew.get(memory, worker.carrier) === team.crew)
      leaveCrew(memory, team.crew, worker.carrier);
    this.workers.delete(worker);
    team.workers.delete(worker);
    team.awaiting.delete(worker);
    for (;;) {
      const thread = findThreadOf(memory, team.process, worker.carrier);
      if (thread === 0) break;
      abandonWaits(kernel, thread);
      Thread.carrier.set(memory, thread, 0);
      unreserveThread(memory, team.crew);
      finishThread(kernel, thread, Process.exitCode.get(memory, team.process) | 0);
      dropThread(kernel, thread);
    }
    if (!this.doomed.has(worker.carrier)) Carrier.free(memory, worker.carrier);
  }

  /** A worker died by itself, or says that it is broken. */
  private bury(worker: Worker, error: Error): void {
    if (worker.gone) return;
    worker.gone = true;
    this.onCrash?.(error);
    if (isBroken(this.kernel.memory)) return void this.abandon();
    const team = worker.crew;
    const index = this.unbound.indexOf(worker);
    if (index >= 0) this.unbound.splice(index, 1);
    void worker.handle.terminate().then(() => {
      if (team === undefined) {
        this.workers.delete(worker);
        Carrier.free(this.kernel.memory, worker.carrier);
        return;
      }
      exitProcess(
        this.kernel,
        team.process,
        TRAP_EXIT_THREAD,
        EndReason.failed,
        0,
        `a worker failed: ${error.message}`,
      );
      this.removeDead(team, worker);
      this.look(team);
    });
  }

  /** The kernel heap is broken: ends every worker where it is, and touches nothing in the heap any more. */
  async abandon(): Promise<void> {
    this.closed = true;
    const workers = [...this.workers];
    this.workers.clear();
    this.unbound.length = 0;
    for (const worker of workers) worker.gone = true;
    unpark(this.kernel.memory, KernelRoot.host.at(this.kernel.root));
    await Promise.all(workers.map(({ handle }) => handle.terminate()));
  }

  /** The last worker has left: nothing is left to do for the process, or for its program, whose place another takes. */
  private dissolve(team: Team): void {
    const { kernel } = this;
    const { process, trace, completion } = team;
    if (team.workers.size > 0 || !this.isServed(team)) return;
    if (team.rawWaits?.isIdle === false) return;
    if (!this.hasLeft(team)) return;
    this.teams.delete(process);
    destroyCrew(kernel, process, team.crew);
    if (team.lent !== undefined) giveBack(team.lent);
    if (this.beginNext(team)) return;
    if (trace !== undefined) dropFile(kernel.vfs, trace.file);
    dropProcess(kernel, process);
    completion.finish();
  }

  /** Starts the program that takes the place of a team's. False where the process has ended. */
  private beginNext({ process, ready, trace, completion }: Team): boolean {
    const { kernel } = this;
    const { memory } = kernel;
    if (Process.state.load(memory, process) === ProcessState.ended) return false;
    Process.isBetween.set(memory, process, 0);
    renewProcess(kernel, process);
    const launch = ready[Process.nextProgram.get(memory, process) - 1];
    const begun = this.begin(process, launch, trace, completion);
    const message = "no thread can be made for the next program: the kernel's memory is full";
    // Of no effect where the process was ended meanwhile.
    if (!begun) exitProcess(kernel, process, TRAP_EXIT_THREAD, EndReason.failed, 0, message);
    letGo(kernel, process);
    return begun;
  }
}

function countWorkers({ workers }: Team, shared: boolean): number {
  let count = 0;
  for (const { isShared } of workers) if (isShared === shared) count++;
  return count;
}

/** Whether a carrier runs or keeps a thread. */
function hasThread(memory: KernelMemory, carrier: number): boolean {
  return Carrier.thread.get(memory, carrier) !== 0 || Carrier.stacks.get(memory, carrier) !== 0;
}

/** A living thread of a carrier, whose count of it goes to the caller, or 0. */
function findThreadOf(memory: KernelMemory, process: number, carrier: number): number {
  Process.lock.acquire(memory, process);
  let thread = Process.firstThread.get(memory, process);
  while (thread !== 0 && Thread.carrier.get(memory, thread) !== carrier)
    thread = Thread.next.get(memory, thread);
  Process.lock.release(memory, process);
  return thread;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
