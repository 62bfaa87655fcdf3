/** Input: the standard input of a process, written by the host program. A slow reader holds the writer back. */

/** Where an input's bytes go. */
export interface ByteSink {
  /** The open file that the host program writes to, where it is one. */
  readonly file?: number;
  /** Resolves when all bytes were taken. Rejects with errno EPIPE when nobody reads any more. */
  write(bytes: Uint8Array): Promise<void>;
  /** See `Input.wanted`. */
  wanted(interval: number): Promise<boolean>;
  /** Nothing more comes. May be called twice. */
  close(): void;
}

export class Input {
  /** Writes happen one after the other, in the order they were asked for. */
  private last: Promise<void> = Promise.resolve();
  /** @internal What the source of the bytes failed with: the program has read an end that was none. */
  failure: unknown;

  /** @internal */
  constructor(private readonly sink: ByteSink) {}

  /** @internal The open file behind it, or 0. */
  get file(): number {
    return this.sink.file ?? 0;
  }

  /** Writes text or bytes; resolves when the pipe has taken them. Rejects with errno EPIPE when the program reads no more. */
  write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const written = this.last.then(() => this.sink.write(bytes));
    this.last = written.catch(() => {});
    return written;
  }

  /**
   * Resolves when the program reads or asks for input for the first time, with true, or has ended, with false. For input that must not be taken
   * from its source in vain.
   *
   * @param interval milliseconds between looks: nothing tells the host's event loop of a reader
   */
  wanted(interval = 5): Promise<boolean> {
    return this.sink.wanted(interval);
  }

  /** Ends the input: the program reads the end of file after what was written. */
  async end(): Promise<void> {
    await this.last;
    this.close();
  }

  /** The input as a web stream. */
  stream(): WritableStream<Uint8Array | string> {
    return new WritableStream({
      write: (chunk) => this.write(chunk),
      close: () => this.end(),
      abort: () => this.close(),
    });
  }

  /** @internal */
  close(): void {
    this.sink.close();
  }
}
