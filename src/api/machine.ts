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
  dropProcess,
  EventKind,
  installFile,
  type Kernel,
  KernelRoot,
  openPipe,
  Process as Record_,
  setPreopen,
} from "../kernel/index.ts";
import { createGuestMemory } from "../loader/program-memory.ts";
import { isBroken, KernelMemory, LockOrder, readLedger } from "../shm/index.ts";
import { bootKernel, haltKernel } from "../threads/boot.ts";
import type { TraceTarget } from "../threads/messages.ts";
import { Supervisor } from "../threads/supervisor.ts";
import { dropFile, dropInode, Open, OpenFile } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import { MachineFiles } from "./files.ts";
import { failWaits } from "./host-waiter.ts";
import { GuestTree } from "./guest-tree.ts";
import { Input } from "./input.ts";
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
import { Output } from "./output.ts";
import { Process, type ProcessResult } from "./process.ts";
import { loadProgram } from "./program.ts";

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

/** The host's ends of a process's standard streams. */
interface Streams {
  readonly input: Input | undefined;
  readonly stdout: number | undefined;
  readonly stderr: number | undefined;
}

export abstract class BaseMachine {
  /** The guest's files, from outside. */
  readonly fs: MachineFiles;

  private readonly tree: GuestTree;
  private readonly listeners = new Set<(event: MachineEvent) => void>();
  private readonly processes = new Set<Process>();
  /** Outputs that somebody may still read. */
  private readonly outputs = new Set<Output>();
  private supervisor: Supervisor | undefined;
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
    const limits = { processes: options.maxProcesses ?? DEFAULTS.maxProcesses, threads: 2 ** 30 };
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
    return loadProgram(this.host, source, this.options.maxMemory, name);
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
    const served = this.supervise().start(record, loaded.program, guestMemory, {
      threads: this.options.maxThreads ?? DEFAULTS.maxThreads,
      spare: loaded.program.importsThreadSpawn ? 1 : 0,
      trace,
    });
    if (served === undefined) {
      streams.input?.close();
      for (const file of [streams.stdout, streams.stderr, trace?.file])
        if (file !== undefined) dropFile(this.kernel.vfs, file);
      throw this.abandon(record, 2);
    }
    let process: Process | undefined = undefined;
    const overflow = () => process?.kill();
    const output = (file: number | undefined) =>
      file === undefined
        ? undefined
        : this.makeOutput(file, options.maxBuffer ?? DEFAULTS.maxBuffer, overflow);
    process = new Process(
      this.kernel,
      record,
      pid,
      streams.input,
      output(streams.stdout),
      output(streams.stderr),
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
    return this.supervisor?.workerCount ?? 0;
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
      await this.supervisor?.abandon();
      throw this.crashError();
    }
    for (const process of this.processes) process.kill();
    await Promise.all([...this.processes].map((process) => process.wait().catch(() => {})));
    await this.supervisor?.close();
    this.supervisor?.deliverEvents();
    await Promise.all([...this.outputs].map((output) => output.abandon()));
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

  private makeOutput(file: number, mostCollected: number, overflow: () => void): Output {
    const output = new Output(this.kernel, file, mostCollected, overflow, () =>
      this.outputs.delete(output),
    );
    this.outputs.add(output);
    return output;
  }

  protected mustBeOpen(): void {
    if (this.closing !== undefined) throw new WeftError("ERR_CLOSED", "the machine is closed");
    if (this.crash !== undefined) throw this.crashError();
  }

  private supervise(): Supervisor {
    if (this.supervisor === undefined) {
      this.supervisor = new Supervisor(this.kernel, this.host.workers, this.options.debug === true);
      this.supervisor.onCrash = (error) => {
        this.crash ??= error;
        if (isBroken(this.kernel.memory)) failWaits(this.kernel, this.crashError());
      };
      this.supervisor.onEvents = (events) => {
        for (const { kind, pid, tid, detail } of events) {
          const event = { type: EVENT_TYPES[kind], pid, tid, exitCode: detail } as MachineEvent;
          for (const listener of this.listeners) listener(event);
        }
      };
    }
    return this.supervisor;
  }

  private async loadedOf(source: ProgramSource): Promise<LoadedProgram> {
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
  ): { streams: Streams; trace: TraceTarget | undefined } {
    const undo: (() => void)[] = [];
    try {
      const streams = this.openStreams(record, options, isWasix, undo);
      return { streams, trace: this.openTrace(options.trace) };
    } catch (error) {
      for (const step of undo) step();
      dropProcess(this.kernel, record);
      throw error;
    }
  }

  /** Opens descriptors 0, 1, 2 and the preopened directories. `undo` gets what closes the host's ends. */
  private openStreams(
    record: number,
    options: SpawnOptions,
    isWasix: boolean,
    undo: (() => void)[],
  ): Streams {
    const { kernel } = this;
    const { memory, vfs } = kernel;
    const table = Record_.files.get(memory, record);
    const install = (file: number, what: string): void => {
      // A negative one is the errno of what could not be opened.
      const fd = file <= 0 ? -1 : installFile(memory, table, file, ALL_RIGHTS);
      if (fd >= 0) return;
      if (file > 0) dropFile(vfs, file);
      throw new WeftError("ERR_LIMIT", `no room for ${what} (option maxKernelMemory)`);
    };
    let input: Input | undefined;
    const source: InputSource = options.stdin ?? "null";
    if (source === "inherit") install(this.inherit(0, 1), "stdin");
    else {
      const [reader, writer] = openPipe(vfs) ?? [0, 0];
      if (reader !== 0 && source === "terminal") {
        OpenFile.type.set(memory, reader, Filetype.CHARACTER_DEVICE);
      }
      const end = writer === 0 ? undefined : new Input(kernel, writer);
      undo.push(() => end?.close());
      install(reader, "stdin");
      input = end!;
      if (source === "null") input.close();
      else if (source !== "pipe" && source !== "terminal") void feed(input, source);
    }
    const outputs = [options.stdout ?? "pipe", options.stderr ?? "pipe"].map(
      (target: OutputTarget, index) => {
        if (target === "inherit") {
          install(this.inherit(index + 1, 2), index === 0 ? "stdout" : "stderr");
          return undefined;
        }
        if (target === "null") {
          install(this.openNull(), index === 0 ? "stdout" : "stderr");
          return undefined;
        }
        const [reader, writer] = openPipe(vfs) ?? [0, 0];
        if (reader !== 0) undo.push(() => dropFile(vfs, reader));
        install(writer, index === 0 ? "stdout" : "stderr");
        return reader;
      },
    );
    this.openPreopens(record, table, isWasix);
    return {
      input: source === "pipe" || source === "terminal" ? input : undefined,
      stdout: outputs[0],
      stderr: outputs[1],
    };
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

  protected openTrace(trace: SpawnOptions["trace"]): TraceTarget | undefined {
    if (trace === undefined) return undefined;
    if (typeof trace === "object") {
      if (this.host.local === undefined)
        throw new WeftError("ERR_HOST", "this host has no descriptors to trace to");
      return { file: this.host.local.openStream(this.kernel.vfs, trace.descriptor, 2) };
    }
    const ends = openPipe(this.kernel.vfs, 2 ** 20);
    if (ends === undefined)
      throw new WeftError("ERR_LIMIT", "no room for the trace (option maxKernelMemory)");
    const output = this.makeOutput(ends[0], Infinity, () => {});
    void (async () => {
      for await (const line of output.lines()) trace(line);
    })();
    return { file: ends[1] };
  }
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
