/// <reference lib="esnext.disposable" preserve="true" />
/** The library in browsers. */
import { type BrowserHost, createBrowserHost } from "../hosts/browser/host.ts";
import { ALL, type Count, loadParts, NONE, PATHS } from "../hosts/browser/parts.ts";
import { WeftError } from "./errors.ts";
import type { Beginning } from "./beginning.ts";
import type { MachineFiles } from "./files.ts";
import type { GuestTree } from "./guest-tree.ts";
import { BaseMachine } from "./machine.ts";
import type { MakerFactory } from "./mount-sources.ts";
import type { MachineOptions } from "./options.ts";

export * from "./index.ts";
export { opfs } from "./mount-sources.ts";

/** Options of a machine on a page. */
export interface BrowserMachineOptions extends MachineOptions {
  /**
   * Where the worker's script is served: a copy of the package's `dist/worker-browser.js`. Only for pages whose Content-Security-Policy forbids
   * workers from `blob:` URLs.
   */
  readonly workerUrl?: string | URL;
}

/** What a machine is restored with: the options of a machine without `files`, which it has already. */
export type BrowserRestoreOptions = Omit<BrowserMachineOptions, "files">;

type Parts = typeof import("./browser-paths.ts") & typeof import("./browser-parts.ts");

type FileCall = Exclude<keyof MachineFiles, "onChange">;

/** What a page can call to look at files, all of which can wait: the code for it is a part. */
const FILE_CALLS = Object.keys({
  readFile: 0,
  readTextFile: 0,
  writeFile: 0,
  appendFile: 0,
  mkdir: 0,
  readdir: 0,
  stat: 0,
  lstat: 0,
  exists: 0,
  rm: 0,
  rename: 0,
  symlink: 0,
  readlink: 0,
} satisfies Record<FileCall, 0>) as FileCall[];

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
    const { mounts = {}, files = {}, debug } = options;
    if (!isIsolated() || Object.keys(mounts).length > 0 || debug === true)
      return this.make(options, ALL);
    return this.make(options, Object.keys(files).length > 0 ? PATHS : NONE);
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
    const { openSnapshot } = await loadParts<Parts>(ALL);
    const restoration = await openSnapshot(snapshot, options);
    const machine = await this.make(options, ALL, restoration);
    await machine.resume(restoration);
    return machine;
  }

  private static async make(
    options: BrowserMachineOptions,
    count: Count,
    beginning?: Beginning,
  ): Promise<Machine> {
    const parts = await loadParts<Parts>(count);
    const workerUrl = options.workerUrl === undefined ? undefined : String(options.workerUrl);
    const host = createBrowserHost(workerUrl, count);
    try {
      await host.workers.prepare();
      const mounts = options.mounts ?? {};
      if (count !== ALL) return new Machine(host, options, undefined, beginning);
      if (!isIsolated())
        return new parts.CopyingMachine(host, options, parts.createMountMaker, beginning);
      const createMaker = await parts.openStores(host.workers, mounts);
      return new Machine(host, options, createMaker, beginning);
    } catch (cause) {
      host.workers.dispose();
      if (cause instanceof WeftError) throw cause;
      throw new WeftError("ERR_HOST", cause instanceof Error ? cause.message : String(cause), {
        cause,
      });
    }
  }

  /** @internal What stands for the files until one of its methods is called. */
  protected override makeFiles(tree: GuestTree): MachineFiles {
    let files: MachineFiles | undefined;
    const calls = FILE_CALLS.map((name) => [
      name,
      async (...parameters: unknown[]): Promise<unknown> => {
        const { MachineFiles } = await loadParts<Parts>(PATHS);
        const made = (files ??= new MachineFiles(tree));
        return Reflect.apply(made[name], made, parameters);
      },
    ]);
    return Object.fromEntries(calls) as MachineFiles;
  }

  /** @internal */
  protected override async loadSnapshots() {
    return (await loadParts<Parts>(ALL)).MachineSnapshots;
  }

  /** @internal */
  protected override async loadFurtherParts() {
    return (await loadParts<Parts>(ALL)).furtherParts;
  }

  override async close(): Promise<void> {
    try {
      await super.close();
    } finally {
      this.browser.workers.dispose();
    }
  }
}

const isIsolated = (): boolean => globalThis.crossOriginIsolated === true;
