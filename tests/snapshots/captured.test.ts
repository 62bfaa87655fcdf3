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
import { openDescriptors } from "../support/hostfs-fixture.ts";
import { Random } from "../support/kernel-random.ts";
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
  ["state", /^state: done\n$/],
  ["stopped", /^stopped: done\n$/],
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

test("files and directories of the host are opened where they are, and named where they are not", async () => {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "weft-")));
  const at = (name: string) => path.join(directory, name);
  for (const name of ["one/d", "two/d"]) fs.mkdirSync(at(name), { recursive: true });
  const mountsOf = (name: string) => ({ mounts: { "/host": at(name) } });
  const descriptors = openDescriptors();
  const snapshot = await withMachine(
    { onSnapshot: () => {}, ...mountsOf("one") },
    async (machine) => {
      const { process, lines } = await startCase(machine, "host");
      await machine.snapshot();
      const taken = await machine.snapshot();
      fs.rmSync(at("one/f"));
      await assert.rejects(machine.snapshot(), {
        code: "ERR_SNAPSHOT",
        message: /process 1 \(waiter\) has as descriptor 4 a file of the host that cannot be found/,
      });
      assert.deepEqual(await goOn(process, lines), [0, "", "host: done\n"]);
      return taken;
    },
  );
  assert.equal(openDescriptors(), descriptors);
  await assert.rejects(Machine.restore(snapshot), { code: "ERR_SNAPSHOT", message: /"\/host"/ });
  await assert.rejects(Machine.restore(snapshot, mountsOf("two")), {
    code: "ERR_SNAPSHOT",
    message: /"\/host\/f" of process 1 \(waiter\) \(ENOENT\), "\/host\/d\/log" of process 1/,
  });
  fs.writeFileSync(at("two/f"), "xyz3456789");
  fs.writeFileSync(at("two/d/log"), "ONE ");
  const restored = await Machine.restore(snapshot, { debug: true, ...mountsOf("two") });
  const [process] = restored.running;
  assert.deepEqual(await goOn(process, process.stdout!.lines()), [0, "", "host: done\n"]);
  await restored.close();
  assert.equal(fs.readFileSync(at("two/d/log"), "latin1"), "ONE two");
  assert.ok(fs.existsSync(at("two/d/in")));
  assert.equal(openDescriptors(), descriptors);
  fs.rmSync(directory, { recursive: true });
});

test("damaged snapshots of running programs are refused, wherever the damage is, and nothing runs", async () => {
  const seed = Number(process.env.WEFT_SEED ?? 3);
  const random = new Random(seed);
  const kinds = await withMachine({ onSnapshot: () => {} }, async (machine) => {
    const { process, lines } = await startCase(machine, "family");
    const taken = [await machine.snapshot(), await machine.snapshot({ compress: true })];
    await goOn(process, lines);
    return taken;
  });
  const descriptors = openDescriptors();
  for (let round = 0; round < 60; round++) {
    const whole = kinds[round % 2];
    const bytes = whole.slice(0, round % 3 === 0 ? random.below(whole.length) : whole.length);
    if (bytes.length === whole.length)
      for (let flips = 1 + random.below(4); flips > 0; flips--)
        // Twice the same bit would be none.
        bytes[random.below(bytes.length / 4) * 4 + (flips - 1)] ^= 1 << random.below(8);
    await assert.rejects(
      Machine.restore(bytes),
      { code: "ERR_SNAPSHOT" },
      `seed ${seed}, round ${round}`,
    );
  }
  assert.equal(openDescriptors(), descriptors);
  const machine = await Machine.restore(kinds[1], { debug: true });
  await machine.running[0].stdin!.write("g");
  assert.equal((await machine.running[0].wait()).stdout, "family: done\n");
  await machine.close();
});
