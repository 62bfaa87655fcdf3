/** What the tests of hostile input share: machines that must be empty again afterwards, programs as text, waiting with a bound. */
import assert from "node:assert/strict";
import { Machine } from "../../src/api/node.ts";
import { WeftError } from "../../src/api/node.ts";
import type { MachineOptions, ProgramSource, SpawnOptions } from "../../src/api/options.ts";
import type { ProcessResult } from "../../src/api/process-result.ts";

/** Kinds of objects that live as long as something runs: none may be left when nothing does. */
const RUNNING =
  /^(Process|Thread|Crew|FileTable|OpenFile|Pipe|EventCounter|WaitEntry|Parker|Futex.*|TmpfsListing|Host(Listing|File))$/;

/**
 * Runs an action on a machine that checks its locks, then sees that no process, thread, descriptor or wait is left, and closes it, which checks that
 * nothing at all is.
 */
export async function withMachine(
  options: MachineOptions,
  action: (machine: Machine) => Promise<void>,
): Promise<void> {
  const machine = await Machine.create({ debug: true, ...options });
  const before = running(machine);
  try {
    await action(machine);
    assert.deepEqual(running(machine), before);
  } catch (error) {
    // What failed first is what counts.
    await machine.close().catch(() => {});
    throw error;
  }
  await machine.close();
  assert.deepEqual(machine.ledger(), {});
  assert.equal(machine.workerCount, 0);
}

function running(machine: Machine): Record<string, number> {
  return Object.fromEntries(
    Object.entries(machine.ledger()).filter(([kind]) => RUNNING.test(kind)),
  );
}

/** Runs a program that has to end by itself: within a bound, and killed and reported where it does not. */
export async function runToEnd(
  machine: Machine,
  program: ProgramSource,
  options: SpawnOptions = {},
): Promise<ProcessResult> {
  const result = await machine.run(program, { timeout: 60_000, ...options });
  assert.equal(result.timedOut, false, `the program did not end by itself: ${result.stderr}`);
  return result;
}

/** Makes a module of text. */
export async function assemble(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const { default: loadWabt } = await import("wabt");
  const wabt = await loadWabt();
  const module = wabt.parseWat("test.wat", text, {
    threads: true,
    exceptions: true,
    mutable_globals: true,
    bulk_memory: true,
    memory64: true,
  });
  try {
    module.resolveNames();
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** The error that running a program gives: a WeftError with this code and a message that names the thing. */
export async function refusal(
  machine: Machine,
  program: ProgramSource,
  code: string,
  message: RegExp,
): Promise<void> {
  await assert.rejects(
    () => machine.run(program, { timeout: 20_000 }),
    (error: unknown) => {
      assert.ok(error instanceof WeftError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    },
  );
}

/** A program whose main thread answers that the machine is well. */
export const WELL = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 23))))`;

/** Sees that a machine still runs programs. */
export async function isWell(machine: Machine): Promise<void> {
  assert.equal((await machine.run(await assemble(WELL))).exitCode, 23);
}
