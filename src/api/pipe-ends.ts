/**
 * Pipes between guests and the host program, which holds one end of each: it reads a guest's outputs and writes its input. An end takes over the count of
 * its open file, and is in the machine's set of ends until it is closed.
 */
import { Errno } from "../abi/errno.ts";
import { type Kernel, openPipe, Pipe, readPipe, writePipe } from "../kernel/index.ts";
import { dropFile, OpenFile, Readiness, Transfer, WOULD_BLOCK } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import { waitForQueue } from "./host-waiter.ts";
import type { StreamMaker } from "./initial-files.ts";
import type { ByteSink } from "./input.ts";
import type { ByteSource } from "./output.ts";

const CHUNK = 65536;

/** The number of the output that is a trace, and the bytes that wait in it at most: lines beyond are lost. */
export const TRACE = 3;
const TRACE_ROOM = 2 ** 20;

/** An end that the host program holds: its open file, with a count. */
class PipeEnd {
  /** The pipe's record. */
  protected readonly pipe: number;
  protected closed = false;

  constructor(
    protected readonly kernel: Kernel,
    readonly file: number,
    private readonly ends: Set<PipeEnd>,
  ) {
    this.pipe = OpenFile.state.get(kernel.memory, file);
    ends.add(this);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.ends.delete(this);
    dropFile(this.kernel.vfs, this.file);
  }
}

/** The streams of a machine as pipes of its kernel. */
export class PipeStreams implements StreamMaker {
  readonly servesTerminals = true;
  /** Ends that the host program holds and has not closed. */
  private readonly ends = new Set<PipeEnd>();

  constructor(private readonly kernel: Kernel) {}

  openInput(): { file: number; sink: PipeWriter } {
    const [file, end] = this.openEnds(undefined);
    return { file, sink: new PipeWriter(this.kernel, end, this.ends) };
  }

  openOutput(_record: number, descriptor: number): { file: number; source: PipeReader } {
    const [end, file] = this.openEnds(descriptor === TRACE ? TRACE_ROOM : undefined);
    return { file, source: new PipeReader(this.kernel, end, this.ends) };
  }

  /** The ends of streams that come from a snapshot, by their open files, whose counts are taken over. */
  takeInput(file: number): PipeWriter {
    return new PipeWriter(this.kernel, file, this.ends);
  }

  takeOutput(file: number): PipeReader {
    return new PipeReader(this.kernel, file, this.ends);
  }

  /** The ends there are now, for `closeSince`. */
  mark(): ReadonlySet<unknown> {
    return new Set(this.ends);
  }

  /** Closes the ends that were made after the mark. */
  closeSince(mark: ReadonlySet<unknown>): void {
    for (const end of [...this.ends]) if (!mark.has(end)) end.close();
  }

  /** The open files of all ends. */
  listFiles(): number[] {
    return [...this.ends].map(({ file }) => file);
  }

  /** Closes all ends. */
  close(): void {
    for (const end of this.ends) end.close();
  }

  private openEnds(room: number | undefined): readonly [number, number] {
    const ends = openPipe(this.kernel.vfs, room);
    if (ends === undefined)
      throw new WeftError("ERR_LIMIT", "no room for standard streams (option maxKernelMemory)");
    return ends;
  }
}

/** The read end of a pipe. */
export class PipeReader extends PipeEnd implements ByteSource {
  private readonly transfer = new Transfer();

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
}

/** The write end of a pipe. */
export class PipeWriter extends PipeEnd implements ByteSink {
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
}
