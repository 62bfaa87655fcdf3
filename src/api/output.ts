/**
 * Output: one standard output of a process, for the host program. It is read by one reader: as a stream, chunk by chunk, line by line, or collected.
 * Read by nobody, it is collected in the background, so that no program stops because its output is not looked at.
 */
import { WeftError } from "./errors.ts";

/** Where an output's bytes come from. */
export interface ByteSource {
  /** The open file that the host program reads from, where it is one. */
  readonly file?: number;
  /** The next bytes, or undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  /** Nobody reads any more. May be called twice. */
  close(): void;
}

export class Output implements AsyncIterable<Uint8Array> {
  private taken = false;
  private collected: Promise<Uint8Array> | undefined;

  /** @internal */
  constructor(
    private readonly source: ByteSource,
    private readonly mostCollected: number,
    private readonly onOverflow: () => void,
  ) {}

  /** @internal The open file behind it, or 0. */
  get file(): number {
    return this.source.file ?? 0;
  }

  private take(): void {
    if (this.taken)
      throw new WeftError("ERR_OPTION", "this output has a reader already: it can be read once");
    this.taken = true;
  }

  /** Iterates over chunks of bytes as they come. Leaving the loop early closes the output: the program then gets EPIPE. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    this.take();
    try {
      for (
        let chunk = await this.source.read();
        chunk !== undefined;
        chunk = await this.source.read()
      )
        yield chunk;
    } finally {
      this.source.close();
    }
  }

  /**
   * Iterates over lines of UTF-8 text, without their ends.
   *
   * @throws WeftError with code ERR_LIMIT, and the program is killed, when a line is longer than the option maxBuffer
   */
  async *lines(): AsyncGenerator<string, void, undefined> {
    const decoder = new TextDecoder();
    // What has come of a line that has not ended, in parts: put together once, however many there are.
    let parts: string[] = [];
    let length = 0;
    for await (const chunk of this) {
      const pieces = decoder.decode(chunk, { stream: true }).split("\n");
      const last = pieces.pop()!;
      for (const piece of pieces) {
        parts.push(piece);
        const line = parts.join("");
        parts = [];
        length = 0;
        yield line.endsWith("\r") ? line.slice(0, -1) : line;
      }
      parts.push(last);
      length += last.length;
      if (length > this.mostCollected) {
        this.onOverflow();
        throw new WeftError(
          "ERR_LIMIT",
          `a line of the output is longer than ${this.mostCollected} characters (option maxBuffer)`,
        );
      }
    }
    const rest = parts.join("") + decoder.decode();
    if (rest !== "") yield rest;
  }

  /** The output as a web stream. Cancelling it closes the output. */
  stream(): ReadableStream<Uint8Array> {
    this.take();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const chunk = await this.source.read();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => this.source.close(),
    });
  }

  /** All bytes, when the output has ended. May be asked for several times. */
  bytes(): Promise<Uint8Array> {
    if (this.collected === undefined) {
      this.take();
      this.collected = this.collect();
    }
    return this.collected;
  }

  /** All of the output as text. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  /** @internal Collects when nobody reads. */
  collectIfUnread(): void {
    if (!this.taken) void this.bytes().catch(() => {});
  }

  /** @internal What was collected, or nothing when somebody else read it. */
  async leftover(): Promise<string> {
    return this.collected === undefined ? "" : this.text();
  }

  private async collect(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (
      let chunk = await this.source.read();
      chunk !== undefined;
      chunk = await this.source.read()
    ) {
      const room = this.mostCollected - length;
      length += chunk.length;
      chunks.push(chunk.subarray(0, room));
      if (chunk.length > room) {
        this.onOverflow();
        this.source.close();
        break;
      }
    }
    const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}
