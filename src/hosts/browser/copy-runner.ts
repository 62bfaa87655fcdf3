/**
 * Runs processes where a page may not share memory with workers: one at a time, each in a worker on a copy of the kernel heap.
 *
 * The page holds the heap. A process starts when its input is complete: the heap's bytes go to the worker, which runs the process to its end and sends them
 * back. While it runs the page must leave its heap alone, with one exception: a kill. Then the worker is ended, the copy is lost, and the page's own heap,
 * as it was before the run, goes on.
 */
import {
  dropProcess,
  EndReason,
  exitProcess,
  finishThread,
  type Kernel,
  type KernelEvent,
  KernelRoot,
  Process,
  ProcessState,
  takeEvents,
} from "../../kernel/index.ts";
import type { Program } from "../../loader/program.ts";
import {
  notifyQueue,
  parkAsync,
  restoreSnapshot,
  takeSnapshot,
  unpark,
  wakeAll,
} from "../../shm/index.ts";
import type { TraceTarget } from "../../threads/messages.ts";
import type { Launch, ProcessRunner } from "../../threads/port.ts";
import {
  createLoneThread,
  destroyLoneThread,
  type LoneThread,
} from "../../threads/run-in-place.ts";
import { dropFile } from "../../vfs/index.ts";
import type { AgentMessage } from "./messages.ts";
import type { PageWorker } from "./page-worker.ts";
import type { BrowserWorkers } from "./workers.ts";

/** Exit code of a process whose worker failed. */
const FAILED_EXIT = 129;

/** The standard streams of a process that runs on a copy. */
export interface CopyStreams {
  /** All of its input. */
  readonly input: Promise<Uint8Array>;
  /** Gets what is written to descriptor 1, 2 or, for traces, 3. */
  write(descriptor: number, bytes: Uint8Array): void;
  /** Nothing more will be written. */
  end(): void;
}

/** A process on its way: records of the heap, and what is not in it. */
interface Run {
  readonly process: number;
  readonly lone: LoneThread;
  readonly program: Program;
  readonly trace: TraceTarget | undefined;
  readonly streams: CopyStreams;
  /** Resolves when the process is to end before it has run to its end. */
  readonly killed: Promise<undefined>;
}

export class CopyRunner implements ProcessRunner {
  onEvents: ((events: KernelEvent[]) => void) | undefined;
  onCrash: ((error: Error) => void) | undefined;

  private worker: PageWorker | undefined;
  private current: { process: number; done: Promise<void>; kill: () => void } | undefined;
  private closed = false;
  private readonly watching: Promise<void>;

  constructor(
    private readonly kernel: Kernel,
    private readonly workers: BrowserWorkers,
    private readonly streamsOf: (process: number) => CopyStreams,
  ) {
    this.watching = this.watch();
  }

  get workerCount(): number {
    return this.worker === undefined ? 0 : 1;
  }

  /** The caller sees to it that no other process runs. */
  start(
    process: number,
    { program }: Launch,
    trace: TraceTarget | undefined,
  ): Promise<void> | undefined {
    const { kernel } = this;
    const streams = this.streamsOf(process);
    const lone = createLoneThread(kernel, process, program);
    if (lone === undefined) return undefined;
    let kill!: () => void;
    const killed = new Promise<undefined>((resolve) => {
      kill = () => resolve(undefined);
    });
    const run: Run = { process, lone, program, trace, streams, killed };
    const done = this.run(run);
    this.current = { process, done, kill };
    return done;
  }

  async close(): Promise<void> {
    if (this.current !== undefined) {
      exitProcess(this.kernel, this.current.process, 137, EndReason.killed, 9);
      await this.current.done;
    }
    this.closed = true;
    unpark(this.kernel.memory, KernelRoot.host.at(this.kernel.root));
    await this.watching;
    await this.endWorker();
  }

  async abandon(): Promise<void> {
    await this.endWorker();
  }

  deliverEvents(): void {
    const events = takeEvents(this.kernel.memory, this.kernel.root);
    if (events.length > 0) this.onEvents?.(events);
  }

  /** Sleeps until the kernel calls the host: for events, or because the process is to end. */
  private async watch(): Promise<void> {
    const { memory, root } = this.kernel;
    while (!this.closed) {
      await parkAsync(memory, KernelRoot.host.at(root), Infinity);
      KernelRoot.hostCalls.exchange(memory, root, 0);
      this.deliverEvents();
      const { current } = this;
      if (
        current !== undefined &&
        Process.state.load(memory, current.process) !== ProcessState.running
      )
        current.kill();
    }
  }

  private async run(run: Run): Promise<void> {
    const { kernel } = this;
    const { memory } = kernel;
    const { process, lone, trace, streams, killed } = run;
    const input = await Promise.race([streams.input, killed]);
    let back = (): void => {};
    let snapshot: ArrayBuffer | undefined;
    if (input !== undefined) {
      memory.away = new Promise<void>((resolve) => {
        back = resolve;
      });
      try {
        snapshot = await Promise.race([this.runInWorker(run, input), killed]);
      } catch (error) {
        const failure = error instanceof Error ? error : new Error(String(error));
        this.onCrash?.(failure);
        const message = `the worker failed: ${failure.message}`;
        exitProcess(kernel, process, FAILED_EXIT, EndReason.failed, 0, message);
      }
    }
    this.current = undefined;
    memory.away = undefined;
    if (snapshot !== undefined) {
      restoreSnapshot(memory, snapshot);
      this.deliverEvents();
      notifyQueue(memory, Process.changes.at(process));
      wakeAll(memory, KernelRoot.host.at(kernel.root));
    } else {
      if (input !== undefined) void this.endWorker();
      finishThread(kernel, lone.thread, Process.exitCode.get(memory, process) | 0);
    }
    streams.end();
    if (trace !== undefined) dropFile(kernel.vfs, trace.file);
    destroyLoneThread(kernel, process, lone);
    dropProcess(kernel, process);
    back();
  }

  /** Sends the heap to the worker; resolves to the heap after the run, rejects when the worker fails. */
  private runInWorker(run: Run, input: Uint8Array): Promise<ArrayBuffer> {
    const { lone, program, trace, streams } = run;
    const worker = (this.worker ??= this.workers.take());
    return new Promise((resolve, reject) => {
      worker.onDeath = reject;
      worker.onMessage = (message: AgentMessage) => {
        if (message.kind === "output") streams.write(message.descriptor, message.bytes);
        else if (message.kind === "ran") resolve(message.snapshot);
        else if (message.kind === "crashed") reject(new Error(message.message));
      };
      const snapshot = takeSnapshot(this.kernel.memory);
      worker.post({ kind: "run", snapshot, lone, program, input, trace }, [snapshot]);
    });
  }

  private async endWorker(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    if (worker !== undefined) {
      worker.onMessage = () => {};
      await worker.terminate();
    }
  }
}
