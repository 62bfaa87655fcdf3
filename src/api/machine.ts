/**
 * A machine: one kernel with its files, processes and carriers.
 *
 * Life: `create` boots it; processes run in it, one after the other or at once, and share its files; `close` ends them, gives everything back and
 * checks that nothing is left.
 */
import { Filetype } from "../abi/enums.ts";
import { errnoName } from "../abi/errno.ts";
import type { Host } from "../hosts/port.ts";
import {
  ALL_RIGHTS,
  createProcess,
  createTerminal,
  dropProcess,
  dropTerminal,
  EventKind,
  installFile,
  isTerminal,
  keepTerminal,
  type Kernel,
  KernelRoot,
  openPipe,
  openTerminal as openTerminalFile,
  Process as Record_,
  setPreopen,
} from "../kernel/index.ts";
import { createGuestMemory } from "../loader/program-memory.ts";
import { isBroken, KernelMemory, LockOrder, readLedger } from "../shm/index.ts";
import { bootKernel, haltKernel } from "../threads/boot.ts";
import type { TraceTarget } from "../threads/messages.ts";
import type { ProcessRunner } from "../threads/port.ts";
import { Supervisor } from "../threads/supervisor.ts";
import { dropFile, dropInode, keepFile, Open, OpenFile } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import { MachineFiles } from "./files.ts";
import { failWaits } from "./host-waiter.ts";
import { GuestTree } from "./guest-tree.ts";
import { type ByteSink, Input } from "./input.ts";
import { buildTree, dismantleTree } from "./mounts.ts";
import type {
  BytesSource,
  InputSource,
  LoadedProgram,
  MachineOptions,
  OutputTarget,
  ProgramSource,
  SpawnOptions,
} from "./options.ts";
import { type ByteSource, Output } from "./output.ts";
import { PipeReader, PipeWriter } from "./pipe-ends.ts";
import { Process, type ProcessResult } from "./process.ts";
import { loadProgram } from "./program.ts";
import { Terminal } from "./terminal.ts";

/** Something that happened in a machine. */
export type MachineEvent =
  | {
      readonly type: "thread-created" | "thread-started";
      readonly pid: number;
      readonly tid: number;
    }
  | {
      readonly type: "thread-finished";
      readonly pid: number;
      readonly tid: number;
      readonly exitCode: number;
    }
  | { readonly type: "process-ended"; readonly pid: number; readonly exitCode: number }
  /** Something happened after which the program is not to be trusted: a trap, a non-zero exit code. */
  | {
      readonly type: "taint";
      readonly pid: number;
      readonly tid: number;
      readonly exitCode: number;
    };

const EVENT_TYPES: Readonly<Record<number, MachineEvent["type"]>> = {
  [EventKind.threadCreated]: "thread-created",
  [EventKind.threadStarted]: "thread-started",
  [EventKind.threadFinished]: "thread-finished",
  [EventKind.processEnded]: "process-ended",
  [EventKind.taint]: "taint",
};

/** Directories of the root that are preopened for programs of preview 1 at most. */
const MOST_PREOPENS = 256;

const DEFAULTS = {
  maxThreads: 512,
  maxProcesses: 1024,
  maxKernelMemory: 2 ** 30,
  maxBuffer: 64 * 2 ** 20,
};

/** What traces are written to, and the bytes that wait at most: lines beyond are lost. */
const TRACE = 3;
const TRACE_ROOM = 2 ** 20;

const NO_ROOM = "no room for standard streams (option maxKernelMemory)";

export abstract class BaseMachine {
  /** The guest's files, from outside. */
  readonly fs: MachineFiles;

  /** @internal */
  protected readonly tree: GuestTree;
  private readonly listeners = new Set<(event: MachineEvent) => void>();
  private readonly processes = new Set<Process>();
  /** Ends of pipes that the host program holds and has not closed. */
  private readonly pipeEnds = new Set<{ close(): void }>();
  private runner: ProcessRunner | undefined;
  private readonly mounts: readonly number[];
  private crash: Error | undefined;
  private closing: Promise<void> | undefined;

  /** @internal */
  protected readonly kernel: Kernel;

