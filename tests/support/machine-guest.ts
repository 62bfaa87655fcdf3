// Runs guest programs on machines of the library, as its users do, with the kernel's own checks on.
//
// A machine is closed at the end of each use: closing checks that the ledger of kernel objects is empty.

import { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Machine, type MachineEvent } from "../../src/api/node.ts";
import type { LoadedProgram, MachineOptions, SpawnOptions } from "../../src/api/options.ts";
import type { Process } from "../../src/api/process.ts";
import type { ProcessResult } from "../../src/api/process-result.ts";
import { compileGuest, type CompileOptions } from "./compile.ts";

/** A guest program loaded for a machine. */
export async function loadGuest(
  machine: Machine,
  name: string,
  options?: CompileOptions,
): Promise<LoadedProgram> {
  return machine.load(await compileGuest(name, options), name);
}

/** Makes a machine that checks the order of its locks, and closes it after the action, whatever comes of that. */
export async function withMachine<Result>(
  options: MachineOptions,
  action: (machine: Machine) => Promise<Result>,
): Promise<Result> {
  const machine = await Machine.create({ debug: true, ...options });
  try {
    return await action(machine);
  } finally {
    await machine.close();
  }
}

/** One machine for all tests of a file, closed after the last of them: closing fails where anything is left. */
export class SharedMachine {
  private readonly made: Promise<Machine>;
  private readonly programs = new Map<string, Promise<LoadedProgram>>();

  /** @param compiling how its programs are compiled */
  constructor(
    options: MachineOptions = {},
    private readonly compiling?: CompileOptions,
  ) {
    this.made = Machine.create({ debug: true, ...options });
    after(async () => (await this.made).close());
  }

  get machine(): Promise<Machine> {
    return this.made;
  }

  async load(name: string): Promise<LoadedProgram> {
    if (!this.programs.has(name))
      this.programs.set(name, loadGuest(await this.made, name, this.compiling));
    return this.programs.get(name)!;
  }

  async run(
    name: string,
    args: readonly string[] = [],
    options: SpawnOptions = {},
  ): Promise<ProcessResult> {
    const program = await this.load(name);
    return (await this.made).run(program, { args, ...options });
  }

  /** Runs a program and gives what happened in the machine meanwhile, in order. */
  async runWithEvents(
    name: string,
    args: readonly string[] = [],
    options: SpawnOptions = {},
  ): Promise<{ result: ProcessResult; events: MachineEvent[] }> {
    const program = await this.load(name);
    const machine = await this.made;
    const events: MachineEvent[] = [];
    const stop = machine.onEvent((event) => events.push(event));
    try {
      const result = await machine.run(program, { args, ...options });
      // Events are told by the event loop, perhaps a turn after the end.
      while (!events.some((event) => event.type === "process-ended")) await delay(1);
      return { result, events };
    } finally {
      stop();
    }
  }

  /** Starts a program and waits until it has written the line "ready". */
  async spawnReady(
    name: string,
    args: readonly string[],
    options: SpawnOptions = {},
  ): Promise<Process> {
    const program = await this.load(name);
    const process = await (await this.made).spawn(program, { args, stdin: "pipe", ...options });
    for await (const line of process.stdout!.lines()) if (line === "ready") return process;
    const result = await process.wait();
    throw new Error(`${name} ${args.join(" ")} ended too early: ${JSON.stringify(result)}`);
  }
}
