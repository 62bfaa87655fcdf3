/** Node as a host. */
import { promises } from "node:fs";
import {
  compileProgram,
  type GivenNames,
  NeedsFurtherReading,
  type Program,
  provideFurtherReading,
} from "../../loader/program.ts";
import { provideCallFormatter } from "../../syscalls/trace.ts";
import { provideEventFormatter } from "../../threads/trace-sink.ts";
import type { Host } from "../port.ts";
import { NodeClock } from "./clock.ts";
import type { HostDirectories } from "./host-directories.ts";
import { createNodeResources } from "./local.ts";
import { nodeRandomness } from "./random.ts";
import { createNodeWorkers } from "./workers.ts";

/**
 * Makes the host for one machine.
 *
 * @param directories for a machine that mounts directories of the host; @param parallelism how many processors there are, if that is known
 */
export function createNodeHost(directories?: HostDirectories, parallelism?: number): Host {
  return {
    name: "node",
    clock: new NodeClock(),
    randomness: nodeRandomness,
    workers: createNodeWorkers(directories !== undefined, parallelism),
    mayBlock: true,
    sharesMemory: true,
    local: createNodeResources(directories),
    loadFurtherCalls: async () =>
      (await import("../../threads/further-calls.ts")).installFurtherCalls,
    loadTrapWords: async () => (await import("../../loader/trap-description.ts")).describeRawTrap,
    loadTraces: async () => {
      provideCallFormatter((await import("../../syscalls/call-text.ts")).formatCall);
      provideEventFormatter((await import("../../threads/event-text.ts")).formatEvent);
    },
    readFile: readLocation,
    load: loadProgram,
    loadShareable: async (...program) =>
      (await import("../../loader/shareable-program.ts")).compileShareable(...program),
  };
}

async function loadProgram(
  bytes: Uint8Array,
  name: string,
  maximumPages: number,
  given?: GivenNames,
): Promise<Program> {
  const compile = () => compileProgram(bytes, name, maximumPages, given, true);
  try {
    return await compile();
  } catch (error) {
    if (!(error instanceof NeedsFurtherReading)) throw error;
    provideFurtherReading((await import("../../loader/further-reading.ts")).furtherReading);
    return compile();
  }
}

async function readLocation(text: string): Promise<Uint8Array> {
  if (/^https?:/.test(text)) {
    const response = await fetch(text);
    if (!response.ok) throw new Error(`${text} answered ${response.status} ${response.statusText}`);
    return new Uint8Array(await response.arrayBuffer());
  }
  return promises.readFile(text.startsWith("file:") ? new URL(text) : text);
}
