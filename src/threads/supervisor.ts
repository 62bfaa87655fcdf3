/**
 * Supervisor: the host's side of the carriers. Runs on the host's event loop, which no guest ever blocks.
 *
 * It begins and ends the teams of processes (`team.ts`), which workers serve (`worker-pool.ts`) that crews ask for (`hiring.ts`) and give back at their end
 * (`reaping.ts`); and it does what agents call the host for. One per machine; all it knows that the kernel heap does not is which worker is which carrier.
 */
import {
  dropProcess,
  exitProcess,
  EndReason,
  HostCall,
  type Kernel,
  type KernelEvent,
  KernelRoot,
  letGo,
  Process,
  ProcessState,
  renewProcess,
  takeEvents,
} from "../kernel/index.ts";
import { mayLeaveCarriers, type Program } from "../loader/program.ts";
import { allowSpinning, declareBroken, isBroken, panic, parkAsync, unpark } from "../shm/index.ts";
import { dropFile, keepFile } from "../vfs/index.ts";
import { placeThread } from "./crew.ts";
import { Carrier } from "./crew-records.ts";
import { giveBack } from "./fork-memories.ts";
import { Hiring } from "./hiring.ts";
import type { HostThread } from "./host-thread.ts";
import type { ForkMessage, TraceTarget, WorkerMessage } from "./messages.ts";
import {
  createCrew,
  createMainThread,
  type CrewLimits,
  destroyCrew,
  replaceCrew,
} from "./process-start.ts";
import type { HostPart, Launch, ProcessRunner, RunningProcess, WorkerHost } from "./port.ts";
import { Reaping } from "./reaping.ts";
import { Completion, createTeam, type Team } from "./team.ts";
import { ProcessTraces, traceSinkOf } from "./trace-sink.ts";
import { failProcess } from "./run-thread.ts";
import { type PoolEvents, type Worker, WorkerPool } from "./worker-pool.ts";

/** Carriers of one thread in a crew that has shared ones too: enough that programs of a few threads need none of those. */
function ownCarriers(cores: number): number {
  return Math.max(4, cores + 2);
}

/** Whether a program's threads can do with fewer workers than there are of them: they share carriers, or leave them while they wait. */
function sharesWorkers(program: Program, shareable: unknown): boolean {
  return shareable !== undefined || mayLeaveCarriers(program);
}

export class Supervisor implements ProcessRunner, PoolEvents {
  private readonly teams = new Map<number, Team>();
  private readonly pool: WorkerPool;
  private readonly hiring: Hiring;
  private readonly reaping: Reaping;
  private readonly traces: ProcessTraces;
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
  /** Fires the interval timers of a process that are due; when the next is, or Infinity. Given with the calls that set them. */
  fireTimers: ((kernel: Kernel, process: number) => number) | undefined;
  /** Gets the failure of a worker that is no guest's fault. */
  onCrash: ((error: Error) => void) | undefined;

  constructor(
    private readonly kernel: Kernel,
    private readonly host: WorkerHost,
    debug: boolean,
  ) {
    this.pool = new WorkerPool(kernel, host, debug, this);
    this.hiring = new Hiring(kernel, host, this.pool);
    this.traces = new ProcessTraces(kernel);
    this.reaping = new Reaping(kernel, host, this.pool, this.hiring, (team) => this.dissolve(team));
    // One core is left to the thread that is waited for.
    allowSpinning(kernel.memory, host.parallelism - 1);
    this.running = this.run().catch((error: unknown) => this.fail(error));
  }

  /** Workers alive, for tests and reports. */
  get workerCount(): number {
    return this.pool.size;
  }

  /** Addresses of the records of its workers, and of those that are being ended. */
  listCarriers(): number[] {
    return this.pool.listCarriers();
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
    const hasTerminal = Process.terminal.get(kernel.memory, process) !== 0;
    this.hiring.furtherCalls ||= program.needsFurtherCalls || hasTerminal;
    const pid = Process.id.get(kernel.memory, process);
    this.traces.begin(pid, trace);
    const crew = createCrew(kernel, process, this.limitsOf(launch));
    const thread = crew === 0 ? 0 : createMainThread(kernel, process, program);
    if (thread === 0) {
      this.traces.end(pid);
      if (crew !== 0) destroyCrew(kernel, process, crew);
      return false;
    }
    const team = this.form(process, crew, launch, trace, completion);
    if (here === undefined) placeThread(kernel, crew, thread);
    else this.placeHere(team, thread, launch, here);
    // At once, not through the loop's sleep: from here on the worker keeps the host program alive.
    this.hiring.hire(team);
    return true;
  }

