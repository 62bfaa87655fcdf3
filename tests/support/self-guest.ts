// Runs the guest programs about processes, which start themselves again: their file is /bin/self in the machine.

import { readFile } from "node:fs/promises";
import type { Machine, MachineEvent } from "../../src/api/node.ts";
import type { MachineOptions, SpawnOptions } from "../../src/api/options.ts";
import { compileGuest } from "./compile.ts";
import { withMachine } from "./machine-guest.ts";

/** The bytes of a guest program. */
export async function guestBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(await compileGuest(name)));
}

/** Makes a machine in which a guest program finds itself, and closes it after the action. */
export async function withSelf<Result>(
  name: string,
  action: (machine: Machine, program: Uint8Array<ArrayBuffer>) => Promise<Result>,
  options: MachineOptions = {},
): Promise<Result> {
  const bytes = await guestBytes(name);
  const files = { "/bin/self": bytes, "/tmp/nothing": "", ...options.files };
  return withMachine({ ...options, files }, (machine) => action(machine, bytes));
}

/** Runs one case of a guest program and gives how it ended, and what happened meanwhile. */
export async function runSelf(
  name: string,
  args: readonly string[],
  options: SpawnOptions = {},
  machineOptions: MachineOptions = {},
) {
  const events: MachineEvent[] = [];
  const result = await withSelf(
    name,
    async (machine, program) => {
      machine.onEvent((event) => events.push(event));
      return machine.run(program, { args, name: "self", ...options });
    },
    machineOptions,
  );
  return { ...result, events };
}
