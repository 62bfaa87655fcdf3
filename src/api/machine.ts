/**
 * A machine: one kernel with its files, processes and carriers.
 *
 * Life: `create` boots it; processes run in it, one after the other or at once, and share its files; `close` ends them, gives everything back and
 * checks that nothing is left.
 */
import type { Host } from "../hosts/port.ts";
import {
  dropProcess,
  dropTerminal,
  giveUpProcess,
  keepTerminal,
  type Kernel,
  KernelRoot,
  Process as Record_,
  WAIT_EVENTS,
} from "../kernel/index.ts";
import type { Program } from "../loader/program.ts";
import { isBroken, readLedger } from "../shm/index.ts";
import { haltKernel } from "../threads/boot.ts";
import type { Launch, ProcessRunner } from "../threads/port.ts";
import { Supervisor } from "../threads/supervisor.ts";
import { dropFile } from "../vfs/index.ts";
import { booting } from "./beginning.ts";
import { WeftError } from "./errors.ts";
import { EventListeners } from "./event-listeners.ts";
import { launchOf } from "./launch.ts";
import type { MachineFiles } from "./files.ts";
import type { FurtherParts } from "./further-parts.ts";
import { failWaits } from "./host-waiter.ts";
import { GuestTree } from "./guest-tree.ts";
import {
  type InitialFiles,
  openInitialFiles,
  type StreamMaker,
  wantsPaths,
  wantsTerminal,
} from "./initial-files.ts";
import type { Journal, JournalReport } from "./journal.ts";
import type { EventOptions, MachineEvent } from "./machine-event.ts";
import type { MakerFactory, MountMaker } from "./mount-sources.ts";
import { dismantleTree } from "./mounts.ts";
import type {
  BytesSource,
  LoadedProgram,
  MachineOptions,
  ProgramSource,
  SpawnOptions,
} from "./options.ts";
import { checkMachineOptions, checkSpawnOptions } from "./option-checks.ts";
import { PipeStreams } from "./pipe-ends.ts";
import type { Process } from "./process.ts";
import { createRecord } from "./process-record.ts";
import type { ProcessResult } from "./process-result.ts";
import { loadProgram } from "./program.ts";
import type { ProgramServer } from "./program-server.ts";
import type { Restoration } from "./restore.ts";
import { makeProcess } from "./started-process.ts";
import type { MachineSnapshots, ProgramFile, SnapshotOptions } from "./snapshot.ts";

export abstract class BaseMachine {
  /** The guest's files, from outside. */
  readonly fs: MachineFiles;

  /** @internal The same files, for the library itself. */
  protected readonly tree: GuestTree;
  protected readonly listeners: EventListeners;
  private readonly processes = new Set<Process>();
  private readonly pipes: PipeStreams;
  private runner: ProcessRunner | undefined;
  private programs: ProgramServer | undefined;
  private readonly maker: MountMaker | undefined;
  /** Resolves when this agent has the calls that few programs make, and `further`. */
  private furtherCalls: Promise<void> | undefined;
  private further: FurtherParts | undefined;
  private crash: Error | undefined;
  private closing: Promise<void> | undefined;
  /** Bytes of the programs, where snapshots may need them. */
  private readonly sources = new Map<Program, ProgramFile>();
  private snapshotPart: MachineSnapshots | undefined;
  private journalPart: Journal | undefined;

  /** @internal */
  protected readonly kernel: Kernel;

  /** @internal Boots a machine on a host: see `create` of the host's own class. */
  protected constructor(
    protected readonly host: Host,
    protected readonly options: MachineOptions,
    private readonly createMaker?: MakerFactory,
    beginning = booting,
  ) {
    checkMachineOptions(options);
    this.kernel = beginning.makeKernel(host, options);
    const takesSnapshots = options.onSnapshot === undefined ? 0 : 1;
    KernelRoot.takesSnapshots.store(this.kernel.memory, this.kernel.root, takesSnapshots);
    KernelRoot.keepsStacksApart.or(this.kernel.memory, this.kernel.root, takesSnapshots);
    this.listeners = new EventListeners(this.kernel, host.loadTrapWords);
    this.tree = new GuestTree(this.kernel);
    this.fs = this.makeFiles(this.tree);
    this.pipes = new PipeStreams(this.kernel);
    this.maker = createMaker?.(this.kernel, host, (operation, path, cause) => {
      this.listeners.tell({ type: "filesystem-error", pid: 0, operation, path, cause });
    });
    beginning.makeTree(this.kernel, this.tree, options, this.maker);
    const directories = new Set<string>();
    for (const [path, content] of Object.entries(options.files ?? {})) {
      const directory = path.slice(0, path.lastIndexOf("/"));
      if (!directories.has(directory)) this.tree.makeDirectories(directory);
      directories.add(directory);
      this.tree.write(path, content);
    }
  }

