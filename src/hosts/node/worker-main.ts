/** What a worker of Node runs: the one file behind every carrier. */
import { availableParallelism } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { attachKernel } from "../../kernel/index.ts";
import { KernelMemory, LockOrder } from "../../shm/index.ts";
import { addDrivers } from "../../threads/boot.ts";
import type { BindMessage, WorkerMessage, WorkerStart } from "../../threads/messages.ts";
import { handleBind } from "../../threads/worker.ts";
import { NodeClock } from "./clock.ts";
import { createNodeResources } from "./local.ts";
import { nodeRandomness } from "./random.ts";

const start = workerData as WorkerStart;
const memory = KernelMemory.attach(start.memory, true, start.debug ? new LockOrder() : undefined);
const kernel = attachKernel(memory, new NodeClock(), nodeRandomness);
addDrivers(kernel, createNodeResources());
const port = parentPort!;
port.on("message", (message: BindMessage) => {
  const post = (answer: WorkerMessage) => port.postMessage(answer);
  void handleBind(kernel, start, message, availableParallelism(), post);
});
