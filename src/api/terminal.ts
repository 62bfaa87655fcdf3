/**
 * A process's terminal, from the user's side: what is typed goes in, what is shown comes out, the window has a size.
 *
 * Life: made with the process, closed at its end.
 */
import { Signal } from "../abi/enums.ts";
import {
  addEditedInput,
  completeInput,
  dropTerminal,
  endTerminalInput,
  type Kernel,
  noteToldModes,
  readTerminalState,
  resizeTerminal,
  Terminal as Record_,
  TerminalChange,
  TerminalMode,
  typeInput,
} from "../kernel/index.ts";
import { wakeQueue } from "../shm/index.ts";
import { AT_OFFSET, Readiness, Transfer } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import { waitForQueue } from "./host-waiter.ts";
import type { ByteSink } from "./input.ts";
import type { ByteSource, Output } from "./output.ts";

/** How the program wants what is typed. */
export interface TerminalModes {
  /** Whether it is shown. */
  readonly echo: boolean;
  /** Whether it can be read line by line, after editing. */
  readonly lineBuffered: boolean;
}

const NOT_EDITING: TerminalModes = { echo: false, lineBuffered: false };

export class Terminal {
  private readonly transfer = new Transfer();
  private closed = false;
  private hasEnded = false;
  /** What is typed goes in one after the other. */
  private last: Promise<void> = Promise.resolve();
  private readonly listeners = new Set<(modes: TerminalModes) => void>();

  /** What is to be shown, when an output of the process goes to the terminal: it is read as other outputs are. */
  readonly output: Output | undefined;
  /** Bits of `TerminalMode` at the end of the process. */
  private lastModes = 0;

  /**
   * @internal Takes over a count of the record.
   * @param shown what goes to the terminal, as it was written; @param makeOutput makes what the library's user reads
   */
  constructor(
    private readonly kernel: Kernel,
    /** @internal */
    readonly record: number,
    shown: ByteSource | undefined,
    makeOutput: (source: ByteSource) => Output,
    private readonly signal: (signal: number) => void,
  ) {
    // A record that came with a snapshot was another host program's.
    noteToldModes(kernel.memory, record);
    if (shown === undefined) return;
    this.output = makeOutput({
      ...(shown.file !== undefined && { file: shown.file }),
      read: () => this.readShown(shown),
      close: () => shown.close(),
    });
  }

  /** The next bytes that are to be shown, with the carriage returns that line feeds need. Wakes those who wait for room. */
  private async readShown(shown: ByteSource): Promise<Uint8Array | undefined> {
    const bytes = await shown.read();
    if (bytes === undefined) return undefined;
    const { memory } = this.kernel;
    if (!this.closed) wakeQueue(memory, Record_.waiters.at(this.record), Readiness.write);
    const modes = this.closed ? this.lastModes : readTerminalState(memory, this.record).modes;
    return (modes & TerminalMode.lineFeeds) === 0 ? bytes : withReturns(bytes);
  }

  /** How the program wants what is typed now. */
  get modes(): TerminalModes {
    if (this.closed) return NOT_EDITING;
    const { modes } = readTerminalState(this.kernel.memory, this.record);
    return {
      echo: (modes & TerminalMode.echo) !== 0,
      lineBuffered: (modes & TerminalMode.lines) !== 0,
    };
  }

  /** Calls `listener` whenever the program has changed the modes. Returns a function that ends it. */
  onModes(listener: (modes: TerminalModes) => void): () => void {
    this.listeners.add(listener);
    if (this.listeners.size === 1) void this.watchModes();
    return () => this.listeners.delete(listener);
  }

  /**
   * Types keys, as a terminal sends them: Return is "\r". Echo, erasing, Ctrl-C, Ctrl-D and the like are done as the program's modes say. Resolves when
   * all is taken, which may have to wait until the program reads.
   */
  type(keys: string | Uint8Array): Promise<void> {
    const bytes = typeof keys === "string" ? new TextEncoder().encode(keys) : keys;
    return this.inTurn(() => this.typeNow(bytes));
  }

  /** Passes on what a terminal that edits lines and shows them itself has sent. Resolves as `type` does. */
  send(edited: Uint8Array): Promise<void> {
    return this.inTurn(async () => {
      for (let done = 0; done < edited.length && !this.closed;) {
        const taken = addEditedInput(this.kernel.memory, this.record, edited.subarray(done));
        done += taken;
        if (taken === 0) await this.waitForRoom();
      }
    });
  }

  /** Nothing more will be typed: the program reads the end of file. */
  end(): Promise<void> {
    return this.inTurn(async () => this.endInput());
  }

