/** `weft run --snapshot` and `--restore`: a program goes on in another process, with another Node, at another terminal. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { command, run, start, withDirectory } from "../cli/command.ts";
import { skip, Terminal } from "../cli/tmux-terminal.ts";
import { compileGuest } from "../support/compile.ts";
import { findNodes } from "../support/nodes.ts";

const stopping = ["--snapshot-on=first-stdin", "--stop-after-snapshot"];

test("a program that stands still in a snapshot goes on with each Node, as often as one likes", async () => {
  await withDirectory(async (directory) => {
    const program = await compileGuest("process_captured");
    const file = path.join(directory, "snapshot");
    for (const name of ["threads", "family"]) {
      const words = ["run", `--snapshot=${file}`, ...stopping, program, name];
      const first = await run(words, { stdin: "not read" });
      assert.deepEqual([first.code, first.stdout, first.stderr], [0, "ready\n", ""]);
      for (const node of findNodes()) {
        const next = await run(["run", `--restore=${file}`], { stdin: "g", node });
        assert.deepEqual([next.code, next.stderr], [0, ""]);
        assert.match(next.stdout, new RegExp(`^(1: 3 to 11\n)?${name}: done\n$`));
      }
    }
  });
});

test("snapshots at intervals: what is killed goes on from the last one", async () => {
  await withDirectory(async (directory) => {
    const program = await compileGuest("process_captured");
    const file = path.join(directory, "snapshot");
    const words = [`--snapshot=${file}`, "--snapshot-period=20"];
    const first = start(["run", ...words, program, "many"]);
    await first.printed("ready\n");
    const before = Date.now();
    while (!fs.existsSync(file) || fs.statSync(file).mtimeMs < before) await delay(5);
    first.child.kill("SIGKILL");
    await first.ended;
    const next = await run(["run", ...words, `--restore=${file}`], { stdin: "g" });
    assert.deepEqual([next.code, next.stdout, next.stderr], [0, "many: done\n", ""]);
  });
});

test("a snapshot when all threads wait, at Ctrl-C, and into a journal", async () => {
  await withDirectory(async (directory) => {
    const program = await compileGuest("process_captured");
    const file = path.join(directory, "kept");
    const idle = ["--snapshot-on=idle", "--stop-after-snapshot", program, "family"];
    const first = await start(["run", `--snapshot=${file}`, ...idle]).ended;
    assert.deepEqual([first.code, first.stdout, first.stderr], [0, "ready\n", ""]);
    fs.rmSync(file);
    const sigint = ["--snapshot-on=first-sigint", `--snapshot=${file}`];
    const second = start(["run", ...sigint, program, "family"]);
    await second.printed("ready\n");
    second.child.kill("SIGINT");
    while (!fs.existsSync(file)) await delay(5);
    second.child.kill("SIGINT");
    assert.equal((await second.ended).signal, "SIGINT");
    const third = await run(["run", `--restore=${file}`], { stdin: "g" });
    assert.deepEqual([third.code, third.stdout], [0, "family: done\n"]);
    fs.rmSync(file);
    const journaled = ["run", `--journal=${file}`, ...stopping, program, "family"];
    const fourth = await run(journaled);
    assert.deepEqual([fourth.code, fourth.stdout, fourth.stderr], [0, "ready\n", ""]);
    const fifth = await run(["run", `--journal=${file}`, program, "family"], { stdin: "g" });
    assert.deepEqual([fifth.code, fifth.stdout, fifth.stderr], [0, "family: done\n", ""]);
  });
});

test(
  "a program at a terminal goes on at another one, with its modes and the size of that",
  { skip },
  async () => {
    await withDirectory(async (directory) => {
      const program = await compileGuest("terminal_keys");
      const file = path.join(directory, "snapshot");
      const weft = `'${process.execPath}' '${command}' run`;
      const first = new Terminal();
      try {
        const keep = `--snapshot='${file}' ${stopping.join(" ")}`;
        await first.shows(/^\$/m);
        const words = `${keep} '${program}' size raw line size cooked line`;
        first.type(`${weft} ${words}; echo "code $?"`, "Enter");
        await first.shows(/^size 100 30\ncode 0$/m);
      } finally {
        first.close();
      }
      const second = new Terminal();
      try {
        await second.shows(/^\$/m);
        second.resize(60, 20);
        second.type(`${weft} --restore='${file}'; echo "code $?"`, "Enter");
        second.type("q");
        await second.shows(/read 1: q\nsize 60 20$/m);
        second.type("a line", "Enter");
        await second.shows(/^a line\nread 6: a line\ncode 7$/m);
      } finally {
        second.close();
      }
      // Where there is none, what comes is as if it were typed.
      const third = await run(["run", `--restore=${file}`], { stdin: "k" });
      assert.match(third.stdout, /^read 1: k\nsize 60 20|100 30\n/);
    });
  },
);

test("mistakes name what is wrong", async () => {
  await withDirectory(async (directory) => {
    const program = await compileGuest("hello");
    const file = path.join(directory, "snapshot");
    fs.writeFileSync(file, "hello");
    const fails = async (words: readonly string[], code: number, message: RegExp) => {
      const ended = await run(["run", ...words]);
      assert.match(ended.stderr, message);
      assert.deepEqual([ended.code, ended.stdout], [code, ""]);
    };
    await fails(["--snapshot-on=idle", program], 2, /where to\? Give --snapshot FILE/);
    await fails(["--snapshot-on=idel", program], 2, /no such event\. Did you mean idle\?/);
    await fails(["--snapshot-on=first-listen", program], 2, /there are no sockets yet/);
    await fails(["--snapshot=a", "--journal=b", program], 2, /does not go with --snapshot/);
    await fails([`--restore=${file}`, program], 2, /the program is in the snapshot/);
    await fails([`--restore=${file}`, "--env=A=b"], 2, /--env is for a program that begins/);
    await fails([`--restore=${file}`], 126, /these bytes are no snapshot of a machine/);
    await fails([`--restore=${file}.none`], 127, /there is no such file/);
    await fails([`--snapshot=${file}/file`, program], 2, /there is no such directory/);
    await fails([`--snapshot=${file}`, program], 126, /hello.* does not carry asyncify/);
  });
});
