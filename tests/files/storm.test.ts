// Storms of file calls from eight threads on one tree, each call checked by the program against what it knows; lock order checked; nothing left over.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { SharedMachine, withMachine } from "../support/machine-guest.ts";
import { compileGuest } from "../support/compile.ts";

const shared = new SharedMachine();

for (const seed of ["1", "2", "3"]) {
  test(`a storm on files in memory, seed ${seed}`, async () => {
    const result = await shared.run("file_storm", ["1500", seed]);
    assert.deepEqual([result.exitCode, result.stderr, result.message], [0, "", undefined]);
  });
}

test("a descriptor that is made to stand for another file is open all the time", async () => {
  const result = await shared.run("file_descriptors", []);
  assert.deepEqual([result.exitCode, result.stderr, result.message], [0, "", undefined]);
});

test("a storm on a directory of the host", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-storm-"));
  try {
    await withMachine({ mounts: { "/": directory } }, async (machine) => {
      const program = await compileGuest("file_storm");
      const result = await machine.run(program, { args: ["250", "4"] });
      assert.deepEqual([result.exitCode, result.stderr, result.message], [0, "", undefined]);
    });
    assert.deepEqual(await readdir(directory), []);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test("a directory of the host that nobody has looked at is one to all who look at once", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weft-unseen-"));
  try {
    await mkdir(join(directory, "folder"));
    await writeFile(join(directory, "folder/inside"), "");
    await withMachine({ mounts: { "/": directory } }, async (machine) => {
      const result = await machine.run(await compileGuest("file_unseen"));
      assert.deepEqual([result.exitCode, result.stderr, result.message], [0, "", undefined]);
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test("a program that is killed in the middle of a storm leaves a tree that works", async () => {
  const machine = await shared.machine;
  const program = await shared.load("file_storm");
  for (let round = 0; round < 6; round++) {
    const process = await machine.spawn(program, { args: ["100000", String(round)] });
    await new Promise((resolve) => {
      setTimeout(resolve, 30 + round * 25);
    });
    process.kill();
    assert.equal((await process.wait()).exitCode, 137);
    // What is there can be read, and all of it removed.
    for (const { name, kind } of await machine.fs.readdir("/")) {
      if (/^d\d$/.test(name)) {
        for (const entry of await machine.fs.readdir(`/${name}`)) {
          await machine.fs.lstat(`/${name}/${entry.name}`);
          if (entry.kind === "file") await machine.fs.readFile(`/${name}/${entry.name}`);
        }
      }
      if (kind === "file" || /^d\d$/.test(name))
        await machine.fs.rm(`/${name}`, { recursive: true });
    }
    assert.deepEqual((await machine.fs.readdir("/")).map(({ name }) => name).sort(), [
      "dev",
      "proc",
      "tmp",
    ]);
  }
});
