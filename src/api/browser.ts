/** The library in browsers. */
import { createBrowserHost } from "../hosts/browser/host.ts";
import { WeftError } from "./errors.ts";
import { CopyingMachine } from "./copying-machine.ts";
import type { MachineOptions } from "./options.ts";

export * from "./index.ts";

export interface BrowserMachineOptions extends MachineOptions {
  /**
   * Where the worker's script is served: a copy of the package's `dist/worker-browser.js`. Only for pages whose Content-Security-Policy forbids
   * workers from `blob:` URLs.
   */
  readonly workerUrl?: string | URL;
}

/**
 * A machine: a kernel with files and processes.
 *
 *     import { Machine } from "weft";
 *
 *     const machine = await Machine.create({ files: { "/greeting.txt": "hello" } });
 *     const { stdout, exitCode } = await machine.run("/programs/hello.wasm", { args: ["world"] });
 *     await machine.close();
 */
export class Machine extends CopyingMachine {
  /**
   * Boots a machine.
   *
   * @throws WeftError: ERR_OPTION; ERR_HOST when the page cannot start workers
   */
  static async create(options: BrowserMachineOptions = {}): Promise<Machine> {
    const host = createBrowserHost(
      options.workerUrl === undefined ? undefined : String(options.workerUrl),
    );
    try {
      await host.workers.prepare();
      return new Machine(host, options);
    } catch (cause) {
      host.workers.dispose();
      if (cause instanceof WeftError) throw cause;
      throw new WeftError("ERR_HOST", cause instanceof Error ? cause.message : String(cause), {
        cause,
      });
    }
  }

  override async close(): Promise<void> {
    await super.close();
    this.browser.workers.dispose();
  }
}
