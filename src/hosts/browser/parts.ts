/**
 * Parts of the library that a worker in a browser has only where its page asks for them. They are files beside the library, each of which needs those before it:
 *
 * 1. what programs need that look files up (`path-parts.ts`);
 * 2. the rest: filesystems that few machines mount, calls that few programs make, the text of traces, what rewrites and runs programs of many threads, what runs
 *    a process on a copy of the kernel heap (`worker-parts.ts`).
 */
import type * as pathParts from "./path-parts.ts";
import type * as workerParts from "./worker-parts.ts";
import * as source from "weft:worker-source";

/** How many of the files are needed. */
export const NONE = 0;
/** The first: for programs that look files up. */
export const PATHS = 1;
/** Both. */
export const ALL = 2;
export type Count = typeof NONE | typeof PATHS | typeof ALL;

// With their types: the declarations of the package know no such module.
export const loadParts: <Parts>(count: number) => Promise<Parts> = source.loadParts;
export const workerSource: (count: number) => string = source.workerSource;

export type WorkerParts = typeof pathParts & typeof workerParts;
