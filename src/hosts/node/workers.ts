/** Workers of Node, for carriers. */
import type { WorkerMessage, WorkerStart } from "../../threads/messages.ts";
import type { WorkerHost } from "../../threads/port.ts";
import { os, workerThreads } from "./builtin.ts";
import { readWorkerCode, type WorkerCode } from "./worker-code.ts";

/**
 * Megabytes for young objects in a worker of many suspended stacks, which live long: with the usual 48, three times as many would be taken for what is left of
 * the stacks' beginnings. 10,000 stacks then need 25 MB more.
 */
const YOUNG_WITH_STACKS = 6;

/** What a worker of Node is started with. */
export interface NodeWorkerStart extends WorkerStart {
  /** Whether the machine mounts directories of the host. */
  readonly hostDirectories: boolean;
  /** Of the machine: a worker that loads no module to ask starts quicker. */
  readonly parallelism: number;
  /** What it runs, where that is bundled. */
  readonly code: WorkerCode | undefined;
}

/** Makes the workers of one machine. */
export const createNodeWorkers = (
  hostDirectories: boolean,
  parallelism = os().availableParallelism(),
): WorkerHost => ({
  startWorker(start, onMessage, onDeath) {
    const worker = new (workerThreads().Worker)(new URL("./worker-entry.js", import.meta.url), {
      workerData: {
        ...start,
        hostDirectories,
        parallelism,
        code: readWorkerCode(),
      } satisfies NodeWorkerStart,
      // For what `threadImports` loads: of code that the host program brings, it may ask for its environment. No guest can.
      env: workerThreads().SHARE_ENV,
      execArgv: [],
      // Descriptors of host files belong to the kernel's records, not to the worker that opened them.
      trackUnmanagedFds: false,
      ...(start.sharing ? { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_WITH_STACKS } } : {}),
    });
    worker.on("message", (message: WorkerMessage) => onMessage(message));
    worker.on("error", (error) => onDeath(error));
    worker.on("exit", (code) => onDeath(new Error(`a worker ended by itself with code ${code}`)));
    return {
      post: (message) => worker.postMessage(message),
      // It loads what it needs when it is bound.
      isOutdated: () => false,
      terminate: async () => {
        await worker.terminate();
      },
      setKeepsAlive: (keep) => (keep ? worker.ref() : worker.unref()),
    };
  },
  delay: (milliseconds) =>
    new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
    }),
  parallelism,
});
