/** Journals: machines that go on after their host program was ended in the middle. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
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
    fs.writeFileSync(path.join(host, "f"), "new3456789");
    const end = await goOn(options, "host-file");
    assert.equal(fs.readFileSync(path.join(host, "f"), "latin1"), "new3456789");
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

test("a command that is killed anywhere, again and again, keeps its files in step", async () => {
  const seed = Number(process.env.WEFT_SEED ?? 7);
  const rounds = Number(process.env.WEFT_ROUNDS ?? 5);
  const random = new Random(seed);
  await withDirectory(async (directory) => {
    const program = await compileGuest("process_journal");
    const journal = path.join(directory, "journal");
    const count = 700 * rounds;
    for (let round = 0, last = 0; round <= rounds; round++) {
      // It goes on from a snapshot, or begins again.
      const snapshots = random.below(2) === 0 ? [] : ["--snapshot-period=30"];
      const words = ["run", `--journal=${journal}`, ...snapshots, program, "steps", `${count}`];
      const running = start(words);
      if (round < rounds) {
        const patience = 300 + random.below(900);
        await Promise.race([delay(patience), running.ended]);
        running.child.kill("SIGKILL");
      }
      const { code, stdout, stderr } = await running.ended;
      assert.equal(stderr, "", `seed ${seed}, round ${round}`);
      const [, from] = /^from (\d+)$/m.exec(stdout) ?? [];
      if (from !== undefined) assert.ok(Number(from) >= last);
      last = Number(from ?? last);
      if (code !== null) assert.match(stdout, /steps: done\n$/);
    }
    await withMachine({ journal }, async (machine) => {
      // Also where it has gone on from one snapshot more than once, each time anew.
      assert.deepEqual(machine.journal!.lost, [], `seed ${seed}`);
      const log = await machine.fs.readFile("/log");
      assert.equal(log.length, 4 * count);
      assert.deepEqual(
        new Uint8Array(await machine.fs.readFile("/count")),
        new Uint8Array(Uint32Array.of(count).buffer),
      );
    });
  });
});

test("a program that is killed after it went on, and goes on from the same snapshot again, has done everything once", async () => {
  await withDirectory(async (directory) => {
    const program = await compileGuest("process_journal");
    for (const attempt of ["first", "second"]) {
      const journal = path.join(directory, attempt);
      const go = async (options: readonly string[], patience?: number) => {
        const words = ["run", `--journal=${journal}`, ...options, program, "steps", "9000"];
        const running = start(words);
        if (patience !== undefined) {
          await Promise.race([delay(patience), running.ended]);
          running.child.kill("SIGKILL");
        }
        const { code, stderr } = await running.ended;
        assert.equal(stderr, "");
        return code;
      };
      await go(["--snapshot-period=30"], 330);
      await go([], 260);
      assert.equal(await go([]), 0);
      await withMachine({ journal }, async (machine) => {
        assert.deepEqual(machine.journal!.lost, []);
        assert.equal((await machine.fs.stat("/log")).size, 4 * 9000);
      });
    }
  });
});

test("what lies in the place of a claim and cannot be read is told, not waited for", async () => {
  await withDirectory(async (directory) => {
    fs.mkdirSync(path.join(directory, "journal.lock"));
    await assert.rejects(Machine.create({ journal: path.join(directory, "journal") }), {
      code: "ERR_OPTION",
      message: /EISDIR.*journal\.lock/,
    });
  });
});

test("one machine at a time keeps a journal, and a claim of one that is gone does not count", async () => {
  await withDirectory(async (directory) => {
    const journal = path.join(directory, "journal");
    const program = await compileGuest("process_journal");
    const words = ["run", `--journal=${journal}`, program, "begins-again"];
    const first = start(words);
    await first.printed("ready\n");
    const second = await run(words);
    assert.equal(second.code, 126);
    assert.match(second.stderr, /the journal .* is kept by another machine, in process \d+\n$/);
    await assert.rejects(Machine.create({ journal }), { code: "ERR_JOURNAL" });
    first.child.kill("SIGKILL");
    await first.ended;
    await withMachine({ journal }, async () => {
      await assert.rejects(Machine.create({ journal }), {
        code: "ERR_JOURNAL",
        message: /another machine, in this process$/,
      });
    });
    // Who fails to begin keeps no claim; a number that another process has now is no claim either.
    for (let round = 0; round < 2; round++)
      await assert.rejects(Machine.create({ journal, mounts: { "/x": `${journal}.none` } }), {
        code: "ERR_MOUNT",
      });
    fs.writeFileSync(`${fs.realpathSync(journal)}.lock`, `${process.pid} 5\n`);
    if (process.platform === "linux") await withMachine({ journal }, async () => {});
    assert.deepEqual(fs.readdirSync(directory), ["journal"]);
  });
});

test("what the host program does to files is there again", async () => {
  await withDirectory(async (directory) => {
    const host = path.join(directory, "host");
    fs.mkdirSync(host);
    const options = { journal: path.join(directory, "journal"), mounts: { "/host": host } };
    const modified = await withMachine(options, async ({ fs: files }) => {
      await files.mkdir("/a/b/c", { recursive: true });
      await files.writeFile("/a/f", "replaced");
      await files.writeFile("/a/f", "one");
      await files.appendFile("/a/f", new TextEncoder().encode(" two"));
      await files.rename("/a/f", "/a/g");
      await files.symlink("g", "/a/link");
      await files.writeFile("/a/link", "by a link");
      await files.mkdir("/gone/in", { recursive: true });
      await files.writeFile("/gone/in/f", "");
      await files.rm("/gone", { recursive: true });
      await files.writeFile("/host/f", "old");
      await files.symlink("/host/f", "/a/out");
      await files.writeFile("/a/out", "older");
      return (await files.stat("/a/g")).modified;
    });
    fs.writeFileSync(path.join(host, "f"), "new");
    await withMachine(options, async (machine) => {
      const { fs: files, journal } = machine;
      assert.deepEqual(journal!.lost, []);
      assert.deepEqual(
        (await files.readdir("/a")).map(({ name }) => name),
        ["b", "g", "link", "out"],
      );
      assert.equal(await files.readTextFile("/a/g"), "by a link");
      assert.deepEqual((await files.stat("/a/g")).modified, modified);
      assert.ok(await files.exists("/a/b/c"));
      assert.ok(!(await files.exists("/gone")));
      assert.equal(await files.readTextFile("/host/f"), "new");
    });
  });
});
