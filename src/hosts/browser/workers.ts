/**
 * Workers of a page, for carriers and for loading programs.
 *
 * All run one script: the text that the library carries, as a Blob, so that no bundler and no server has to know of it; or the file that the page names
 * (option `workerUrl`). A worker that serves no machine yet is fresh; one is started ahead of need, since starting takes 10 to 30 ms.
 */
import { ModuleError, type ModuleErrorCode } from "../../loader/module-error.ts";
import type { Program } from "../../loader/program.ts";
import { panic } from "../../shm/index.ts";
import type { WorkerMessage } from "../../threads/messages.ts";
import type { WorkerHost } from "../../threads/port.ts";
import type { LoadMessage } from "./messages.ts";
import { PageWorker } from "./page-worker.ts";
import { ALL, type Count, loadParts, type WorkerParts, workerSource } from "./parts.ts";

/** How long a first worker may take to start, in milliseconds: longer means that its script is another. */
const START_LIMIT = 30_000;

export class BrowserWorkers implements WorkerHost {
  readonly parallelism = navigator.hardwareConcurrency;
  private readonly fresh: PageWorker[] = [];
  private readonly own: PageWorker[] = [];
  /** Script of the workers that are started from now on. */
  private url: string;
  private disposed = false;

  /**
   * @param workerUrl where the worker's script is served, for pages that forbid workers from `blob:` URLs: it has all parts; @param count how many files
   *   of parts that were loaded the workers of other pages begin with
   */
  constructor(
    private readonly workerUrl: string | undefined,
    private count: Count,
  ) {
    this.url = workerUrl ?? urlOf(workerSource(count));
  }

  /**
   * Starts a first worker.
   *
   * @throws Error saying why workers cannot start on this page, and what to do
   */
  async prepare(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const worker = new PageWorker(this.url);
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => {
          void worker.terminate();
          reject(new Error(`it does not answer within ${START_LIMIT / 1000} s`));
        }, START_LIMIT);
      });
      await Promise.race([worker.ready, late]);
      this.fresh.push(worker);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`this page cannot start Weft's worker: ${reason}. ${this.advice()}`, {
        cause,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** A worker that serves nobody. */
  take(): PageWorker {
    if (this.disposed) throw new Error("the machine is closed");
    return this.fresh.pop() ?? new PageWorker(this.url);
  }

  /** A worker that serves one part of the page alone, which ends it, or else `dispose`. */
  takeOwn(): PageWorker {
    const worker = this.take();
    this.own.push(worker);
    return worker;
  }

  startWorker(
    start: Parameters<WorkerHost["startWorker"]>[0],
    onMessage: (message: WorkerMessage) => void,
    onDeath: (error: Error) => void,
  ): ReturnType<WorkerHost["startWorker"]> {
    const worker = this.take();
    worker.onMessage = (message) => onMessage(message as WorkerMessage);
    worker.onDeath = onDeath;
    worker.post({ kind: "start", ...start });
    return {
      post: (message) => worker.post(message),
      terminate: () => worker.terminate(),
      isOutdated: () => worker.url !== this.url,
      // A page lives until it is left.
      setKeepsAlive: () => {},
    };
  }

  /** Reads, checks and compiles a program in a worker. @throws ModuleError, or what the engine says of the module */
  async load(bytes: Uint8Array, name: string, maximumPages: number): Promise<Program> {
    const request = { kind: "load", bytes, name, maximumPages, shareable: false } as const;
    let program = await this.compile(request);
    if (program === "needsParts") {
      await this.useParts(ALL);
      program = await this.compile(request);
    }
    return typeof program === "object" ? program : panic("a worker answered without the program");
  }

  /** Has a worker that serves nobody compile a program. */
  private async compile(request: LoadMessage): Promise<Compiled> {
    const worker = this.take();
    try {
      return await compile(worker, request);
    } finally {
      if (this.disposed || worker.url !== this.url) void worker.terminate();
      else this.fresh.push(worker);
    }
  }

  /** Compiles a program that was loaded once more, for carriers that threads share; undefined where they cannot. */
  async loadShareable(
    bytes: Uint8Array,
    name: string,
    maximumPages: number,
  ): Promise<Program | undefined> {
    await this.useParts(ALL);
    const worker = new PageWorker(this.url);
    try {
      const request = { kind: "load", bytes, name, maximumPages, shareable: true } as const;
      const program = await compile(worker, request);
      return typeof program === "object" ? program : undefined;
    } finally {
      void worker.terminate();
    }
  }

  /** Loads the first files of parts, also for all workers that are started from now on. */
  async useParts(count: Count): Promise<WorkerParts> {
    const parts = await loadParts<WorkerParts>(count);
    if (this.count >= count || this.disposed) return parts;
    this.count = count;
    if (this.workerUrl !== undefined) return parts;
    for (const worker of this.fresh.splice(0)) void worker.terminate();
    URL.revokeObjectURL(this.url);
    this.url = urlOf(workerSource(count));
    return parts;
  }

  /** Ends the workers that serve no machine. */
  dispose(): void {
    this.disposed = true;
    for (const worker of [...this.fresh.splice(0), ...this.own.splice(0)]) void worker.terminate();
    if (this.workerUrl === undefined) URL.revokeObjectURL(this.url);
  }

  delay(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
    });
  }

  private advice(): string {
    return this.workerUrl === undefined
      ? "If the page has a Content-Security-Policy, it must allow `worker-src blob:`, or the option workerUrl must name a copy of weft's dist/worker-browser.js on the page's own server."
      : `The option workerUrl (${this.workerUrl}) must name a copy of weft's dist/worker-browser.js of the same version, on the page's own server, sent as text/javascript and, on an isolated page, with the header Cross-Origin-Embedder-Policy: require-corp.`;
  }
}

const urlOf = (script: string): string =>
  URL.createObjectURL(new Blob([script], { type: "text/javascript" }));

/** A program; undefined where its threads cannot share carriers and that was asked for. */
type Compiled = Program | undefined | "needsParts";

/** Has a worker compile a program. */
function compile(worker: PageWorker, request: LoadMessage): Promise<Compiled> {
  return new Promise((resolve, reject) => {
    worker.onDeath = reject;
    worker.onMessage = (message) => {
      if (message.kind === "loaded") resolve(message.program);
      else if (message.kind === "needsParts") resolve(message.kind);
      else if (message.kind === "refused") {
        const { code, message: text } = message;
        reject(
          code === undefined ? new Error(text) : new ModuleError(code as ModuleErrorCode, text),
        );
      }
    };
    worker.post(request);
  });
}