  /** @internal Boots a machine on a host: see `create` of the host's own class. */
  protected constructor(
    protected readonly host: Host,
    protected readonly options: MachineOptions,
  ) {
    const memory = KernelMemory.create(host.mayBlock, {
      limit: options.maxKernelMemory ?? DEFAULTS.maxKernelMemory,
      ...(options.debug === true ? { lockOrder: new LockOrder() } : {}),
    });
    const limits = {
      processes: options.maxProcesses ?? DEFAULTS.maxProcesses,
      threads: 2 ** 30,
      cores: host.workers.parallelism,
      ...(options.maxMemory === undefined ? {} : { programMemory: options.maxMemory }),
    };
    this.kernel = bootKernel(memory, host.clock, host.randomness, limits, host.local);
    this.tree = new GuestTree(this.kernel);
    this.fs = new MachineFiles(this.tree);
    this.mounts = buildTree(this.kernel, host, this.tree, options.mounts ?? {});
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
      return await loadProgram(this.host, source, this.options.maxMemory, name);
    } catch (error) {
      // A machine that is closed meanwhile ends what its programs are loaded with.
      this.mustBeOpen();
      throw error;
    }
  }

  /**
   * Starts a program.
   *
   * @throws WeftError: ERR_PROGRAM_NOT_FOUND, ERR_PROGRAM_INVALID, ERR_OPTION, ERR_LIMIT, ERR_CLOSED
   */
  async spawn(source: ProgramSource, options: SpawnOptions = {}): Promise<Process> {
    this.mustBeOpen();
    const loaded = await this.loadedOf(source);
    this.mustBeOpen();
    const guestMemory = this.guestMemoryFor(loaded);
    const record = this.createRecord(loaded, options);
    const { memory } = this.kernel;
    const { streams, trace } = this.openFiles(record, options, loaded.program.isWasix);
    Record_.refs.add(memory, record, 1);
    const pid = Record_.id.get(memory, record);
    // Before the process can end and drop its own count.
    if (streams.terminal !== undefined) keepTerminal(memory, streams.terminal);
    const served = this.runProcesses().start(record, loaded.program, guestMemory, {
      threads: this.options.maxThreads ?? DEFAULTS.maxThreads,
      spare: loaded.program.importsThreadSpawn ? 1 : 0,
      shareable: loaded.shareable,
      trace,
    });
    if (served === undefined) {
      for (const end of [streams.input, streams.stdout, streams.stderr, streams.shown])
        end?.close();
      if (streams.terminal !== undefined) dropTerminal(this.kernel.vfs, streams.terminal);
      if (trace !== undefined) dropFile(this.kernel.vfs, trace.file);
      throw this.abandon(record, 2);
    }
    let process: Process | undefined = undefined;
    const overflow = () => process?.kill();
    const output = (source: ByteSource | undefined) =>
      source === undefined
        ? undefined
        : new Output(source, options.maxBuffer ?? DEFAULTS.maxBuffer, overflow);
    const terminal =
      streams.terminal === undefined
        ? undefined
        : new Terminal(
            this.kernel,
            streams.terminal,
            streams.shown,
            (source) => output(source)!,
            (signal) => process?.signal(signal),
          );
    process = new Process(
      this.kernel,
      record,
      pid,
      terminal !== undefined && isTypedInto(options) ? new Input(terminal.asSink()) : streams.input,
      output(streams.stdout),
      output(streams.stderr),
      terminal,
      served,
      {
        check: options.check === true,
        timeout: options.timeout,
        signal: options.signal,
        name: loaded.name,
      },
    );
    const kept = process;
    this.processes.add(kept);
    void kept.ended.catch(() => {}).finally(() => this.processes.delete(kept));
    return process;
  }

  /** Starts a program and waits for its end: `spawn` and `wait` in one. */
  async run(source: ProgramSource, options: SpawnOptions = {}): Promise<ProcessResult> {
    return (await this.spawn(source, options)).wait();
  }

  /** Calls `listener` for everything that happens from now on. Returns a function that ends it. Free while nobody listens. */
  onEvent(listener: (event: MachineEvent) => void): () => void {
    this.listeners.add(listener);
    KernelRoot.eventMask.store(this.kernel.memory, this.kernel.root, -1);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0)
        KernelRoot.eventMask.store(this.kernel.memory, this.kernel.root, 0);
    };
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
      throw this.crashError();
    }
    for (const process of this.processes) process.kill();
    await Promise.all([...this.processes].map((process) => process.wait().catch(() => {})));
    await this.runner?.close();
    this.runner?.deliverEvents();
    for (const end of this.pipeEnds) end.close();
    dismantleTree(this.kernel, this.host, this.mounts);
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

  protected mustBeOpen(): void {
    if (this.closing !== undefined) throw new WeftError("ERR_CLOSED", "the machine is closed");
    if (this.crash !== undefined) throw this.crashError();
  }

  private runProcesses(): ProcessRunner {
    if (this.runner === undefined) {
      this.runner = this.createRunner();
      this.runner.onCrash = (error) => {
        this.crash ??= error;
        if (isBroken(this.kernel.memory)) failWaits(this.kernel, this.crashError());
      };
      this.runner.onEvents = (events) => {
        for (const { kind, pid, tid, detail } of events) {
          const event = { type: EVENT_TYPES[kind], pid, tid, exitCode: detail } as MachineEvent;
          for (const listener of this.listeners) listener(event);
        }
      };
    }
    return this.runner;
  }

  /** @internal */
  protected createRunner(): ProcessRunner {
    return new Supervisor(this.kernel, this.host.workers, this.options.debug === true);
  }

  /** @internal */
  protected async loadedOf(source: ProgramSource): Promise<LoadedProgram> {
    if (typeof source === "object" && "program" in source) return source;
    return this.load(source);
  }

  protected guestMemoryFor(loaded: LoadedProgram): WebAssembly.Memory | undefined {
    // A memory that is not shared cannot be sent to a worker: the one that runs the program makes it.
    if (!loaded.program.hasSharedMemory) return undefined;
    try {
      return createGuestMemory(loaded.program);
    } catch (cause) {
      throw new WeftError("ERR_LIMIT", cause instanceof Error ? cause.message : String(cause), {
        cause,
      });
    }
  }

  /** Gives back a process that got no thread; what to throw. */
  protected abandon(record: number, counts: number): WeftError {
    for (let count = 0; count < counts; count++) dropProcess(this.kernel, record);
    return new WeftError(
      "ERR_LIMIT",
      "no thread could be made: the kernel's memory is full (option maxKernelMemory)",
    );
  }

  /** Makes the process's record with its working directory and the descriptor 3 for `/`. */
  protected createRecord(loaded: LoadedProgram, options: SpawnOptions): number {
    const { kernel } = this;
    const { memory, root, vfs } = kernel;
    const rootDirectory = KernelRoot.rootInode.get(memory, root);
    const cwd = options.cwd ?? "/";
    const strings = [options.name ?? loaded.name, ...(options.args ?? [])];
    const environment = Object.entries(options.env ?? {}).map(([name, value]) => {
      if (name === "" || name.includes("="))
        throw new WeftError("ERR_OPTION", `env: ${JSON.stringify(name)} is no name of a variable`);
      return `${name}=${value}`;
    });
    const bad = [...strings, ...environment].find((text) => text.includes("\0"));
    if (bad !== undefined)
      throw new WeftError(
        "ERR_OPTION",
        `args and env: ${JSON.stringify(bad)} holds a NUL character`,
      );
    const workingDirectory = this.tree.findDirectory(cwd);
    const record = createProcess(kernel, {
      arguments: strings,
      environment,
      rootDirectory,
      workingDirectory,
      workingPath: cwd,
      parent: 0,
    });
    dropInode(vfs, workingDirectory);
    if (record < 0) {
      throw new WeftError("ERR_LIMIT", `no process could be made: ${errnoName(-record)}`, {
        errno: errnoName(-record),
      });
    }
    return record;
  }

  /** Opens what a process begins with and what its outputs and trace are read through. Where that fails, gives it back, and the process too. */
  protected openFiles(
    record: number,
    options: SpawnOptions,
    isWasix: boolean,
  ): { streams: ReturnType<BaseMachine["openStreams"]>; trace: TraceTarget | undefined } {
    const before = new Set(this.pipeEnds);
    try {
      const streams = this.openStreams(record, options, isWasix);
      return { streams, trace: this.openTrace(record, options.trace) };
    } catch (error) {
      for (const end of [...this.pipeEnds]) if (!before.has(end)) end.close();
      dropProcess(this.kernel, record);
      throw error;
    }
  }

  /** Opens descriptors 0, 1, 2 and the preopened directories. */
  protected openStreams(
    record: number,
    options: SpawnOptions,
    isWasix: boolean,
  ): {
    input: Input | undefined;
    stdout: ByteSource | undefined;
    stderr: ByteSource | undefined;
    terminal: number | undefined;
    shown: ByteSource | undefined;
  } {
    const { kernel } = this;
    const { memory } = kernel;
    const table = Record_.files.get(memory, record);
    const install = (file: number, what: string): void => {
      // A negative one is the errno of what could not be opened.
      const fd = file <= 0 ? -1 : installFile(memory, table, file, ALL_RIGHTS);
      if (fd >= 0) return;
      if (file > 0) dropFile(kernel.vfs, file);
      throw new WeftError("ERR_LIMIT", `no room for ${what} (option maxKernelMemory)`);
    };
    let input: Input | undefined;
    const hasTerminal = options.terminal !== undefined;
    const source: InputSource = options.stdin ?? (hasTerminal ? "terminal" : "null");
    const targets = [options.stdout, options.stderr].map(
      (target): OutputTarget => target ?? (hasTerminal ? "terminal" : "pipe"),
    );
    const shows = targets.includes("terminal");
    const made =
      hasTerminal || source === "terminal" || shows
        ? this.openTerminal(record, options, shows)
        : undefined;
    if (source === "inherit") install(this.inherit(0, 1), "stdin");
    else if (source === "terminal" && made !== undefined) {
      install(openTerminalFile(memory, made.terminal, Open.read, 0), "stdin");
    } else {
      const { file, sink } = this.openInput(record);
      install(file, "stdin");
      input = new Input(sink);
      if (source === "null") input.close();
      else if (source !== "pipe" && source !== "terminal") void feed(input, source);
    }
    const outputs = targets.map((target: OutputTarget, index) => {
      if (target === "terminal" && made !== undefined) {
        install(keepFile(memory, made.output), index === 0 ? "stdout" : "stderr");
        return undefined;
      }
      if (target === "inherit") {
        install(this.inherit(index + 1, 2), index === 0 ? "stdout" : "stderr");
        return undefined;
      }
      if (target === "null") {
        install(this.openNull(), index === 0 ? "stdout" : "stderr");
        return undefined;
      }
      const { file, source: bytes } = this.openOutput(record, index + 1);
      install(file, index === 0 ? "stdout" : "stderr");
      return bytes;
    });
    this.openPreopens(record, table, isWasix);
    return {
      input: source === "pipe" ? input : undefined,
      stdout: outputs[0],
      stderr: outputs[1],
      terminal: made?.terminal,
      shown: made?.source,
    };
  }

  /**
   * Makes a process's terminal. What shows it is a pipe, or else the first output of the process that is a terminal of the host.
   *
   * @returns the record, whose count belongs to the process; the open file that shows it, or 0, without a count; what is shown
   * @throws WeftError ERR_LIMIT
   */
  protected openTerminal(
    record: number,
    options: SpawnOptions,
    shows: boolean,
  ): { terminal: number; output: number; source: ByteSource | undefined } | undefined {
    const { memory, vfs } = this.kernel;
    let output = 0;
    let reader: ByteSource | undefined;
    if (shows) {
      const { file, source } = this.openOutput(record, 1);
      OpenFile.type.set(memory, file, Filetype.CHARACTER_DEVICE);
      output = file;
      reader = source;
    } else {
      for (const descriptor of [1, 2]) {
        const target = descriptor === 1 ? options.stdout : options.stderr;
        if (output !== 0 || target !== "inherit") continue;
        const file = this.inherit(descriptor, 2);
        if (file > 0 && isTerminal(vfs, file)) output = file;
        else if (file > 0) dropFile(vfs, file);
      }
    }
    const size = { columns: 80, rows: 24, width: 0, height: 0, ...options.terminal };
    const terminal = createTerminal(memory, size, output);
    if (terminal === 0) {
      if (output !== 0) dropFile(vfs, output);
      throw new WeftError("ERR_LIMIT", NO_ROOM);
    }
    Record_.terminal.set(memory, record, terminal);
    return {
      terminal,
      output,
      source: reader,
    };
  }

  /**
   * Makes the two ends of an input: the guest's open file, and the host program's. @internal
   *
   * @throws WeftError ERR_LIMIT
   */
  protected openInput(_record: number): { file: number; sink: ByteSink } {
    const ends = openPipe(this.kernel.vfs);
    if (ends === undefined) throw new WeftError("ERR_LIMIT", NO_ROOM);
    return { file: ends[0], sink: new PipeWriter(this.kernel, ends[1], this.pipeEnds) };
  }

  /** The same for an output: descriptor 1, 2, or 3 for a trace. @internal */
  protected openOutput(_record: number, descriptor: number): { file: number; source: ByteSource } {
    const ends = openPipe(this.kernel.vfs, descriptor === TRACE ? TRACE_ROOM : undefined);
    if (ends === undefined) throw new WeftError("ERR_LIMIT", NO_ROOM);
    return { file: ends[1], source: new PipeReader(this.kernel, ends[0], this.pipeEnds) };
  }

  private inherit(descriptor: number, access: 1 | 2): number {
    if (this.host.local === undefined)
      throw new WeftError("ERR_HOST", 'this host has no standard streams to "inherit"');
    return this.host.local.openStream(this.kernel.vfs, descriptor, access);
  }

  private openNull(): number {
    return this.tree.open("/dev/null", Open.write);
  }

  /**
   * Opens the directories that the C library finds its way by. `/` is descriptor 3. The library of preview 1 has no working directory and takes the last
   * preopened `.` for relative paths, but drops the leading slash of absolute ones first, so that `.` would catch these as well: with another working
   * directory than `/`, each directory in the root is preopened too and, having the longer name, wins.
   */
  private openPreopens(record: number, table: number, isWasix: boolean): void {
    const { memory, vfs } = this.kernel;
    const root = KernelRoot.rootInode.get(memory, this.kernel.root);
    const working = Record_.workingDirectory.get(memory, record);
    this.preopen(table, "/", root);
    if (isWasix || working === root) return;
    for (const { name, type } of this.tree.list("/").slice(0, MOST_PREOPENS)) {
      if (type !== Filetype.DIRECTORY && type !== Filetype.SYMBOLIC_LINK) continue;
      let directory: number;
      try {
        directory = this.tree.findDirectory("/" + name);
      } catch {
        // A link to something else, or a directory that may not be opened: nothing is reached through it.
        continue;
      }
      try {
        this.preopen(table, "/" + name, directory);
      } finally {
        dropInode(vfs, directory);
      }
    }
    this.preopen(table, ".", working);
  }

  private preopen(table: number, name: string, directory: number): void {
    const { memory, vfs } = this.kernel;
    const file = vfs.filesystemOf(directory).openDirectory(vfs, directory, 0);
    const fd = file < 0 ? file : installFile(memory, table, file, ALL_RIGHTS);
    if (fd < 0 && file > 0) dropFile(vfs, file);
    if (fd < 0)
      throw new WeftError("ERR_LIMIT", `the directory ${name} cannot be opened: ${errnoName(-fd)}`);
    setPreopen(memory, table, fd, new TextEncoder().encode(name));
  }

  protected openTrace(record: number, trace: SpawnOptions["trace"]): TraceTarget | undefined {
    if (trace === undefined) return undefined;
    if (typeof trace === "object") {
      if (this.host.local === undefined)
        throw new WeftError("ERR_HOST", "this host has no descriptors to trace to");
      return { file: this.host.local.openStream(this.kernel.vfs, trace.descriptor, 2) };
    }
    const { file, source } = this.openOutput(record, TRACE);
    const output = new Output(source, Infinity, () => {});
    void (async () => {
      for await (const line of output.lines()) trace(line);
    })();
    return { file };
  }
}

/** Whether the process's standard input is its terminal. */
function isTypedInto({ stdin, terminal }: SpawnOptions): boolean {
  return (stdin ?? (terminal === undefined ? "null" : "terminal")) === "terminal";
}

/** Writes a source to an input and ends it; a program that stops reading is no error. */
async function feed(input: Input, source: Exclude<InputSource, string>): Promise<void> {
  try {
    if (source instanceof Uint8Array) await input.write(source);
    else if ("text" in source) await input.write(source.text);
    else
      for await (const chunk of source as unknown as AsyncIterable<Uint8Array>)
        await input.write(chunk);
  } catch {
    // The program reads no more: what is left is for nobody.
  } finally {
    input.close();
  }
}
