/**
 * What a machine does differently on a page that may not share memory with workers: its processes run one at a time, each in a worker on a copy of the
 * kernel heap (`hosts/browser/copy-runner.ts`). One at a time has the turn to use the heap: a process from its start to its end, or one operation
 * on files. A part of its own, which isolated pages do not load.
 */
import { Filetype } from "../abi/enums.ts";
import { CopyRunner } from "../hosts/browser/copy-runner.ts";
import type { BrowserHost } from "../hosts/browser/host.ts";
import type { ProcessRunner } from "../threads/port.ts";
import { Access, FileOperations, makeOpenFile, OpenFile, OperationsId } from "../vfs/index.ts";
import type { Beginning } from "./beginning.ts";
import { Machine } from "./browser.ts";
import { PageStreams } from "./copy-streams.ts";
import { WeftError } from "./errors.ts";
import { MachineFiles } from "./files.ts";
import type { StreamMaker } from "./initial-files.ts";
import type { MakerFactory } from "./mount-sources.ts";
import type { MachineOptions, ProgramSource, SpawnOptions } from "./options.ts";
import type { Process } from "./process.ts";
import type { SnapshotOptions } from "./snapshot.ts";

const ISOLATION =
  "the page must be isolated: its server has to send the headers " +
  "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";

export class CopyingMachine extends Machine {
  override readonly fs: MachineFiles;
  private readonly streams = new Map<number, PageStreams>();
  /** Resolves when everybody who has asked for the turn so far has had it. */
  private lastTurn: Promise<void> = Promise.resolve();

  /** @internal */
  constructor(
    browser: BrowserHost,
    options: MachineOptions,
    createMaker?: MakerFactory,
    beginning?: Beginning,
  ) {
    super(browser, options, createMaker, beginning);
    this.fs = this.inTurns(new MachineFiles(this.tree));
    // Only the worker reads and writes streams; the page makes them and, after a kill, gives them back.
    this.kernel.vfs.addOperations(OperationsId.hostStream, new (class extends FileOperations {})());
  }

  override async spawn(source: ProgramSource, options: SpawnOptions = {}): Promise<Process> {
    const loaded = await this.loadedOf(source);
    if (loaded.program.hasSharedMemory) {
      throw new WeftError(
        "ERR_HOST",
        `${loaded.name} is made for threads (its memory is shared): ${ISOLATION}`,
      );
    }
    const giveUp = await this.takeTurn();
    let process: Process;
    try {
      process = await super.spawn(loaded, options);
    } catch (error) {
      giveUp();
      throw error;
    }
    void process.ended.catch(() => {}).then(giveUp);
    return process;
  }

  override async snapshot(options?: SnapshotOptions): Promise<Uint8Array<ArrayBuffer>> {
    const giveUp = await this.takeTurn();
    try {
      return await super.snapshot(options);
    } finally {
      giveUp();
    }
  }

  protected override createRunner(): ProcessRunner {
    return new CopyRunner(this.kernel, this.browser.workers, (record) => {
      const streams = this.streamsOf(record);
      this.streams.delete(record);
      return streams;
    });
  }

  protected override streamMaker(): StreamMaker {
    return {
      servesTerminals: false,
      openInput: (record) => ({
        file: this.openStream(0, Access.read),
        sink: this.streamsOf(record).sink,
      }),
      openOutput: (record, descriptor) => ({
        file: this.openStream(descriptor, Access.write),
        source: this.streamsOf(record).source(descriptor),
      }),
    };
  }

  /** An open file for a descriptor of the worker's, or 0 when the kernel heap is full: as `openHostStream` makes them. */
  private openStream(descriptor: number, access: number): number {
    const { memory } = this.kernel;
    const file = makeOpenFile(memory, OperationsId.hostStream, Filetype.UNKNOWN, access, 0);
    if (file !== 0) OpenFile.host.set(memory, file, descriptor + 1);
    return file;
  }

  private streamsOf(record: number): PageStreams {
    let streams = this.streams.get(record);
    if (streams === undefined) this.streams.set(record, (streams = new PageStreams()));
    return streams;
  }

  /** Waits for the turn. @returns what gives it up */
  private async takeTurn(): Promise<() => void> {
    const before = this.lastTurn;
    let giveUp!: () => void;
    this.lastTurn = new Promise((resolve) => {
      giveUp = resolve;
    });
    await before;
    return giveUp;
  }

  /** The same operations, each when it has the turn. */
  private inTurns(files: MachineFiles): MachineFiles {
    return new Proxy(files, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return async (...parameters: unknown[]): Promise<unknown> => {
          const giveUp = await this.takeTurn();
          try {
            return await Reflect.apply(member, target, parameters);
          } finally {
            giveUp();
          }
        };
      },
    });
  }
}
