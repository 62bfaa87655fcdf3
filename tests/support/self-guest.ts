// Runs the guest programs about processes, which start themselves again: their file is /bin/self in the machine.

import { readFile } from "node:fs/promises";
import { after } from "node:test";
import { Machine, type MachineEvent } from "../../src/api/node.ts";
import type { LoadedProgram, MachineOptions, SpawnOptions } from "../../src/api/options.ts";
import { compileGuest } from "./compile.ts";

/** The bytes of a guest program. */
export async function guestBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(await compileGuest(name)));
}

/** One machine for all tests of a guest program, closed after the last of them: closing fails where anything is left. */
export class SelfMachine {
  readonly events: MachineEvent[] = [];
  private readonly made: Promise<{ machine: Machine; program: LoadedProgram }>;

  /** @param more makes further files of the guest's bytes */
  constructor(
    name: string,
    more: (bytes: Uint8Array<ArrayBuffer>) => NonNullable<MachineOptions["files"]> = () => ({}),
    options: MachineOptions = {},
  ) {
    this.made = this.make(name, more, options);
    after(async () => (await this.made).machine.close());
  }

  async spawn(args: readonly string[], options: SpawnOptions = {}) {
    const { machine, program } = await this.made;
    return machine.spawn(program, { args, name: "self", ...options });
  }

  async run(args: readonly string[], options: SpawnOptions = {}) {
    return (await this.spawn(args, options)).wait();
  }

  private async make(
    name: string,
    more: (bytes: Uint8Array<ArrayBuffer>) => NonNullable<MachineOptions["files"]>,
    options: MachineOptions,
  ) {
    const bytes = await guestBytes(name);
    const files = { "/bin/self": bytes, "/tmp/nothing": "", ...more(bytes) };
    const machine = await Machine.create({ debug: true, files, ...options });
    machine.onEvent((event) => this.events.push(event));
    return { machine, program: await machine.load(bytes, "self") };
  }
}
