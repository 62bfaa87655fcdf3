/** The library in Node. */
import { loadFilesystems } from "../hosts/node/filesystems.ts";
import { createNodeHost } from "../hosts/node/host.ts";
import { BaseMachine } from "./machine.ts";
import { neededFilesystems } from "./mount-sources.ts";
import type { MachineOptions } from "./options.ts";

export * from "./index.ts";

/**
 * A machine: a kernel with files and processes.
 *
 *     import { Machine } from "weft";
 *
 *     await using machine = await Machine.create({ mounts: { "/work": "." } });
 *     const { stdout, exitCode } = await machine.run("hello.wasm", { args: ["world"] });
 */
export class Machine extends BaseMachine {
  /**
   * Boots a machine.
   *
   * @throws WeftError: ERR_OPTION, ERR_MOUNT
   */
  static async create(options: MachineOptions = {}): Promise<Machine> {
    const mounts = Object.values(options.mounts ?? {});
    if (mounts.length === 0) return new Machine(createNodeHost(), options);
    const { createHostDirectories } = await import("../hosts/node/host-directories.ts");
    const needs = neededFilesystems(mounts);
    const host = createNodeHost(createHostDirectories(), needs);
    return new Machine(host, options, await loadFilesystems(needs));
  }
}
