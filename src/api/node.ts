/// <reference lib="esnext.disposable" preserve="true" />
/** The library in Node. */
import { createNodeHost } from "../hosts/node/host.ts";
import type { GuestInstance, InstantiateOptions } from "./guest-instance.ts";
import { MachineFiles } from "./files.ts";
import type { GuestTree } from "./guest-tree.ts";
import { BaseMachine } from "./machine.ts";
import type { BytesSource, MachineOptions } from "./options.ts";
import { pagesOf } from "./program.ts";
import type { Restoration, RestoreOptions } from "./restore.ts";

export * from "./index.ts";
export type {
  FunctionImports,
  GuestInstance,
  InstantiateOptions,
  ThreadImports,
  ThreadImportsContext,
} from "./guest-instance.ts";

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
    if (options.journal !== undefined) return this.createFromJournal(options, options.journal);
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

  private static async createFromJournal(options: MachineOptions, path: string): Promise<Machine> {
    const { openJournal } = await import("./journal-start.ts");
    const { journal, restoration, others } = await openJournal(options, path);
    const mounts = Object.keys(options.mounts ?? {}).length > 0;
    try {
      const machine = await this.make(others, restoration?.mounts ?? mounts, restoration);
      await machine.takeUp(journal, restoration);
      return machine;
    } catch (error) {
      journal.giveUpFile();
      throw error;
    }
  }

  private static async make(
    options: MachineOptions,
    mounts: boolean,
    beginning?: Restoration,
  ): Promise<Machine> {
    // Before the heap is looked at: it may have records that only those calls make.
    if (beginning?.furtherCalls === true) await import("../threads/further-calls.ts");
    if (!mounts) return new Machine(createNodeHost(), options, undefined, beginning);
    const [{ createHostDirectories }, { createMountMaker }] = await Promise.all([
      import("../hosts/node/host-directories.ts"),
      import("./mount-maker.ts"),
    ]);
    const host = createNodeHost(createHostDirectories());
    return new Machine(host, options, createMountMaker, beginning);
  }

  /** @internal */
  protected override makeFiles(tree: GuestTree): MachineFiles {
    return new MachineFiles(tree);
  }

  /** @internal */
  protected override async loadSnapshots() {
    return (await import("./snapshot.ts")).MachineSnapshots;
  }

  /** @internal */
  protected override async loadFurtherParts() {
    return (await import("./further-parts.ts")).furtherParts;
  }

  /**
   * Instantiates a program on the calling thread instead of running it: with Weft's WASI and WASIX, functions of the caller's beside those, and threads in
   * Weft's workers. Nothing is called but its start section; the caller calls the exports, `_initialize` first where there is one. A call that waits
   * blocks the calling thread. The instance cannot make contexts.
   *
   * @throws WeftError as `spawn`; what the engine throws at the instantiation
   */
  async instantiate(source: BytesSource, options: InstantiateOptions = {}): Promise<GuestInstance> {
    this.mustBeOpen();
    const { instantiate } = await import("./instantiate.ts");
    return instantiate(
      {
        host: this.host,
        pages: pagesOf(this.options.maxMemory),
        launch: (...launch) => this.launch(...launch),
        hostThreadOf: (record) => this.runProcesses().hostThreadOf!(record),
      },
      source,
      options,
    );
  }
}
