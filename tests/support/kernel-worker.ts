/** The entry of a worker that does one job of `kernel-jobs.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { KernelMemory, LockOrder } from "../../src/shm/index.ts";
import * as jobs from "./kernel-jobs.ts";
import type { JobData } from "./kernel-workers.ts";

const { job, memory, argument } = workerData as JobData;
const run = jobs[job] as (memory: KernelMemory, argument: unknown) => unknown;
parentPort?.postMessage(await run(KernelMemory.attach(memory, true, new LockOrder()), argument));
