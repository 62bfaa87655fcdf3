/** What a worker of Node runs: the one file behind every carrier. */
import { availableParallelism } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { attachKernel } from "../../kernel/index.ts";
import { KernelMemory, LockOrder } from "../../shm/index.ts";
import { provideCallFormatter } from "../../syscalls/trace.ts";
import { addDrivers } from "../../threads/boot.ts";
import type { BindMessage, WorkerMessage } from "../../threads/messages.ts";
import { handleBind } from "../../threads/worker.ts";
import { NodeClock } from "./clock.ts";
import { loadFilesystems } from "./filesystems.ts";
import { createNodeResources } from "./local.ts";
import { nodeRandomness } from "./random.ts";
import type { NodeWorkerStart } from "./workers.ts";

const start = workerData as NodeWorkerStart;
const directories = start.hostDirectories
  ? (await import("./host-directories.ts")).createHostDirectories()
  : undefined;
const filesystems =
  start.filesystems.length > 0 ? await loadFilesystems(start.filesystems) : undefined;
const memory = KernelMemory.attach(start.memory, true, start.debug ? new LockOrder() : undefined);
const kernel = attachKernel(memory, new NodeClock(), nodeRandomness);
addDrivers(kernel, createNodeResources(directories), filesystems);
const loadStacks = async () => (await import("../../threads/stack-carrier.ts")).StackCarrier;
const port = parentPort!;
port.on("message", async (message: BindMessage) => {
  if (message.trace !== undefined) {
    provideCallFormatter((await import("../../syscalls/call-text.ts")).formatCall);
  }
  const post = (answer: WorkerMessage) => port.postMessage(answer);
  await handleBind(kernel, start, message, availableParallelism(), loadStacks, post);
});
