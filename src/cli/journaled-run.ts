/** `weft run --journal`: a program that goes on where it was when this machine, or this command, was ended in the middle. */
import {
  isRefusal,
  type LoadedProgram,
  type MachineEvent,
  type ProcessResult,
  type SpawnOptions,
} from "../api/command.ts";
import { failureOf } from "./failure.ts";
import { complain } from "./output.ts";
import { machineOptionsOf, type RunSettings } from "./run-options.ts";
import { runSupervised, type SupervisedMachine } from "./supervised-run.ts";

/** Runs a program, or goes on with it, to its end. */
export async function runJournaled(
  settings: RunSettings,
  bytes: Uint8Array,
  name: string,
  options: SpawnOptions,
): Promise<ProcessResult> {
  const { machine, loaded } = await open(settings, bytes, name);
  const supervised: SupervisedMachine = {
    spawn: (...program) => machine.spawn(...program),
    onRefused: (listener) =>
      machine.onEvent((event: MachineEvent) => {
        if (isRefusal(event)) listener(event);
      }),
  };
  if (!settings.quiet) {
    for (const lost of machine.journal?.lost ?? []) complain(`not to be had again: ${lost}`);
    machine.onEvent((event) => {
      if (event.type !== "snapshot-failed") return;
      const { cause } = event;
      complain(`no snapshot: ${cause instanceof Error ? cause.message : String(cause)}`);
    });
  }
  const result = await runSupervised(
    supervised,
    loaded,
    options,
    settings.timeout,
    machine.running[0],
  );
  machine.noteEnds();
  return result;
}

/** The library is a file of its own, with more in it than the command has. */
async function open(settings: RunSettings, bytes: Uint8Array, name: string) {
  const { Machine } = await import("../api/node.ts");
  try {
    const machine = await Machine.create({
      ...machineOptionsOf(settings),
      ...(settings.journal === undefined ? {} : { journal: settings.journal }),
    });
    const loaded: LoadedProgram = await machine.load(bytes, name);
    return { machine, loaded };
  } catch (error) {
    throw failureOf(error);
  }
}
