/** Journals: machines that go on after their host program was ended in the middle. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { Machine } from "../../src/api/node.ts";
import type { MachineOptions } from "../../src/api/options.ts";
import { run, start } from "../cli/command.ts";
import { compileGuest } from "../support/compile.ts";
import { withMachine } from "../support/machine-guest.ts";
import { Random } from "../support/kernel-random.ts";

async function withDirectory<Result>(action: (directory: string) => Promise<Result>) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "weft-journal-"));
  try {
    return await action(directory);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

/** Runs a case until it waits, and switches its machine off. */
async function runUntilReady(options: MachineOptions, name: string) {
  return withMachine(options, async (machine) => {
    const program = await machine.load(await compileGuest("process_journal"), "keeper");
    const process = await machine.spawn(program, { args: [name], stdin: "pipe" });
    let said = "";
    for await (const line of process.stdout!.lines()) {
      if (line === "ready") return said;
      said += `${line}\n`;
    }
    throw new Error(`it ended: ${said} ${(await process.wait()).stderr}`);
  });
}

/** Goes on with a case to its end. */
async function goOn(options: MachineOptions, name: string) {
  return withMachine(options, async (machine) => {
    const program = await machine.load(await compileGuest("process_journal"), "keeper");
    const process =
      machine.running[0] ?? (await machine.spawn(program, { args: [name], stdin: "pipe" }));
    await process.stdin!.write("go\n");
    const { exitCode, stdout, stderr } = await process.wait();
    return { exitCode, stdout, stderr, ...machine.journal! };
  });
}

for (const name of ["begins-again", "goes-on"]) {
  test(`a command that is killed goes on where it was: ${name}`, async () => {
    await withDirectory(async (directory) => {
      const program = await compileGuest("process_journal");
      const words = ["run", `--journal=${path.join(directory, "journal")}`, program, name];
      const first = start(words);
      await first.printed("ready\n");
      first.child.kill("SIGKILL");
      await first.ended;
      const second = await run(words, { stdin: "go\n" });
      const said = ["all there", "ready", `${name}: done`, ""].join("\n");
      assert.deepEqual([second.code, second.stdout, second.stderr], [0, said, ""]);
    });
  });
}

test("a program without a snapshot begins again with what it had, as often as it takes; one that has ended does not", async () => {
  await withDirectory(async (directory) => {
    const options = { journal: path.join(directory, "journal") };
    assert.equal(await runUntilReady(options, "begins-again"), "");
    await withMachine(options, async (machine) => {
      // Nobody starts it: it stays as it was.
      assert.deepEqual(machine.running, []);
      assert.deepEqual(machine.journal!.lost, []);
      assert.ok(machine.journal!.replayed > 50);
    });
    const end = await goOn(options, "begins-again");
    assert.deepEqual([end.exitCode, end.stderr, end.lost], [0, "", []]);
    assert.match(end.stdout, /all there/);
    await withMachine(options, async (machine) => {
      assert.deepEqual(machine.running, []);
      assert.equal(await machine.fs.readTextFile("/d/h"), "0123456789");
      assert.equal(await machine.fs.readTextFile("/lines"), "line\n".repeat(60));
      assert.equal((await machine.run(await compileGuest("hello"))).stdout, "hello, world\n");
    });
  });
});

test("a program that asked for a snapshot goes on from there, as often as it takes; one that has ended does not", async () => {
  await withDirectory(async (directory) => {
    const options = { journal: path.join(directory, "journal") };
    assert.equal(await runUntilReady(options, "goes-on"), "all there\n");
    const size = fs.statSync(options.journal).size;
    // Switched off again in the middle.
    await withMachine(options, async ({ running: [process] }) => {
      for await (const line of process.stdout!.lines()) if (line === "ready") break;
    });
    const end = await goOn(options, "goes-on");
    assert.deepEqual([end.exitCode, end.stderr], [0, ""]);
    assert.equal(end.stdout, "all there\nready\ngoes-on: done\n");
    assert.ok(fs.statSync(options.journal).size < 2 * size);
    await withMachine(options, async (machine) => {
      assert.deepEqual(machine.running, []);
      // What it did after the snapshot, it has done.
      assert.equal(await machine.fs.readTextFile("/after"), "after");
    });
  });
});

