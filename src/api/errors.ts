/** Errors of the library: each has a code to branch on, a message that names the thing, and the cause. */

export type WeftErrorCode =
  /** The program could not be read from where it is said to be. */
  | "ERR_PROGRAM_NOT_FOUND"
  /** The program cannot be run; `cause` is the loader's error with a code of its own. */
  | "ERR_PROGRAM_INVALID"
  /** The program cannot be given asyncify; the message says why and what to do. */
  | "ERR_INSTRUMENT"
  /** An option makes no sense; the message names it. */
  | "ERR_OPTION"
  /** A directory cannot be mounted. */
  | "ERR_MOUNT"
  /** A file operation failed; `errno` has its POSIX name. */
  | "ERR_FILE"
  /** A machine cannot be put into a snapshot, or bytes cannot be restored; the message says why. */
  | "ERR_SNAPSHOT"
  /** A journal cannot be read; the message says why. */
  | "ERR_JOURNAL"
  /** The machine is closed. */
  | "ERR_CLOSED"
  /** A limit of the machine was reached: processes, threads, memory. */
  | "ERR_LIMIT"
  /** The process ended with a non-zero code and the caller asked for an exception. */
  | "ERR_EXIT"
  /** What a process was to read failed to come; `cause` is why. */
  | "ERR_INPUT"
  /** The host lacks something that this needs. */
  | "ERR_HOST"
  /** A broken invariant of the kernel: a bug of Weft. */
  | "ERR_KERNEL_PANIC";

export class WeftError extends Error {
  override readonly name = "WeftError";

  constructor(
    readonly code: WeftErrorCode,
    message: string,
    options: { cause?: unknown; errno?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.errno = options.errno;
  }

  /** The POSIX name of the system's error, such as ENOENT, where there is one. */
  readonly errno: string | undefined;
}
