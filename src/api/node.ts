/** The library in Node. */
import { createNodeHost } from "../hosts/node/host.ts";
import { BaseMachine } from "./machine.ts";
import type { MachineOptions } from "./options.ts";

export * from "./index.ts";

/**
 * A machine: a kernel with files and processes.
 *
 *     import { Machine } from "weft";
 *
 *     await using machine = await Machine.create({ mounts: { "/project": "." } });
 *     const { stdout, exitCode } = await machine.run("hello.wasm", { args: ["world"] });
 */
export class Machine extends BaseMachine {
  /**
   * Boots a machine.
   *
   * @throws WeftError: ERR_OPTION, ERR_MOUNT
   */
  static async create(options: MachineOptions = {}): Promise<Machine> {
    if (Object.keys(options.mounts ?? {}).length === 0) {
      return new Machine(createNodeHost(), options);
    }
    const [{ createHostDirectories }, { createMountMaker }] = await Promise.all([
      import("../hosts/node/host-directories.ts"),
      import("./mount-maker.ts"),
    ]);
    return new Machine(createNodeHost(createHostDirectories()), options, createMountMaker);
  }
}