  /** What the crew of a program may have. */
  private limitsOf({ program, options }: Launch): CrewLimits {
    const { threads, spare, shareable } = options;
    const cores = this.host.parallelism;
    return {
      threads,
      spare,
      carriers: sharesWorkers(program, shareable) ? Math.min(threads, ownCarriers(cores)) : threads,
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
    this.hiring.furtherCalls ||= launch.program.needsFurtherCalls;
    const crew = replaceCrew(kernel, process, this.limitsOf(launch));
    this.hiring.hire(this.form(process, crew, launch, undefined, completion));
    kernel.callHost(HostCall.timers);
    return completion.done;
  }

  /** Takes up a process that another was copied to, with its crew and its main thread. */
  private adopt(parent: Team | undefined, message: ForkMessage): void {
    const { process, crew, thread, copy } = message;
    const { memory } = copy;
    const { kernel } = this;
    if (parent === undefined) return panic("fork: a worker that serves nobody copied a process");
    const { program, options, trace } = parent;
    if (trace !== undefined) keepFile(kernel.memory, trace.file);
    this.traces.begin(Process.id.get(kernel.memory, process), trace);
    const team = this.form(process, crew, { program, memory, options }, trace, new Completion());
    if (copy.memory === undefined) team.content = copy.content;
    else team.lent = copy;
    placeThread(kernel, crew, thread);
    if (this.isClosing) exitProcess(kernel, process, 137, EndReason.killed, 9);
    this.hiring.hire(team);
    // It may have been ended before it came here.
    this.look(team);
  }

  /** Makes the team of a process that has a crew and a main thread. */
  private form(
    process: number,
    crew: number,
    launch: Launch,
    trace: TraceTarget | undefined,
    completion: Completion,
  ): Team {
    const team = createTeam(this.kernel, process, crew, launch, trace, completion, (idle) =>
      this.dissolve(idle),
    );
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
    const hire = () => this.hiring.hire(team);
    team.hostThread = new here.Thread(
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
    await this.pool.close();
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
        for (const team of this.teams.values()) this.hiring.hire(team);
      if ((calls & HostCall.rawWaits) !== 0)
        for (const team of this.teams.values()) team.rawWaits()?.takeUp();
      if ((calls & HostCall.process) !== 0) for (const team of this.teams.values()) this.look(team);
      if ((calls & HostCall.timers) !== 0 || nextTimer !== Infinity)
        nextTimer = this.fireAllTimers();
    }
  }

  /** Fires the interval timers that are due; the milliseconds until the next is. */
  private fireAllTimers(): number {
    const { kernel } = this;
    let next = Infinity;
    for (const { process } of this.teams.values())
      next = Math.min(next, this.fireTimers?.(kernel, process) ?? Infinity);
    return next === Infinity ? next : Math.max(0, next - kernel.clock.monotonicMilliseconds());
  }

  /** Hands the events that wait to the host program. */
  deliverEvents(): void {
    const events = takeEvents(this.kernel.memory, this.kernel.root);
    if (events.length > 0) this.onEvents?.(events);
  }

  private giveUp(team: Team, reason: string): undefined {
    const message = `no worker can be started for a thread: ${reason}`;
    failProcess(this.kernel, team.process, message);
  }

  /** See `PoolEvents`. */
  onMessage(worker: Worker, message: WorkerMessage): void {
    if (message.kind === "posted") worker.crew?.here?.onMessage(message.value);
    else if (message.kind === "forked") this.adopt(worker.crew, message);
  }

  /** See `PoolEvents`. */
  onLeft(worker: Worker, team: Team): void {
    team.workers.delete(worker);
    this.dissolve(team);
  }

  /** A process is ending, or its program is: see that its threads leave, then give its carriers back. */
  private look(team: Team): void {
    const { memory } = this.kernel;
    const state = Process.state.load(memory, team.process);
    if (state === ProcessState.running) return;
    if (team.reaping) return team.lookAgain?.();
    team.reaping = true;
    this.reaping.reap(team).catch((error: unknown) => this.fail(error));
  }

  /** See `PoolEvents`. */
  onDeath(error: Error): boolean {
    this.onCrash?.(error);
    if (!isBroken(this.kernel.memory)) return true;
    void this.abandon();
    return false;
  }

  /** See `PoolEvents`. */
  onBuried(worker: Worker, team: Team, error: Error): void {
    const message = `a worker failed: ${error.message}`;
    failProcess(this.kernel, team.process, message);
    this.reaping.removeDead(team, worker);
    this.look(team);
  }

  /** The host's own part failed: a bug of Weft, after which nothing is to be trusted. */
  private fail(error: unknown): void {
    declareBroken(this.kernel.memory);
    this.onCrash?.(asError(error));
    void this.abandon();
  }

  /** The kernel heap is broken: ends every worker where it is, and touches nothing in the heap any more. */
  async abandon(): Promise<void> {
    this.closed = true;
    unpark(this.kernel.memory, KernelRoot.host.at(this.kernel.root));
    await this.pool.abandon();
  }

  /** The last worker has left: nothing is left to do for the process, or for its program, whose place another takes. */
  private dissolve(team: Team): void {
    const { kernel } = this;
    const { process, trace, completion } = team;
    if (team.workers.size > 0 || !team.isServed) return;
    if (team.rawWaits()?.isIdle === false) return;
    if (!this.reaping.hasLeft(team)) return;
    team.isServed = false;
    this.teams.delete(process);
    destroyCrew(kernel, process, team.crew);
    if (team.lent !== undefined) giveBack(team.lent);
    if (this.beginNext(team)) return;
    this.traces.end(Process.id.get(kernel.memory, process));
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
    const message = "no thread could be made: the kernel's memory is full";
    // Of no effect where the process was ended meanwhile.
    if (!begun) failProcess(kernel, process, message);
    letGo(kernel, process);
    return begun;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
