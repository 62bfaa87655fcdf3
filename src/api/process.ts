/** A process of a machine, as the host program sees it. */
import {
  EndReason,
  exitProcess,
  exitSession,
  isEnding,
  isIgnoredByDefault,
  isSignalQueued,
  sendSignal,
  stopsByDefault,
  visitSession,
  Process as Record_,
  ProcessChange,
  ProcessState,
  type Kernel,
} from "../kernel/index.ts";
import { RAW_TRAP } from "../loader/trap.ts";
import { isBroken } from "../shm/index.ts";
import { WeftError } from "./errors.ts";
import { waitForQueue } from "./host-waiter.ts";
import type { Input } from "./input.ts";
import type { Output } from "./output.ts";
import { describeEnd, type ProcessResult, takeResult } from "./process-result.ts";
import type { Terminal } from "./terminal.ts";

/** Signals that `kill` and `signal` know by name. */
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGWINCH: 28,
};

/** How long a signal may wait for a program that handles signals, in milliseconds. */
const UNTAKEN = 2000;

/** Milliseconds that timers of hosts go up to; longer ones end at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

function numberOf(call: string, signal: string | number): number {
  const number = typeof signal === "number" ? signal : SIGNALS[signal];
  if (number === undefined || number < 1 || number > 31)
    throw new WeftError("ERR_OPTION", `${call}: unknown signal ${signal}`);
  return number;
}

export class Process {
  /** @internal How it ended; unlike `wait` it leaves the outputs to their readers. */
  readonly ended: Promise<ProcessResult>;
  private timedOut = false;
  private excess: string | undefined;
  private aborted = false;
  /** It has ended; and so have its outputs, which those that descend from it may write to longer. */
  private finished = false;
  private settled = false;
  /** Waits for steps of its end: they need the record. */
  private readonly waits = new Set<Promise<unknown>>();
  private untaken: ReturnType<typeof setTimeout> | undefined;

  /** @internal Takes over a count of the record. */
  constructor(
    private readonly kernel: Kernel,
    /** @internal */
    readonly record: number,
    /** The number of the process. */
    readonly pid: number,
    /** Its standard input, when it was spawned with `stdin: "pipe"`. */
    readonly stdin: Input | undefined,
    /** Its outputs, unless they go elsewhere. */
    readonly stdout: Output | undefined,
    readonly stderr: Output | undefined,
    /** Its terminal, when it was spawned with one. */
    readonly terminal: Terminal | undefined,
    private readonly served: Promise<void>,
    /** Resolves when all lines of its trace were delivered; rejects with what their callback threw. */
    private readonly traced: Promise<void>,
    /** @internal */
    readonly options: {
      check: boolean;
      timeout: number | undefined;
      signal: AbortSignal | undefined;
      name: string;
      /** Loads what puts the trap that ended it into words. */
      loadTrapWords: () => Promise<(raw: string) => string>;
      /** Its standard input, where that is read from a source. */
      fed: Input | undefined;
    },
  ) {
    this.ended = this.follow();
    this.ended.catch(() => {});
  }

  /**
   * Resolves when the process has ended, all it held was given back, and its trace was delivered.
   *
   * @throws WeftError with code ERR_EXIT when it was spawned with `check` and did not exit with 0
   */
  async wait(): Promise<ProcessResult> {
    this.stdout?.collectIfUnread();
    this.stderr?.collectIfUnread();
    return this.ended;
  }

  /**
   * Resolves when the end of the process is decided, with how it ended but without its outputs. Its threads may still be on their way out: a call of
   * the host that does not return holds them up, and nothing can end such a call but the end of the host program.
   */
  exiting(): Promise<ProcessResult> {
    return this.reach(ProcessChange.exiting);
  }

  /** Resolves likewise when its last thread has left: nothing of the program runs any more, while its workers may be busy with leaving it. */
  exited(): Promise<ProcessResult> {
    return this.reach(ProcessChange.ended);
  }

  /**
   * Ends the process: every thread, whatever it does, and all processes that descend from it. A no-op when they have ended.
   *
   * @param signal a name such as "SIGTERM", or a number: what the result says ended it; the guest's handlers do not run
   */
  kill(signal: string | number = "SIGKILL"): void {
    const number = numberOf("kill", signal);
    if (this.settled || isBroken(this.kernel.memory)) return;
    exitSession(this.kernel, this.pid, 128 + number, EndReason.killed, number);
    this.stdin?.close();
  }

  /**
   * Sends a signal, as kill(2) of a system does: a program that handles signals gets it; any other does what is the signal's default, which for
   * most is to end. A program that does not take a signal of that kind within two seconds, since it computes without a call, is ended by it.
   *
   * @param signal a name such as "SIGINT", or a number
   */
  signal(signal: string | number): void {
    const number = numberOf("signal", signal);
    if (this.finished || isBroken(this.kernel.memory)) return;
    sendSignal(this.kernel, this.record, number);
    this.endIfUntaken(number);
  }

  /** @internal The same for the process and all that descend from it, as a terminal does with what is typed at it. */
  interrupt(signal: number): void {
    const { kernel } = this;
    if (this.settled || isBroken(kernel.memory)) return;
    visitSession(kernel, this.pid, (process) => {
      sendSignal(kernel, process, signal);
    });
    if (!this.finished) this.endIfUntaken(signal);
  }

  private endIfUntaken(signal: number): void {
    const { kernel, record } = this;
    if (isIgnoredByDefault(signal) || stopsByDefault(signal)) return;
    clearTimeout(this.untaken);
    this.untaken = setTimeout(() => {
      if (this.finished || !isSignalQueued(kernel.memory, record, signal)) return;
      // A stopped program takes no signal before it goes on.
      if (Record_.stopSignal.load(kernel.memory, record) === 0) this.kill(signal);
    }, UNTAKEN);
  }

  /** @internal More was written than is kept: ends the process if it runs. */
  overflow(most: number): void {
    this.excess = `nobody reads an output of more than ${most} bytes (option maxBuffer)`;
    this.kill();
  }

  /** @internal Ends the process if it runs, as its own `proc_exit(0)` would. */
  exit(): void {
    if (!this.finished && !isBroken(this.kernel.memory))
      exitProcess(this.kernel, this.record, 0, EndReason.exited);
  }

  /** Kills the process if it runs, and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.wait().catch(() => {});
  }

  private async reach(change: number): Promise<ProcessResult> {
    if (this.finished) return this.ended!;
    const reached = this.waitFor(change);
    this.waits.add(reached);
    try {
      return await reached;
    } finally {
      this.waits.delete(reached);
    }
  }

  private async waitFor(change: number): Promise<ProcessResult> {
    const { kernel, record, pid } = this;
    const { memory } = kernel;
    await waitForQueue(kernel, Record_.changes.at(record), change, () => {
      const state = Record_.state.load(memory, record);
      if (!isEnding(memory, record)) return undefined;
      return change === ProcessChange.exiting || state === ProcessState.ended ? true : undefined;
    });
    const { timedOut, aborted } = this;
    return { ...(await this.inWords(describeEnd(kernel, record, pid))), timedOut, aborted };
  }

  /** A result whose message people can read. */
  private async inWords(result: ProcessResult): Promise<ProcessResult> {
    const { message } = result;
    if (message?.startsWith(RAW_TRAP) !== true) return result;
    return { ...result, message: (await this.options.loadTrapWords())(message) };
  }

  private async follow(): Promise<ProcessResult> {
    const { options } = this;
    const onAbort = () => {
      this.aborted = true;
      this.kill("SIGTERM");
    };
    const timer =
      options.timeout === undefined
        ? undefined
        : setTimeout(
            () => {
              this.timedOut = true;
              this.kill("SIGKILL");
            },
            Math.min(options.timeout, LONGEST_TIMER),
          );
    if (options.signal?.aborted === true) onAbort();
    else options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.finish();
    } finally {
      this.settled = true;
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  private async finish(): Promise<ProcessResult> {
    const { kernel, record, options } = this;
    const { memory } = kernel;
    await waitForQueue(kernel, Record_.changes.at(record), ProcessChange.ended, () =>
      Record_.state.load(memory, record) === ProcessState.ended ? true : undefined,
    );
    this.finished = true;
    clearTimeout(this.untaken);
    await this.served;
    this.stdin?.close();
    this.terminal?.close();
    this.terminal?.output?.collectIfUnread();
    this.stdout?.collectIfUnread();
    this.stderr?.collectIfUnread();
    // A snapshot has one count for the host program, however many wait here.
    await Promise.allSettled(this.waits);
    const end = await this.inWords(takeResult(kernel, record, this.pid));
    const stdout = (await this.stdout?.leftover()) ?? "";
    const stderr = (await this.stderr?.leftover()) ?? "";
    await this.traced;
    const cause = options.fed?.failure;
    if (cause !== undefined)
      throw new WeftError("ERR_INPUT", `the source of stdin failed: ${String(cause)}`, { cause });
    const { timedOut, aborted } = this;
    const message = end.message ?? this.excess;
    const result: ProcessResult = { ...end, message, timedOut, aborted, stdout, stderr };
    if (options.check && !result.ok) throw new ExitError(options.name, result);
    return result;
  }
}

/** A process ended with another code than 0, and the caller asked for an exception. It has the fields of the result. */
export class ExitError extends WeftError {
  constructor(
    name: string,
    /** How it ended. */
    readonly result: ProcessResult,
  ) {
    const how =
      result.signal === undefined
        ? `with exit code ${result.exitCode}`
        : `by signal ${result.signal}`;
    super(
      "ERR_EXIT",
      `${name} (process ${result.pid}) ended ${how}${result.message === undefined ? "" : `: ${result.message}`}`,
    );
  }
}
