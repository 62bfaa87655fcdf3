/** The library in Node. */
import { createNodeHost } from "../hosts/node/host.ts";
import type { Beginning } from "./beginning.ts";
import { BaseMachine } from "./machine.ts";
import type { MachineOptions } from "./options.ts";
import type { RestoreOptions } from "./restore.ts";

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
    return this.make(options, Object.keys(options.mounts ?? {}).length > 0);
  }

  /**
   * Makes a machine that goes on where another was when `snapshot` put it into bytes. What lay on the host is named by the option `mounts`.
   *
   * @throws WeftError: ERR_SNAPSHOT, ERR_OPTION, ERR_MOUNT
   */
  static async restore(
    snapshot: Uint8Array | ArrayBuffer,
    options: RestoreOptions = {},
  ): Promise<Machine> {
    const restoration = await (await import("./restore.ts")).openSnapshot(snapshot, options);
    const machine = await this.make(options, restoration.mounts, restoration);
    await machine.resume(restoration);
    return machine;
  }

  private static async make(
    options: MachineOptions,
    mounts: boolean,
    beginning?: Beginning,
  ): Promise<Machine> {
    if (!mounts) return new Machine(createNodeHost(), options, undefined, beginning);
    const [{ createHostDirectories }, { createMountMaker }] = await Promise.all([
      import("../hosts/node/host-directories.ts"),
      import("./mount-maker.ts"),
    ]);
    const host = createNodeHost(createHostDirectories());
    return new Machine(host, options, createMountMaker, beginning);
  }

  /** @internal */
  protected override async loadSnapshots() {
    return (await import("./snapshot.ts")).snapshots;
  }
}