  /** Reads, checks and compiles a program once, to be run many times. */
  async load(source: BytesSource, name?: string): Promise<LoadedProgram> {
    try {
      return await this.loadAny(source, name);
    } catch (error) {
      // A machine that is closed meanwhile ends what its programs are loaded with.
      this.mustBeOpen();
      throw error;
    }
  }

  private loadAny(source: BytesSource, name?: string): Promise<LoadedProgram> {
    const { onSnapshot, maxMemory } = this.options;
    const keep = (program: Program, itsName: string, bytes: Uint8Array) =>
      this.sources.set(program, { name: itsName, bytes });
    return loadProgram(this.host, source, maxMemory, name, onSnapshot && keep);
  }

  /**
   * Starts a program.
   *
   * @throws WeftError: ERR_PROGRAM_NOT_FOUND, ERR_PROGRAM_INVALID, ERR_OPTION, ERR_LIMIT, ERR_CLOSED
   */
  async spawn(source: ProgramSource, options: SpawnOptions = {}): Promise<Process> {
    this.mustBeOpen();
    const loaded = await this.loadedOf(source);
    return this.launch(loaded, options, (launch) => launch);
  }

  /** @internal Makes a process of a loaded program and starts it as `adjust` has it. Throws as `spawn`. */
  protected async launch(
    loaded: LoadedProgram,
    options: SpawnOptions,
    adjust: (launch: Launch) => Launch,
  ): Promise<Process> {
    checkSpawnOptions(options);
    if (loaded.program.needsFurtherCalls || wantsTerminal(options)) await this.loadFurtherCalls();
    if (loaded.program.takesPaths || wantsPaths(options)) await this.host.loadPathCalls?.();
    if (options.trace !== undefined) await this.host.loadTraces();
    const source = this.sources.get(loaded.program);
    const identity = source && (await this.journalPart?.identify(source.bytes));
    this.mustBeOpen();
    const launch = adjust(launchOf(loaded, this.options.maxThreads));
    const record = createRecord(this.kernel, this.tree, loaded.name, options);
    const { memory } = this.kernel;
    const files = this.openFiles(record, options, loaded);
    Record_.refs.add(memory, record, 1);
    const pid = Record_.id.get(memory, record);
    if (identity !== undefined) this.journalPart?.begin(record, loaded, identity, options);
    // Before the process can end and drop its own count.
    if (files.terminal !== undefined) keepTerminal(memory, files.terminal);
    const served = this.runProcesses().start(record, launch, files.trace);
    if (served === undefined) {
      for (const end of [files.stdin, files.stdout, files.stderr, files.shown]) end?.close();
      if (files.terminal !== undefined) dropTerminal(this.kernel.vfs, files.terminal);
      if (files.trace !== undefined) dropFile(this.kernel.vfs, files.trace.file);
      this.journalPart?.end(pid, 137);
      throw this.abandon(record, 2);
    }
    const { host, kernel, further } = this;
    const { loadTrapWords } = host;
    return this.follow(
      makeProcess({ kernel, loadTrapWords, further }, record, loaded.name, files, served, options),
    );
  }

  private follow(process: Process): Process {
    this.processes.add(process);
    void process.ended.catch(() => {}).finally(() => this.processes.delete(process));
    void this.journalPart?.watch(process, () => this.closing !== undefined);
    return process;
  }

  /** @internal Notes in the journal which processes have ended: for a host program that ends now. */
  noteEnds(): void {
    this.journalPart?.noteEnds(this.processes);
  }

  /** What was found in the journal, where the machine keeps one (option `journal`). */
  get journal(): JournalReport | undefined {
    return this.journalPart?.report;
  }