  /** Changes the size of the window; the program gets SIGWINCH when it is another. */
  resize(columns: number, rows: number, width = 0, height = 0): void {
    if (this.closed) return;
    const size = { columns, rows, width, height };
    if (resizeTerminal(this.kernel.memory, this.record, size)) this.signal(Signal.WINCH);
  }

  /** Resolves when the program reads or asks for input for the first time, with true, or has ended, with false. */
  async wanted(interval = 5): Promise<boolean> {
    while (!this.closed) {
      this.kernel.memory.refreshIfGrown();
      if (Record_.starved.get(this.kernel.memory, this.record) !== 0) return true;
      await new Promise<void>((resolve) => {
        setTimeout(resolve, interval);
      });
    }
    return false;
  }

  /** @internal The terminal as a process's standard input: what is written is typed. */
  asSink(): ByteSink {
    return {
      write: async (bytes) => {
        if (this.closed || this.hasEnded)
          throw new WeftError("ERR_FILE", "the terminal is closed", { errno: "EPIPE" });
        await this.type(bytes);
      },
      wanted: (interval) => this.wanted(interval),
      close: () => this.endInput(),
    };
  }

  /** @internal The process has ended. */
  close(): void {
    if (this.closed) return;
    this.endInput();
    this.lastModes = readTerminalState(this.kernel.memory, this.record).modes;
    this.closed = true;
    const { kernel, record } = this;
    // For those who wait here.
    wakeQueue(kernel.memory, Record_.waiters.at(record), -1);
    dropTerminal(kernel.vfs, record);
  }

  private endInput(): void {
    if (this.closed || this.hasEnded) return;
    this.hasEnded = true;
    endTerminalInput(this.kernel.memory, this.record);
  }

  private inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.last.then(() => (this.closed || this.hasEnded ? undefined : action()));
    this.last = done.catch(() => {});
    return done;
  }

  private async typeNow(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length && !this.closed;) {
      const { memory } = this.kernel;
      const typed = typeInput(memory, this.record, bytes, done);
      done += typed.taken;
      if (typed.echo.length > 0) this.show(Uint8Array.from(typed.echo));
      if (typed.isComplete) completeInput(memory, this.record);
      for (const signal of typed.signals) this.signal(signal);
      if (typed.taken === 0) await this.waitForRoom();
    }
  }

  /** Shows echo. What a full output cannot take at once is lost: typing waits for nobody. */
  private show(bytes: Uint8Array): void {
    const { vfs, memory } = this.kernel;
    const output = Record_.output.get(memory, this.record);
    if (output === 0) return;
    this.transfer.single(bytes, 0, bytes.length);
    vfs.operationsOf(output).write(vfs, output, this.transfer, AT_OFFSET);
  }

  private async waitForRoom(): Promise<void> {
    const { memory } = this.kernel;
    await this.waitFor(Readiness.write, () => Record_.ready.get(memory, this.record) === 0);
  }

  private async waitFor(mask: number, isSo: () => boolean): Promise<void> {
    const { kernel, record } = this;
    if (this.closed) return;
    // A count for the queue that is waited in.
    Record_.refs.add(kernel.memory, record, 1);
    try {
      await waitForQueue(kernel, Record_.waiters.at(record), mask, () =>
        this.closed || isSo() ? true : undefined,
      );
    } finally {
      dropTerminal(kernel.vfs, record);
    }
  }

  private async watchModes(): Promise<void> {
    const { memory } = this.kernel;
    let seen = readTerminalState(memory, this.record).modes;
    noteToldModes(memory, this.record, seen);
    try {
      while (!this.closed && this.listeners.size > 0) {
        await this.waitFor(TerminalChange.modes, () => {
          return readTerminalState(memory, this.record).modes !== seen;
        });
        if (this.closed) return;
        seen = readTerminalState(memory, this.record).modes;
        const { modes } = this;
        for (const listener of this.listeners) listener(modes);
        noteToldModes(memory, this.record, seen);
      }
    } catch {
      // The kernel is broken: those who wait for the process learn of it.
    } finally {
      if (!this.closed) noteToldModes(memory, this.record);
    }
  }
}

const LINE_FEED = 10;
const RETURN = 13;

function withReturns(bytes: Uint8Array): Uint8Array {
  let feeds = 0;
  for (const byte of bytes) if (byte === LINE_FEED) feeds++;
  if (feeds === 0) return bytes;
  const all = new Uint8Array(bytes.length + feeds);
  let at = 0;
  for (const byte of bytes) {
    if (byte === LINE_FEED) all[at++] = RETURN;
    all[at++] = byte;
  }
  return all;
}
