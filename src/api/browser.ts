/** The library in browsers. */
import { type BrowserHost, createBrowserHost } from "../hosts/browser/host.ts";
import { loadParts } from "../hosts/browser/parts.ts";
import { WeftError } from "./errors.ts";
import type { Beginning } from "./beginning.ts";
import { BaseMachine } from "./machine.ts";
import type { MakerFactory } from "./mount-sources.ts";
import type { MachineOptions } from "./options.ts";

export * from "./index.ts";
export { opfs } from "./mount-sources.ts";

export interface BrowserMachineOptions extends MachineOptions {
  /**
   * Where the worker's script is served: a copy of the package's `dist/worker-browser.js`. Only for pages whose Content-Security-Policy forbids
   * workers from `blob:` URLs.
   */
  readonly workerUrl?: string | URL;
}

/** What a machine is restored with: its options, but for the files that it has already. */
export type BrowserRestoreOptions = Omit<BrowserMachineOptions, "files">;

type Parts = typeof import("./browser-parts.ts");

/**
 * A machine: a kernel with files and processes.
 *
 *     import { Machine } from "weft";
 *
 *     const machine = await Machine.create({ files: { "/greeting.txt": "hello" } });
 *     const { stdout, exitCode } = await machine.run("/programs/hello.wasm", { args: ["world"] });
 *     await machine.close();
 */
export class Machine extends BaseMachine {
  /** @internal */
  protected constructor(
    protected readonly browser: BrowserHost,
    options: MachineOptions,
    createMaker?: MakerFactory,
    beginning?: Beginning,
  ) {
    super(browser, options, createMaker, beginning);
  }

  /**
   * Boots a machine.
   *
   * @throws WeftError: ERR_OPTION, ERR_MOUNT; ERR_HOST when the page cannot start workers
   */
  static async create(options: BrowserMachineOptions = {}): Promise<Machine> {
    if (options.journal !== undefined)
      throw new WeftError("ERR_HOST", "journal: a page has no files of the host to keep one in");
    const isolated = globalThis.crossOriginIsolated === true;
    const needsParts = !isolated || Object.keys(options.mounts ?? {}).length > 0;
    return this.make(options, needsParts ? await loadParts<Parts>() : undefined);
  }

  /**
   * Makes a machine that goes on where another was when `snapshot` put it into bytes. What lay on the host is named by the option `mounts`.
   *
   * @throws WeftError: ERR_SNAPSHOT, ERR_OPTION; ERR_HOST when the page cannot start workers
   */
  static async restore(
    snapshot: Uint8Array | ArrayBuffer,
    options: BrowserRestoreOptions = {},
  ): Promise<Machine> {
    const loaded = await loadParts<Parts>();
    const restoration = await loaded.parts.openSnapshot(snapshot, options);
    const machine = await this.make(options, loaded, restoration);
    await machine.resume(restoration);
    return machine;
  }

  private static async make(
    options: BrowserMachineOptions,
    loaded: { parts: Parts; workerSource: string } | undefined,
    beginning?: Beginning,
  ): Promise<Machine> {
    const isolated = globalThis.crossOriginIsolated === true;
    const workerUrl = options.workerUrl === undefined ? undefined : String(options.workerUrl);
    const host = createBrowserHost(workerUrl, loaded?.workerSource);
    try {
      await host.workers.prepare();
      const mounts = options.mounts ?? {};
      const createMaker = isolated
        ? await loaded?.parts.openStores(host.workers, mounts)
        : loaded?.parts.createMountMaker;
      const Kind = isolated || loaded === undefined ? Machine : loaded.parts.CopyingMachine;
      return new Kind(host, options, createMaker, beginning);
    } catch (cause) {
      host.workers.dispose();
      if (cause instanceof WeftError) throw cause;
      throw new WeftError("ERR_HOST", cause instanceof Error ? cause.message : String(cause), {
        cause,
      });
    }
  }

  /** @internal */
  protected override async loadSnapshots() {
    return (await loadParts<Parts>()).parts.MachineSnapshots;
  }

  /** @internal */
  protected override async loadFurtherParts() {
    return (await loadParts<Parts>()).parts.furtherParts;
  }

  override async close(): Promise<void> {
    try {
      await super.close();
    } finally {
      this.browser.workers.dispose();
    }
  }
}
