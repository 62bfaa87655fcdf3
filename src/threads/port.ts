/** What this floor needs from the host: workers, and time. And what it offers the library: a runner of processes. */
import type { Kernel, KernelEvent } from "../kernel/index.ts";
import type { GivenImports } from "../loader/instance.ts";
import type { Program } from "../loader/program.ts";
import type { HostThread } from "./host-thread.ts";
import type { BindMessage, TraceTarget, WorkerMessage, WorkerStart } from "./messages.ts";

/** A worker as its starter sees it. */
export interface WorkerHandle {
  post(message: BindMessage): void;
  /** Whether it was started with less than workers are by now: it must not be bound any more. */
  isOutdated(): boolean;
  /** Ends the worker wherever it is. Resolves when it runs no more. */
  terminate(): Promise<void>;
  /** Whether the worker keeps the host program alive. */
  setKeepsAlive(keep: boolean): void;
}

/** Workers of a host, and its time. */
export interface WorkerHost {
  /**
   * Starts a worker.
   *
   * @param onMessage gets its messages; @param onDeath is called when it ended without being asked to
   */
  startWorker(
    start: WorkerStart,
    onMessage: (message: WorkerMessage) => void,
    onDeath: (error: Error) => void,
  ): WorkerHandle;
  /** Resolves after some milliseconds. Keeps the host program alive meanwhile. */
  delay(milliseconds: number): Promise<void>;
  /** How many threads can really run at once. */
  readonly parallelism: number;
}

/** A program that is ready to run in a process, and how. */
export interface Launch {
  readonly program: Program;
  /** The memory that its instances share, when the program imports one. */
  readonly memory: WebAssembly.Memory | undefined;
  readonly options: RunOptions;
  /** Where the program is instantiated on the host program's agent instead of being run. */
  readonly here?: HostPart;
}

/** What the host program gives a program that it instantiates. */
export interface HostPart {
  /** What makes the instance, a part that few host programs need. */
  readonly Thread: typeof HostThread;
  readonly imports: GivenImports;
  /** Address of a module that gives the imports of threads. */
  readonly threadImports: string | undefined;
  /** Takes what that module posts. */
  onMessage(value: unknown): void;
}

/** How a process is run. */
export interface RunOptions {
  /** Threads that may live at once, the main one included. */
  threads: number;
  /** Workers that may serve it at once, where each thread needs one. */
  workers: number;
  /** Carriers to have ready when the program is likely to make threads. */
  spare: number;
  /** Compiles the program for carriers that several of its threads share; undefined where none can, or the promise's value. */
  shareable?: (() => Promise<Program | undefined>) | undefined;
}

/** A process that runs, as far as the kernel heap does not tell it. */
export interface RunningProcess {
  readonly process: number;
  readonly crew: number;
  readonly program: Program;
  /** The memory that its instances share, if they do. */
  readonly memory: WebAssembly.Memory | undefined;
  /** The open file that its trace goes to, with a count, or 0. */
  readonly trace: number;
}

/** Runs the processes of a machine: the supervisor, or what a host has where memory cannot be shared. */
export interface ProcessRunner {
  /** Is called when a guest asks a filesystem whose code runs in the host program. */
  onFileRequests?: (() => void) | undefined;
  /** Workers alive, for tests and reports. */
  readonly workerCount: number;
  /** Gets events when any are wanted (`KernelRoot.eventMask`). */
  onEvents: ((events: KernelEvent[]) => void) | undefined;
  /** Gets the failure of a worker that is no guest's fault. */
  onCrash: ((error: Error) => void) | undefined;
  /**
   * Starts a process's main thread.
   *
   * @param process with a count, which the runner takes over; likewise the trace's file
   * @returns resolves when the process has ended and nothing runs for it any more; undefined, and nothing was taken over, where there is no room, or the
   *   process has ended before it began
   */
  start(process: number, launch: Launch, trace: TraceTarget | undefined): Promise<void> | undefined;
  /**
   * Starts a child, with the trace of its parent. Parameters as `start`.
   *
   * @returns whether it runs
   */
  startChild?(parent: number, process: number, launch: Launch): boolean;
  /** Keeps a program ready for the place of a process's own; its number, or 0 when the process runs no more. */
  keepReady?(process: number, launch: Launch): number;
  /** The main thread of a process whose program is instantiated here. */
  hostThreadOf?(process: number): HostThread | undefined;
  /** Is called when a guest asks for a program to be run. */
  onProgramRequests?: (() => void) | undefined;
  /** Is called when a guest asks for a snapshot. */
  onSnapshotRequests?: (() => void) | undefined;
  /** Fires the interval timers of a process that are due; when the next is, or Infinity. Given with the calls that set them. */
  fireTimers?: ((kernel: Kernel, process: number) => number) | undefined;
  /** The processes that run. */
  listRunning?(): RunningProcess[];
  /**
   * Goes on with a process of a snapshot, the stacks of whose threads are data. Takes over a count of it.
   *
   * @returns as `start`
   */
  resume?(process: number, launch: Launch): Promise<void>;
  /** Addresses of the records of its workers. */
  listCarriers?(): number[];
  /** Hands the events that wait to the host program. */
  deliverEvents(): void;
  /** Ends every process and every worker; resolves when nothing runs any more. */
  close(): Promise<void>;
  /** The kernel heap is broken: ends every worker and touches the heap no more. */
  abandon(): Promise<void>;
}
