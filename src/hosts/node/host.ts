/** Node as a host. */
import fs from "node:fs";
import { compileProgram, compileShareable } from "../../loader/program.ts";
import type { Host } from "../port.ts";
import { NodeClock } from "./clock.ts";
import { createNodeResources } from "./local.ts";
import { nodeRandomness } from "./random.ts";
import { nodeWorkers } from "./workers.ts";

/** Makes the host for one agent. */
export function createNodeHost(): Host {
  return {
    name: "node",
    clock: new NodeClock(),
    randomness: nodeRandomness,
    workers: nodeWorkers,
    mayBlock: true,
    sharesMemory: true,
    local: createNodeResources(),
    readFile: readLocation,
    load: compileProgram,
    loadShareable: compileShareable,
  };
}

async function readLocation(text: string): Promise<Uint8Array> {
  if (/^https?:/.test(text)) {
    const response = await fetch(text);
    if (!response.ok) throw new Error(`${text} answered ${response.status} ${response.statusText}`);
    return new Uint8Array(await response.arrayBuffer());
  }
  return fs.promises.readFile(text.startsWith("file:") ? new URL(text) : text);
}
