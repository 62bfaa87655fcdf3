// Runs guest programs on machines of the library, as its users do, with the kernel's own checks on.
//
// A machine is closed at the end of each use: closing checks that the ledger of kernel objects is empty.

import { Machine, type MachineEvent } from "../../src/api/node.ts";
import type { LoadedProgram, MachineOptions, SpawnOptions } from "../../src/api/options.ts";
import type { Process, ProcessResult } from "../../src/api/process.ts";
import { compileGuest } from "./compile.ts";

/** A guest program loaded for a machine. */
export async function loadGuest(machine: Machine, name: string): Promise<LoadedProgram> {
  return machine.load(await compileGuest(name), name);
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

/** Runs a program in a machine of its own. */
export async function runGuest(
  name: string,
  args: readonly string[] = [],
  { machine = {}, ...options }: SpawnOptions & { machine?: MachineOptions } = {},
): Promise<ProcessResult> {
  return withMachine(machine, async (made) =>
    made.run(await loadGuest(made, name), { args, ...options }),
  );
}

/** Runs a program and gives what happened in its machine, in order. */
export async function runWithEvents(
  name: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Promise<{ result: ProcessResult; events: MachineEvent[] }> {
  const events: MachineEvent[] = [];
  const result = await withMachine({}, async (machine) => {
    machine.onEvent((event) => events.push(event));
    return machine.run(await loadGuest(machine, name), { args, ...options });
  });
  return { result, events };
}

/** Starts a program and waits until it has written the line "ready". */
export async function spawnReady(
  machine: Machine,
  program: LoadedProgram,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<Process> {
  const process = await machine.spawn(program, { args, stdin: "pipe", ...options });
  for await (const line of process.stdout!.lines()) if (line === "ready") return process;
  throw new Error(
    `${program.name} ${args.join(" ")} ended before it was ready: ${JSON.stringify(await process.wait())}`,
  );
}