  /** @internal Goes on from a journal, and keeps it from here on. */
  protected async takeUp(journal: Journal, restoration: Restoration | undefined): Promise<void> {
    await this.loadFurtherCalls();
    const { kernel, host, tree, fs } = this;
    journal.attach({ kernel, host, tree, fs }, restoration?.streams ?? []);
    this.journalPart = journal;
    if (restoration === undefined) return;
    await this.resume(restoration);
    await journal.awaitEnded(this.running);
  }

  /** The processes that the host program started here, or that came from a snapshot, and that run. */
  get running(): readonly Process[] {
    return [...this.processes];
  }

  /** @internal Whether a program is being made ready that a process has asked for. */
  get isLoading(): boolean {
    return this.programs?.isBusy === true;
  }

  /** Starts a program and waits for its end: `spawn` and `wait` in one. */
  async run(source: ProgramSource, options: SpawnOptions = {}): Promise<ProcessResult> {
    return (await this.spawn(source, options)).wait();
  }

  /**
   * Puts the machine into bytes: `Machine.restore` makes one of them that goes on from here. This one goes on too. Processes that live in it are
   * stopped at their next calls meanwhile; their programs must carry asyncify, and the machine have the option `onSnapshot`. A machine that keeps a journal
   * begins it anew with the snapshot.
   *
   * @throws WeftError: ERR_SNAPSHOT, ERR_CLOSED, ERR_HOST
   */
  async snapshot(options: SnapshotOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    this.mustBeOpen();
    return (await this.snapshots()).take(options);
  }

  /** @internal Takes one as if a program had asked for it: `onSnapshot` gets it. Throws as `snapshot`. */
  async offerSnapshot(): Promise<void> {
    return (await this.snapshots()).offer();
  }

  private async snapshots(): Promise<MachineSnapshots> {
    const Snapshots = await this.loadSnapshots();
    return (this.snapshotPart ??= new Snapshots(() => ({
      kernel: this.kernel,
      host: this.host,
      options: this.options,
      mounts: this.createMaker !== undefined,
      furtherCalls: this.furtherCalls !== undefined,
      sources: this.sources,
      runner: this.runner,
      journal: this.journalPart,
      mustBeOpen: () => this.mustBeOpen(),
      onFailure: (cause) => this.listeners.tell({ type: "snapshot-failed", pid: 0, cause }),
      listEnds: () => this.pipes.listFiles(),
      listSpawned: () => this.running,
    })));
  }

  /** @internal Goes on with the processes of a snapshot. */
  protected async resume(restoration: Restoration): Promise<void> {
    try {
      if (restoration.furtherCalls) await this.loadFurtherCalls();
      await restoration.resume({
        load: (bytes, name) => this.loadAny(bytes, name),
        runProcesses: () => this.runProcesses(),
        options: this.options,
        kernel: this.kernel,
        host: this.host,
        pipes: this.pipes,
        further: this.further,
        follow: (process) => void this.follow(process),
      });
    } catch (error) {
      await this.runner?.abandon();
      this.maker?.giveUp();
      throw error;
    }
  }

  /** @internal Makes what the host program looks at files with. Called once, before all else. */
  protected abstract makeFiles(tree: GuestTree): MachineFiles;

  /** @internal What takes snapshots, which few machines need. */
  protected abstract loadSnapshots(): Promise<typeof MachineSnapshots>;

  /** Calls `listener` for everything that happens from now on. Returns a function that ends it. Free while nobody listens. */
  onEvent(
    listener: (event: MachineEvent) => void,
    { waits = false }: EventOptions = {},
  ): () => void {
    // A function of its own for each call: somebody may listen twice with the same.
    return this.listeners.add((event) => listener(event), waits ? -1 : ~WAIT_EVENTS);
  }

  /** Live objects of the kernel by kind: for tests and reports. */
  ledger(): Record<string, number> {
    return readLedger(this.kernel.memory);
  }

  /** Workers alive now, with those kept for the next process. */
  get workerCount(): number {
    return this.runner?.workerCount ?? 0;
  }

  /**
   * Ends every process and every worker and gives everything back.
   *
   * @throws WeftError with code ERR_KERNEL_PANIC when something is left over afterwards: a bug of Weft
   */
  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private crashError(): WeftError {
    return new WeftError("ERR_KERNEL_PANIC", `the kernel failed: ${this.crash?.message}`, {
      cause: this.crash,
    });
  }

