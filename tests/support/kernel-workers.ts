/**
 * Runs jobs in worker threads on one kernel heap.
 *
 * A job is a function of `kernel-jobs.ts`, named, since functions cannot be sent. It gets its own view of the heap, with lock order
 * checked, and one argument. The promise of a job is rejected when the job throws.
 */
import { Worker } from "node:worker_threads";
import type { KernelMemory } from "../../src/shm/index.ts";
import type * as jobs from "./kernel-jobs.ts";

export type JobName = keyof typeof jobs;

export interface JobData {
  job: JobName;
  memory: WebAssembly.Memory;
  argument: unknown;
}

/** Starts a job in a new worker; gives what the job answers. */
export async function runJob<N extends JobName>(
  memory: KernelMemory,
  job: N,
  argument: Parameters<(typeof jobs)[N]>[1],
): Promise<ReturnType<(typeof jobs)[N]>> {
  const data: JobData = { job, memory: memory.memory, argument };
  const worker = new Worker(new URL("./kernel-worker.js", import.meta.url), { workerData: data });
  return await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => {
      reject(new Error(`the worker of ${job} ended with code ${code} and no answer`));
    });
  });
}
