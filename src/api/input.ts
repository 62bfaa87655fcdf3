/** Input: the standard input of a process, written by the host program. A slow reader holds the writer back. */
import { type Kernel, Pipe, writePipe } from "../kernel/index.ts";
import { Errno } from "../abi/errno.ts";
import { dropFile, OpenFile, Readiness, Transfer, WOULD_BLOCK } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import { waitForQueue } from "./host-waiter.ts";

export class Input {
  private readonly pipe: number;
  private closed = false;
  /** Writes happen one after the other, in the order they were asked for. */
  private last: Promise<void> = Promise.resolve();

  /** @internal The write end's count is taken over. */
  constructor(
    private readonly kernel: Kernel,
    private readonly file: number,
  ) {
    this.pipe = OpenFile.state.get(kernel.memory, file);
  }

  /** Writes text or bytes; resolves when the pipe has taken them. Rejects with errno EPIPE when the program reads no more. */
  write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const written = this.last.then(() => this.writeNow(bytes));
    this.last = written.catch(() => {});
    return written;
  }

  /**
   * Resolves when the program reads or asks for input for the first time, with true, or has ended, with false. For input that must not be taken
   * from its source in vain.
   *
   * @param interval milliseconds between looks: nothing tells the host's event loop of a reader
   */
  async wanted(interval = 5): Promise<boolean> {
    const { memory } = this.kernel;
    while (!this.closed) {
      memory.refreshIfGrown();
      if (Pipe.starved.get(memory, this.pipe) !== 0) return true;
      await new Promise<void>((resolve) => {
        setTimeout(resolve, interval);
      });
    }
    return false;
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
    if (this.closed) return;
    this.closed = true;
    dropFile(this.kernel.vfs, this.file);
  }

  private async writeNow(bytes: Uint8Array): Promise<void> {
    if (this.closed) throw new WeftError("ERR_FILE", "the input is closed", { errno: "EPIPE" });
    const { memory } = this.kernel;
    const transfer = new Transfer().single(bytes, 0, bytes.length);
    while (transfer.done < transfer.total) {
      const count = await waitForQueue(
        this.kernel,
        Pipe.waiters.at(this.pipe),
        Readiness.write | Readiness.hangup,
        () => {
          if (this.closed) return -Errno.EPIPE;
          const answer = writePipe(memory, this.pipe, transfer);
          return answer === WOULD_BLOCK ? undefined : answer;
        },
      );
      if (count < 0)
        throw new WeftError("ERR_FILE", "the program reads its input no more", { errno: "EPIPE" });
    }
  }
}
