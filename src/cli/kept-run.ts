/**
 * `weft run` with `--journal`, `--snapshot` or `--restore`: a program whose machine is kept in a file, to go on from there when the program, or this command, was ended
 * in the middle.
 */
import { renameSync, writeFileSync } from "node:fs";
import {
  isRefusal,
  type MachineEvent,
  type Process,
  type ProcessResult,
  type SpawnOptions,
} from "../api/command.ts";
import type { Machine } from "../api/node.ts";
import { ExitCode } from "./exit-codes.ts";
import { Failure, failureOf } from "./failure.ts";
import { complain } from "./output.ts";
import { machineOptionsOf, type RunSettings } from "./run-options.ts";
import { SnapshotTriggers } from "./snapshot-triggers.ts";
import { releaseTerminal, runSupervised } from "./supervised-run.ts";

/** A program from its file. */
export interface ProgramStart {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly options: SpawnOptions;
}

/** Milliseconds between snapshots where nothing else is said, as wasmer has it. */
const PERIOD = 10_000;

/**
 * Runs a program, or goes on with it, to its end.
 *
 * @param program undefined where it is in a snapshot
 * @returns how it ended, and what it is called; undefined where it stands still in a snapshot (`--stop-after-snapshot`)
 */
export async function runKept(
  settings: RunSettings,
  program: ProgramStart | undefined,
): Promise<{ result: ProcessResult; name: string } | undefined> {
  let stop = () => {};
  const stopped = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
  });
  const keep = async (snapshot: Uint8Array) => {
    if (settings.snapshot !== undefined) replaceFile(settings.snapshot, snapshot);
    if (!settings.stopAfterSnapshot) return;
    stop();
    // Its threads stand still until this process ends.
    await new Promise<never>(() => {});
  };
  const machine = await openMachine(settings, keep);
  tellFailures(machine, settings.quiet);
  const ended = runToEnd(machine, settings, program);
  const end = await Promise.race([ended, stopped]);
  if (end === undefined) releaseTerminal();
  else machine.noteEnds();
  return end;
}

/** The library is a file of its own, with more in it than the command has. */
async function openMachine(
  settings: RunSettings,
  onSnapshot: (snapshot: Uint8Array) => Promise<void>,
): Promise<Machine> {
  const { Machine } = await import("../api/node.ts");
  const { journal, restore } = settings;
  const options = { ...machineOptionsOf(settings), onSnapshot };
  try {
    if (restore === undefined)
      return await Machine.create({ ...options, ...(journal === undefined ? {} : { journal }) });
    return await Machine.restore(restore.bytes, options);
  } catch (error) {
    throw failureOf(error);
  }
}

function tellFailures(machine: Machine, isQuiet: boolean): void {
  if (isQuiet) return;
  for (const lost of machine.journal?.lost ?? []) complain(`not to be had again: ${lost}`);
  machine.onEvent((event) => {
    if (event.type === "snapshot-failed") complainOf(event.cause);
  });
}

function complainOf(cause: unknown): void {
  complain(`no snapshot: ${cause instanceof Error ? cause.message : String(cause)}`);
}

async function runToEnd(
  machine: Machine,
  settings: RunSettings,
  program: ProgramStart | undefined,
): Promise<{ result: ProcessResult; name: string }> {
  let isTaking = false;
  const { snapshotOn, snapshotPeriod = PERIOD, timeout, quiet } = settings;
  const take = async () => {
    if (isTaking || machine.running.length === 0) return;
    isTaking = true;
    try {
      await machine.offerSnapshot();
    } catch (cause) {
      if (!quiet && machine.running.length > 0) complainOf(cause);
    }
    isTaking = false;
  };
  const isLoading = () => machine.isLoading;
  const triggers = new SnapshotTriggers(snapshotOn, snapshotPeriod, take, isLoading);
  const going: Process | undefined = machine.running[0];
  const name = program?.name ?? going?.options.name ?? "";
  if (program === undefined && going === undefined)
    throw new Failure(ExitCode.cannotRun, "the snapshot holds no program that runs.");
  let timedOut = false;
  const result = await runSupervised({
    name,
    start: async (streams) => {
      // Before the first thread begins.
      let guest = going;
      const listeners: ((event: MachineEvent) => void)[] = [];
      if (snapshotOn.includes("idle"))
        machine.onEvent((event) => listeners.forEach((listen) => listen(event)), { waits: true });
      if (guest === undefined) {
        const { bytes, options } = program!;
        const loaded = await machine.load(bytes, name).catch((error: unknown) => {
          throw failureOf(error);
        });
        if (settings.snapshot !== undefined && loaded.program.asyncify === undefined)
          throw new Failure(
            ExitCode.cannotRun,
            `${name} does not carry asyncify, so it cannot be in a snapshot. Give it that: weft instrument program.wasm out.wasm`,
          );
        // What is read from a file here is something else where the program goes on.
        const stdin = streams.stdin === "inherit" ? "pipe" : streams.stdin;
        guest = await machine.spawn(loaded, { ...options, ...streams, ...(stdin && { stdin }) });
      }
      if (timeout !== undefined) {
        const running = guest;
        const timer = setTimeout(() => {
          timedOut = true;
          running.kill();
        }, timeout);
        void guest.exiting().finally(() => clearTimeout(timer));
      }
      triggers.follow(guest, (listener) => {
        listeners.push(listener);
        return () => void listeners.splice(listeners.indexOf(listener), 1);
      });
      return guest;
    },
    onRefused: (listener) =>
      machine.onEvent((event) => {
        if (isRefusal(event)) listener(event);
      }),
    takesSignal: (signal) => triggers.takesSignal(signal),
    beforeInput: () => triggers.beforeInput(),
  });
  return { result: { ...result, timedOut }, name };
}

/** Puts bytes in a file's place, all or none of them. */
function replaceFile(path: string, bytes: Uint8Array): void {
  const next = `${path}.next`;
  writeFileSync(next, bytes, { flush: true });
  renameSync(next, path);
}
