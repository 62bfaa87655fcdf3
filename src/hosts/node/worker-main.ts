/** What a worker of Node runs: the one file behind every carrier. */
import { parentPort, workerData } from "node:worker_threads";
import { attachKernel, KernelRoot } from "../../kernel/index.ts";
import { KernelMemory } from "../../shm/index.ts";
import { provideRecorder } from "../../syscalls/recording.ts";
import { provideCallFormatter } from "../../syscalls/trace.ts";
import { provideEventFormatter } from "../../threads/trace-sink.ts";
import { addDrivers, lockOrderFor } from "../../threads/boot.ts";
import type { BindMessage, WorkerMessage } from "../../threads/messages.ts";
import { handleBind, type WorkerPartLoaders } from "../../threads/worker.ts";
import { NodeClock } from "./clock.ts";
import type { HostDirectories } from "./host-directories.ts";
import { createNodeResources } from "./local.ts";
import { nodeRandomness } from "./random.ts";
import type { NodeWorkerStart } from "./workers.ts";

const start = workerData as NodeWorkerStart;
const port = parentPort!;
const post = (answer: WorkerMessage) => port.postMessage(answer);

/** What the worker was loaded with. */
export interface WorkerLoading {
  /** Imports a module of the host program by its address. */
  importModule(address: string): Promise<unknown>;
  /** Is called when the worker has nothing to do. */
  onIdle?(): void;
}

/** @param directories for a machine that mounts anything */
function listen({ importModule, onIdle }: WorkerLoading, directories?: HostDirectories): void {
  const parts: WorkerPartLoaders = {
    stacks: async () => (await import("../../threads/stack-carrier.ts")).StackCarrier,
    furtherCalls: async () => (await import("../../threads/further-calls.ts")).installFurtherCalls,
    threadImports: importModule as WorkerPartLoaders["threadImports"],
  };
  const memory = KernelMemory.attach(start.memory, true, lockOrderFor(start.debug));
  memory.leave = () => process.exit();
  const kernel = attachKernel(memory, new NodeClock(), nodeRandomness);
  addDrivers(kernel, createNodeResources(directories));
  port.on("message", async (message: BindMessage) => {
    if (message.trace !== undefined) {
      provideCallFormatter((await import("../../syscalls/call-text.ts")).formatCall);
      provideEventFormatter((await import("../../threads/event-text.ts")).formatEvent);
    }
    if (KernelRoot.journal.get(memory, kernel.root) !== 0) {
      const { journalRecorder } = await import("../../threads/journal-sink.ts");
      provideRecorder(kernel, journalRecorder(kernel));
    }
    await handleBind(kernel, start, message, start.parallelism, parts, post, onIdle);
  });
}

/** Loads what mounts need first. Messages wait meanwhile. */
async function listenWithMounts(loading: WorkerLoading): Promise<void> {
  listen(loading, (await import("./host-directories.ts")).createHostDirectories());
}

/** Serves whoever started the worker. The bundle is a script, which starts a worker quicker: it cannot await here. A failure ends the worker. */
export function serve(loading: WorkerLoading): void {
  if (start.hostDirectories) void listenWithMounts(loading);
  else listen(loading);
}