  private async closeNow(): Promise<void> {
    if (isBroken(this.kernel.memory)) {
      // Locks may be held for ever: all that can be done is to end what runs.
      await this.runner?.abandon();
      this.journalPart?.giveUpFile();
      throw this.crashError();
    }
    for (const process of this.processes) process.kill();
    await Promise.all([...this.processes].map((process) => process.wait().catch(() => {})));
    await this.runner?.close();
    await this.programs?.close();
    this.runner?.deliverEvents();
    this.pipes.close();
    await this.maker?.close();
    this.journalPart?.close();
    dismantleTree(this.kernel, this.maker);
    haltKernel(this.kernel);
    const left = this.ledger();
    if (this.crash !== undefined) throw this.crashError();
    if (Object.keys(left).length > 0) {
      throw new WeftError(
        "ERR_KERNEL_PANIC",
        `the closed machine holds objects: ${JSON.stringify(left)}`,
      );
    }
  }

  /** @internal @throws WeftError: ERR_CLOSED; ERR_KERNEL_PANIC after a failure of the kernel */
  protected mustBeOpen(): void {
    if (this.closing !== undefined) throw new WeftError("ERR_CLOSED", "the machine is closed");
    if (this.crash !== undefined) throw this.crashError();
  }

  /** @internal Gives this agent the calls that few programs make, and `further`, once. */
  protected loadFurtherCalls(): Promise<void> {
    this.furtherCalls ??= this.takeFurtherCalls();
    return this.furtherCalls;
  }

  private async takeFurtherCalls(): Promise<void> {
    const [install, further] = await Promise.all([
      this.host.loadFurtherCalls(),
      this.loadFurtherParts(),
    ]);
    install(this.kernel);
    this.further = further;
    this.programs = further.serveRunner(this.kernel, this.runProcesses(), {
      load: (bytes, name) => this.loadAny(bytes, name),
      // Most programs that others start are short: the first thread of one that is not may wait for a worker.
      launch: (program) => launchOf(program, this.options.maxThreads, 0),
      onRefused: (pid, path, cause) => {
        this.listeners.tell({ type: "program-refused", pid, path, cause });
      },
    });
  }

  /** @internal What the library itself needs for such programs. */
  protected abstract loadFurtherParts(): Promise<FurtherParts>;

  /** @internal What runs the processes: made when it is first asked for. */
  protected runProcesses(): ProcessRunner {
    if (this.runner === undefined) {
      this.runner = this.createRunner();
      this.runner.onCrash = (error) => {
        this.crash ??= error;
        if (isBroken(this.kernel.memory)) failWaits(this.kernel, this.crashError());
      };
      this.runner.onFileRequests = () => this.maker?.serve();
      this.runner.onSnapshotRequests = () =>
        void this.snapshots().then((snapshots) => snapshots.give());
      this.runner.onEvents = (events) => this.listeners.tellAll(events);
    }
    return this.runner;
  }

  /** @internal Makes what runs the processes. */
  protected createRunner(): ProcessRunner {
    return new Supervisor(this.kernel, this.host.workers, this.options.debug === true);
  }

  /** @internal Loads a program, unless it is loaded. Throws as `load`. */
  protected async loadedOf(source: ProgramSource): Promise<LoadedProgram> {
    if (typeof source === "object" && source !== null && "program" in source) return source;
    return this.load(source);
  }

  /** Gives back a process that got no thread; what to throw. */
  protected abandon(record: number, counts: number): WeftError {
    giveUpProcess(this.kernel, record);
    for (let count = 1; count < counts; count++) dropProcess(this.kernel, record);
    return new WeftError(
      "ERR_LIMIT",
      "no thread could be made: the kernel's memory is full (option maxKernelMemory)",
    );
  }

  /** Opens what a process begins with. Where that fails, gives the process back. */
  protected openFiles(record: number, options: SpawnOptions, loaded: LoadedProgram): InitialFiles {
    const before = this.pipes.mark();
    try {
      const { kernel, host, tree, further } = this;
      const around = { kernel, host, tree, streams: this.streamMaker(), further };
      return openInitialFiles(around, record, {
        ...options,
        isWasix: loaded.program.isWasix,
      });
    } catch (error) {
      this.pipes.closeSince(before);
      giveUpProcess(this.kernel, record);
      throw error;
    }
  }

  /** @internal What makes the streams of processes. */
  protected streamMaker(): StreamMaker {
    return this.pipes;
  }
}
