/** Snapshots of machines whose programs ask for them: what goes on, here and elsewhere. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Machine, type MachineEvent } from "../../src/api/node.ts";
import type { MachineOptions, SpawnOptions } from "../../src/api/options.ts";
import { compileGuest } from "../support/compile.ts";
import { loadGuest, withMachine } from "../support/machine-guest.ts";

/** Runs a case with a host that takes snapshots. */
async function runCase(
  name: string,
  machineOptions: MachineOptions = {},
  options: SpawnOptions = {},
) {
  const snapshots: Uint8Array[] = [];
  const events: MachineEvent[] = [];
  const onSnapshot = (snapshot: Uint8Array) => void snapshots.push(snapshot);
  const result = await withMachine({ onSnapshot, ...machineOptions }, async (machine) => {
    machine.onEvent((event) => events.push(event));
    const program = await machine.load(await compileGuest("process_snapshot"), "asker");
    return machine.run(program, { args: [name], ...options });
  });
  return { ...result, snapshots, events };
}

/** How the process of a snapshot ends. */
async function goOn(snapshot: Uint8Array, options: MachineOptions = {}) {
  const machine = await Machine.restore(snapshot, { debug: true, ...options });
  const [process] = machine.running;
  const result = await process.wait();
  await machine.close();
  return result;
}

test("a process goes on where it asked, here, there, and in another Node process", async () => {
  const { exitCode, stdout, stderr, snapshots } = await runCase("alone");
  const after = "after, in thread 1 of process 1\nalone: done\n";
  assert.deepEqual([exitCode, stdout, stderr], [0, `before\n${after}`, ""]);
  assert.equal(snapshots.length, 1);
  for (const _ of [1, 2]) {
    const there = await goOn(snapshots[0]);
    assert.deepEqual([there.pid, there.exitCode, there.stdout, there.stderr], [1, 0, after, ""]);
  }
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "weft-")), "snapshot");
  fs.writeFileSync(file, snapshots[0]);
  const child = fileURLToPath(new URL("../support/restore-child.js", import.meta.url));
  const ended = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    child,
    file,
    "{}",
  ]);
  fs.rmSync(path.dirname(file), { recursive: true });
  assert.equal((JSON.parse(ended.stdout) as { running: string }).running, after);
});

for (const [name, count, here, there] of [
  ["again", 4, "", ""],
  ["threads", 1, "threads 1, 2 and 3\n", "threads 1, 2 and 3\n"],
  ["family", 1, "", ""],
] as const) {
  test(`snapshots: ${name}`, async () => {
    const { exitCode, stdout, stderr, snapshots } = await runCase(name);
    assert.deepEqual([exitCode, stdout, stderr], [0, `${here}${name}: done\n`, ""]);
    // One is taken as soon as some ask, and others may ask later.
    assert.ok(snapshots.length >= count);
    for (const snapshot of snapshots) {
      const result = await goOn(snapshot);
      assert.deepEqual([result.exitCode, result.stdout], [0, `${there}${name}: done\n`]);
    }
  });
}

test("a restored process asks again, and its input and outputs are the new host program's", async () => {
  const { snapshots } = await runCase("again");
  const more: Uint8Array[] = [];
  const onSnapshot = (snapshot: Uint8Array) => void more.push(snapshot);
  assert.equal((await goOn(snapshots[0], { onSnapshot })).exitCode, 0);
  assert.equal(more.length, 3);
  assert.equal((await goOn(more[2])).stdout, "again: done\n");
});

test("a thread that does not come to the call is named to the host, and the program told", async () => {
  const { exitCode, stdout, snapshots, events } = await runCase("refused", {
    snapshotOptions: { timeout: 300 },
  });
  assert.deepEqual([exitCode, stdout, snapshots.length], [0, "asking\nrefused: done\n", 0]);
  const failed = events.filter(({ type }) => type === "snapshot-failed");
  assert.equal(failed.length, 1);
  assert.match(String((failed[0] as { cause: unknown }).cause), /thread 2 of process 1 \(asker\)/);
});

test("a process that waits for a snapshot can be killed, and its machine closed", async () => {
  const options = { onSnapshot: () => {}, snapshotOptions: { timeout: 60_000 } };
  await withMachine(options, async (machine) => {
    const program = await machine.load(await compileGuest("process_snapshot"), "asker");
    for (const kill of [true, false]) {
      const process = await machine.spawn(program, { args: ["refused"] });
      for await (const line of process.stdout!.lines()) if (line === "asking") break;
      if (!kill) break;
      process.kill();
      assert.equal((await process.wait()).signal, 9);
    }
  });
});

test("without a host that takes snapshots the call is 0 at once", async () => {
  await withMachine({}, async (machine) => {
    const program = await loadGuest(machine, "process_snapshot");
    assert.equal((await machine.run(program, { args: ["alone"] })).exitCode, 0);
    await machine.snapshot();
  });
});
