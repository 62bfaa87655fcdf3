/** A worker as Node's, in which reading a pipe throws: what a bug in a handler would do. */
import { parentPort, workerData } from "node:worker_threads";
import { NodeClock } from "../../src/hosts/node/clock.ts";
import { createNodeResources } from "../../src/hosts/node/local.ts";
import { nodeRandomness } from "../../src/hosts/node/random.ts";
import { attachKernel, Pipe, PipeOperations } from "../../src/kernel/index.ts";
import { KernelMemory, LockOrder } from "../../src/shm/index.ts";
import { addDrivers } from "../../src/threads/boot.ts";
import { installFurtherCalls } from "../../src/threads/further-calls.ts";
import type { BindMessage, WorkerMessage, WorkerStart } from "../../src/threads/messages.ts";
import { StackCarrier } from "../../src/threads/stack-carrier.ts";
import { handleBind, type WorkerPartLoaders } from "../../src/threads/worker.ts";
import { OpenFile, OperationsId, type Vfs } from "../../src/vfs/index.ts";

class FailingPipes extends PipeOperations {
  override read(vfs: Vfs, file: number): number {
    if (failure === "locked") Pipe.lock.acquire(vfs.memory, OpenFile.state.get(vfs.memory, file));
    throw new TypeError("the pipe is made of butter");
  }
}

const { failure, ...start } = workerData as WorkerStart & { failure: string };
const memory = KernelMemory.attach(start.memory, true, new LockOrder());
const kernel = attachKernel(memory, new NodeClock(), nodeRandomness);
addDrivers(kernel, createNodeResources());
kernel.vfs.addOperations(OperationsId.pipe, new FailingPipes());
const parts: WorkerPartLoaders = {
  stacks: () => Promise.resolve(StackCarrier),
  threadImports: () => Promise.reject(new Error("there are none")),
  furtherCalls: () => Promise.resolve(installFurtherCalls),
};
parentPort!.on("message", (message: BindMessage) => {
  const post = (answer: WorkerMessage) => parentPort!.postMessage(answer);
  void handleBind(kernel, start, message, 2, parts, post);
});
