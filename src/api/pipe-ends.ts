/**
 * The ends of pipes that the host program holds: it reads a guest's outputs and writes its input. Each takes over the count of its open file, and is in the
 * machine's set of ends until it is closed.
 */
import { Errno } from "../abi/errno.ts";
import { type Kernel, Pipe, readPipe, writePipe } from "../kernel/index.ts";
import { dropFile, OpenFile, Readiness, Transfer, WOULD_BLOCK } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import { waitForQueue } from "./host-waiter.ts";
import type { ByteSink } from "./input.ts";
import type { ByteSource } from "./output.ts";

const CHUNK = 65536;

/** The read end of a pipe. */
export class PipeReader implements ByteSource {
  private readonly pipe: number;
  private readonly transfer = new Transfer();
  private closed = false;

  constructor(
    private readonly kernel: Kernel,
    private readonly file: number,
    private readonly ends: Set<{ close(): void }>,
  ) {
    this.pipe = OpenFile.state.get(kernel.memory, file);
    ends.add(this);
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.closed) return undefined;
    const { memory } = this.kernel;
    const buffer = new Uint8Array(CHUNK);
    const count = await waitForQueue(
      this.kernel,
      Pipe.waiters.at(this.pipe),
      Readiness.read | Readiness.hangup,
      () => {
        if (this.closed) return 0;
        const answer = readPipe(memory, this.pipe, this.transfer.single(buffer, 0, CHUNK));
        return answer === WOULD_BLOCK ? undefined : answer;
      },
    );
    if (count > 0) return buffer.subarray(0, count);
    this.close();
    return undefined;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.ends.delete(this);
    dropFile(this.kernel.vfs, this.file);
  }
}

/** The write end of a pipe. */
export class PipeWriter implements ByteSink {
  private readonly pipe: number;
  private closed = false;

  constructor(
    private readonly kernel: Kernel,
    private readonly file: number,
    private readonly ends: Set<{ close(): void }>,
  ) {
    this.pipe = OpenFile.state.get(kernel.memory, file);
    ends.add(this);
  }

  async write(bytes: Uint8Array): Promise<void> {
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

  async wanted(interval: number): Promise<boolean> {
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

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.ends.delete(this);
    dropFile(this.kernel.vfs, this.file);
  }
}
