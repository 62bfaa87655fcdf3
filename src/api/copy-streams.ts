/**
 * The standard streams of a process that runs on a copy of the kernel heap (`hosts/browser/copy-runner.ts`): input is gathered to its end before the
 * process starts; outputs come as messages and wait here for their reader.
 */
import type { CopyStreams } from "../hosts/browser/copy-runner.ts";
import { WeftError } from "./errors.ts";
import type { ByteSink } from "./input.ts";
import type { ByteSource } from "./output.ts";

/** Gathers an input. */
class GatheringSink implements ByteSink {
  /** All bytes, when the input has ended. */
  readonly all: Promise<Uint8Array>;
  private readonly chunks: Uint8Array[] = [];
  private closed = false;
  private finish!: (bytes: Uint8Array) => void;

  constructor() {
    this.all = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.closed) throw new WeftError("ERR_FILE", "the input is closed", { errno: "EPIPE" });
    this.chunks.push(bytes.slice());
  }

  /** The process does not start without its input. */
  async wanted(): Promise<boolean> {
    return !this.closed;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    const all = new Uint8Array(this.chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of this.chunks.splice(0)) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.finish(all);
  }
}

/** Keeps what was written until it is read. */
class WaitingSource implements ByteSource {
  private readonly chunks: Uint8Array[] = [];
  private ended = false;
  private closed = false;
  private wake: () => void = () => {};

  async read(): Promise<Uint8Array | undefined> {
    while (this.chunks.length === 0 && !this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.chunks.shift();
  }

  push(bytes: Uint8Array): void {
    if (!this.closed) this.chunks.push(bytes);
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  close(): void {
    this.closed = true;
    this.chunks.length = 0;
    this.end();
  }
}

/** The page's ends of the streams of one process. */
export class PageStreams implements CopyStreams {
  readonly sink = new GatheringSink();
  private readonly sources = new Map<number, WaitingSource>();

  get input(): Promise<Uint8Array> {
    return this.sink.all;
  }

  /** The reading end of descriptor 1, 2 or, for traces, 3. */
  source(descriptor: number): ByteSource {
    const source = new WaitingSource();
    this.sources.set(descriptor, source);
    return source;
  }

  write(descriptor: number, bytes: Uint8Array): void {
    this.sources.get(descriptor)?.push(bytes);
  }

  end(): void {
    for (const source of this.sources.values()) source.end();
  }
}