test("files of the host are opened where they are, and not changed again", async () => {
  await withDirectory(async (directory) => {
    const host = path.join(directory, "host");
    fs.mkdirSync(host);
    const options = { journal: path.join(directory, "journal"), mounts: { "/host": host } };
    await runUntilReady(options, "host-file");
    const end = await goOn(options, "host-file");
    assert.deepEqual([end.exitCode, end.stderr, end.lost], [0, "", []]);
    assert.equal(end.stdout, "still there\nready\nhost-file: done\n");
    fs.rmSync(options.journal);
    fs.rmSync(path.join(host, "d"), { recursive: true });
    await runUntilReady(options, "host-file");
    fs.rmSync(path.join(host, "f"));
    await withMachine(options, (machine) => {
      const [lost, ...more] = machine.journal!.lost;
      assert.match(lost, /path_open of process 1: ENOENT/);
      // It was never opened.
      assert.ok(more.every((line) => line.endsWith("EBADF")));
      return Promise.resolve();
    });
  });
});

test("a journal that was cut off anywhere is good up to there", async () => {
  await withDirectory(async (directory) => {
    const journal = path.join(directory, "journal");
    await runUntilReady({ journal }, "begins-again");
    const whole = fs.readFileSync(journal);
    const random = new Random(5);
    let before = Infinity;
    const lengths = Array.from({ length: 8 }, () => 24 + random.below(whole.length - 24));
    for (const length of [whole.length, ...lengths.sort((a, b) => b - a), 24]) {
      fs.writeFileSync(journal, whole.subarray(0, length));
      await withMachine({ journal }, (machine) => {
        const { replayed, lost } = machine.journal!;
        assert.deepEqual(lost, []);
        assert.ok(replayed <= before);
        before = replayed;
        return Promise.resolve();
      });
      const kept = fs.readFileSync(journal);
      assert.ok(kept.length <= length && kept.equals(whole.subarray(0, kept.length)));
    }
    assert.equal(before, 0);
    // A byte that is another one: nothing from its frame on.
    const changed = Buffer.from(whole);
    changed[whole.length >> 1] ^= 1;
    fs.writeFileSync(journal, changed);
    await withMachine({ journal }, (machine) => {
      assert.ok(machine.journal!.replayed > 0 && machine.journal!.replayed < 100);
      assert.ok(fs.statSync(journal).size <= whole.length >> 1);
      return Promise.resolve();
    });
  });
});

test("what is no journal is refused, and stays as it is", async () => {
  await withDirectory(async (directory) => {
    const journal = path.join(directory, "journal");
    const refuse = async (bytes: Uint8Array, message: RegExp) => {
      fs.writeFileSync(journal, bytes);
      await assert.rejects(Machine.create({ journal }), { code: "ERR_JOURNAL", message });
      assert.deepEqual(new Uint8Array(fs.readFileSync(journal)), new Uint8Array(bytes));
    };
    await refuse(Buffer.from("hello"), /no journal/);
    fs.rmSync(journal);
    await (await Machine.create({ journal })).close();
    const empty = fs.readFileSync(journal);
    await refuse(
      empty.map((byte, index) => (index === 8 ? 9 : byte)),
      /format 9/,
    );
    const long = Buffer.from(empty);
    long.writeDoubleLE(10 ** 9, 16);
    await refuse(long, /cut off/);
    await assert.rejects(Machine.create({ journal: path.join(directory, "none", "journal") }), {
      code: "ERR_OPTION",
      message: /journal: ENOENT/,
    });
    const { code, stderr } = await run([
      "run",
      `--journal=${journal}`,
      await compileGuest("hello"),
    ]);
    assert.equal(code, 126);
    assert.match(stderr, /journal .* cut off/);
  });
});
