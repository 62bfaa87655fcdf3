/** A browser as a host. */
import { provideCallFormatter } from "../../syscalls/trace.ts";
import { provideEventFormatter } from "../../threads/trace-sink.ts";
import type { Host } from "../port.ts";
import { BrowserClock } from "./clock.ts";
import { ALL, type Count, loadParts, PATHS, type WorkerParts } from "./parts.ts";
import { browserRandomness } from "./random.ts";
import { BrowserWorkers } from "./workers.ts";

export interface BrowserHost extends Host {
  readonly workers: BrowserWorkers;
}

/**
 * Makes the host for one agent: a page's main thread, or a worker of the page's own.
 *
 * @param workerUrl where the worker's script is served; @param count how many files of parts, which were loaded, other workers have
 */
export function createBrowserHost(workerUrl: string | undefined, count: Count): BrowserHost {
  const workers = new BrowserWorkers(workerUrl, count);
  return {
    name: "browser",
    clock: new BrowserClock(),
    randomness: browserRandomness,
    workers,
    mayBlock: "WorkerGlobalScope" in globalThis,
    sharesMemory: globalThis.crossOriginIsolated === true,
    local: undefined,
    loadFurtherCalls: async () => (await workers.useParts(ALL)).installFurtherCalls,
    loadPathCalls: () => workers.useParts(PATHS),
    loadTrapWords: async () => (await loadParts<WorkerParts>(ALL)).describeRawTrap,
    loadTraces: async () => {
      const { formatCall, formatEvent } = await workers.useParts(ALL);
      provideCallFormatter(formatCall);
      provideEventFormatter(formatEvent);
    },
    readFile: readLocation,
    load: (bytes, name, maximumPages) => workers.load(bytes, name, maximumPages),
    loadShareable: (bytes, name, maximumPages) => workers.loadShareable(bytes, name, maximumPages),
  };
}

async function readLocation(location: string): Promise<Uint8Array> {
  const response = await fetch(location);
  if (!response.ok)
    throw new Error(`${location} answered ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
