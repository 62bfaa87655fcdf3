/**
 * Parts of the library that a worker in a browser has only where its page asks for one: filesystems that few machines mount, calls that few programs
 * make, the text of traces, what rewrites and runs programs of many threads, what runs a process on a copy of the kernel heap. One file of their own beside
 * the library, which the page loads when a machine needs any of them.
 */
import type * as workerParts from "./worker-parts.ts";

export { loadParts } from "weft:worker-source";

export type WorkerParts = typeof workerParts;
