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
const parts: WorkerPartLoaders = {
  stacks: async () => (await import("../../threads/stack-carrier.ts")).StackCarrier,
  furtherCalls: async () => (await import("../../threads/further-calls.ts")).installFurtherCalls,
  threadImports: (address) => import(address) as ReturnType<WorkerPartLoaders["threadImports"]>,
};

/** @param directories for a machine that mounts anything */
function listen(onIdle?: () => void, directories?: HostDirectories): void {
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
async function listenWithMounts(onIdle?: () => void): Promise<void> {
  listen(onIdle, (await import("./host-directories.ts")).createHostDirectories());
}

/**
 * Serves whoever started the worker. The bundle is a CommonJS module, which starts a worker quicker: it cannot await here. A failure ends the worker.
 *
 * @param onIdle is called when the worker has nothing to do
 */
export function serve(onIdle?: () => void): void {
  if (start.hostDirectories) void listenWithMounts(onIdle);
  else listen(onIdle);
}
