/** Snapshots that the host program takes while programs wait in their calls. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Machine } from "../../src/api/node.ts";
import type { Process } from "../../src/api/process.ts";
import { compileGuest } from "../support/compile.ts";
import { withMachine } from "../support/machine-guest.ts";

/** Starts a case and runs until all its threads wait. Keeps what it prints afterwards. */
async function startCase(machine: Machine, name: string) {
  const program = await machine.load(await compileGuest("process_captured"), "waiter");
  const process = await machine.spawn(program, { args: [name], stdin: "pipe" });
  const lines = process.stdout!.lines();
  assert.equal((await lines.next()).value, "ready");
  return { process, lines };
}

async function goOn(process: Process, lines: AsyncIterator<string>) {
  await process.stdin!.write("g");
  let said = "";
  for (let line = await lines.next(); line.done !== true; line = await lines.next())
    said += `${line.value}\n`;
  const { exitCode, stderr } = await process.wait();
  return [exitCode, stderr, said] as const;
}

for (const [name, pattern] of [
  ["threads", /^1: 3 to 11\nthreads: done\n$/],
  ["family", /^family: done\n$/],
  ["many", /^many: done\n$/],
] as const) {
  test(`threads that wait go on here and where the snapshot is restored: ${name}`, async () => {
    let snapshot = new Uint8Array();
    await withMachine({ onSnapshot: () => {} }, async (machine) => {
      const { process, lines } = await startCase(machine, name);
      // Again and again: each leaves all as it was.
      for (let round = 0; round < 3; round++) snapshot = await machine.snapshot();
      const [exitCode, stderr, said] = await goOn(process, lines);
      assert.deepEqual([exitCode, stderr], [0, ""]);
      assert.match(said, pattern);
    });
    const restored = await Machine.restore(snapshot, { debug: true, onSnapshot: () => {} });
    // And from there.
    const second = await restored.snapshot();
    const [process] = restored.running;
    const [exitCode, stderr, said] = await goOn(process, process.stdout!.lines());
    assert.deepEqual([exitCode, stderr], [0, ""]);
    assert.match(said, pattern);
    await restored.close();
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "weft-")), "snapshot");
    fs.writeFileSync(file, second);
    const { execArgv, execPath } = globalThis.process;
    const child = fileURLToPath(new URL("../support/restore-child.js", import.meta.url));
    const ended = await promisify(execFile)(execPath, [...execArgv, child, file, "{}"]);
    fs.rmSync(path.dirname(file), { recursive: true });
    assert.match((JSON.parse(ended.stdout) as { running: string }).running, pattern);
  });
}

test("a program that is killed while a snapshot is waited for is gone, and the machine goes on", async () => {
  await withMachine({ onSnapshot: () => {} }, async (machine) => {
    const program = await machine.load(await compileGuest("process_snapshot"), "asker");
    const busy = await machine.spawn(program, { args: ["refused"] });
    const lines = busy.stdout!.lines();
    assert.equal((await lines.next()).value, "asking");
    const waiting = machine.snapshot();
    busy.kill();
    await busy.wait();
    await waiting;
    const { process, lines: others } = await startCase(machine, "family");
    await machine.snapshot();
    assert.deepEqual(await goOn(process, others), [0, "", "family: done\n"]);
  });
});
