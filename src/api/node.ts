/** The library in Node. */
import { createNodeHost } from "../hosts/node/host.ts";
import { Machine } from "./machine.ts";
import type { MachineOptions } from "./options.ts";

export * from "./index.ts";
export type { Machine };

/**
 * Boots a machine.
 *
 *     import { createMachine } from "weft";
 *
 *     await using machine = await createMachine({ mounts: { "/work": "." } });
 *     const { stdout, exitCode } = await machine.run("hello.wasm", { args: ["world"] });
 *
 * @throws WeftError: ERR_OPTION, ERR_MOUNT
 */
export async function createMachine(options: MachineOptions = {}): Promise<Machine> {
  return Machine.boot(createNodeHost(), options);
}

/** The same at once, for commands: see `Machine.runSync`. */
export function createMachineSync(options: MachineOptions = {}): Machine {
  return Machine.boot(createNodeHost(), options);
}
