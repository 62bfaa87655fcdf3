/** Options of the library: what a machine, a mount and a process are given. */
import type { Program } from "../loader/program.ts";
import type { Mountable } from "./mount-sources.ts";
import type { SnapshotOptions } from "./snapshot.ts";

/** Where the bytes of a program come from: a path or URL, the bytes themselves, an answer of `fetch`. */
export type BytesSource =
  string | URL | Uint8Array | ArrayBuffer | Response | Promise<Uint8Array | ArrayBuffer | Response>;

/** A program: where its bytes come from, or what `load` made of them. */
export type ProgramSource = BytesSource | LoadedProgram;

/** A program that was read, checked and compiled once, to be run many times: see `Machine.load`. */
export interface LoadedProgram {
  readonly name: string;
  /** Belongs to the machine that loaded it. */
  readonly program: Program;
  /** Compiles it for workers that several of its threads share, once. Undefined where none can. @internal */
  readonly shareable?: (() => Promise<Program | undefined>) | undefined;
}

/** A directory in the guest's tree that comes from elsewhere. */
export interface MountOptions {
  /** A directory of the machine that runs Node. */
  readonly hostPath: string;
  /** Refuse every change with EROFS. */
  readonly readOnly?: boolean;
}

/** Options of a machine. */
export interface MachineOptions {
  /**
   * What to mount, by absolute path in the guest: directories of the host by their path, or what `archive`, `memory`, `overlay` and `readOnly`
   * answer. `/` may be one; otherwise it is an empty directory in memory.
   */
  readonly mounts?: Readonly<Record<string, Mountable>>;
  /** Files to put into the guest's tree before anything runs, by absolute path. Directories above them are made. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /**
   * Threads that may live at once in one process. Default: 16,384 where threads can share workers (current Node, Chromium, Firefox), elsewhere 512; more than the host
   * can carry fails with an error of the worker's start.
   */
  readonly maxThreads?: number;
  /** Processes that may live at once. Default 1024. */
  readonly maxProcesses?: number;
  /** Bytes of memory that each program may have. Default: what the program declares, at most 4 GiB. */
  readonly maxMemory?: number;
  /** Bytes that all files in memory, pipes and records of the kernel may take together. Default 1 GiB. */
  readonly maxKernelMemory?: number;
  /**
   * Gets a snapshot of the machine whenever a program asks for one (`proc_snapshot`), when every thread of every process has come to a call. They wait until it
   * returns; it may be asynchronous.
   */
  readonly onSnapshot?: (snapshot: Uint8Array<ArrayBuffer>) => void | Promise<void>;
  /** How these snapshots are taken. */
  readonly snapshotOptions?: SnapshotOptions;
  /**
   * Path of a file in which the machine keeps a journal, and from which it goes on when the file is there: see `Machine.journal`. In Node only; for one machine at a
   * time.
   */
  readonly journal?: string;
  /** Checks of the kernel's own rules, for tests: the order of locks. */
  readonly debug?: boolean;
}

/** Where a process reads its standard input from. */
export type InputSource =
  | "null"
  | "inherit"
  | "pipe"
  | "terminal"
  | { readonly text: string }
  | Uint8Array
  | ReadableStream<Uint8Array>;

/** Where a standard output goes: kept for the library's caller, the host program's own, nowhere, or to the process's terminal. */
export type OutputTarget = "pipe" | "inherit" | "null" | "terminal";

/** The size of a terminal's window: in characters, and in pixels where that is known. */
export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly width?: number;
  readonly height?: number;
}

/** Options of a process. */
export interface SpawnOptions {
  /** Arguments after the program's name. */
  readonly args?: readonly string[];
  /** The program's name, `argv[0]`. Default: the last part of where it comes from. */
  readonly name?: string;
  /** Environment variables. Nothing of the host's environment is passed on by itself. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory in the guest. Default `/`. */
  readonly cwd?: string;
  /**
   * Default "null": end of file at once. "pipe" is written to through `process.stdin`. "terminal" is what is typed through
   * `process.terminal`. With the option `terminal` that is the default, for the outputs too.
   */
  readonly stdin?: InputSource;
  /** Default "pipe". */
  readonly stdout?: OutputTarget;
  /** Default "pipe". */
  readonly stderr?: OutputTarget;
  /** Gives the process a terminal of this size, 80 × 24 unless told: `process.terminal`. A stream that goes to "terminal" does so, too. */
  readonly terminal?: TerminalOptions;
  /** Ends the process when aborted, as `kill` does. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which the process is killed. */
  readonly timeout?: number;
  /** Throw a WeftError with code ERR_EXIT from `wait` when the exit code is not zero. Default: it is a result. */
  readonly check?: boolean;
  /** Most bytes kept of each output that nobody reads; the process is killed beyond. Default 64 MiB. */
  readonly maxBuffer?: number;
  /** Write a line for each call of the guest: to this callback, or a descriptor of the host program. */
  readonly trace?: ((line: string) => void) | { readonly descriptor: number };
}
