// The same C programs run natively on Linux and in Weft, on files in memory, in a directory of the host and in an overlay: they must print the same.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { promisify } from "node:util";
import { memory, overlay } from "../../src/api/node.ts";
import { root } from "../docs/examples.ts";
import { loadGuest, withMachine } from "../support/machine-guest.ts";

const run = promisify(execFile);

function hasCompiler(): boolean {
  try {
    execFileSync("gcc", ["--version"], { stdio: "ignore" });
    return process.platform === "linux";
  } catch {
    return false;
  }
}

const skip = hasCompiler() ? false : "needs Linux and gcc";
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "weft-oracle-"));
});
after(() => rm(directory, { recursive: true, force: true }));

/** What a program prints natively; with `lower`, after it has made its tree, there as well. */
async function runNatively(name: string, lower?: string): Promise<string> {
  const programs = join(root, "tests/programs");
  const binary = join(directory, name);
  await run("gcc", [
    "-O1",
    "-w",
    `-I${join(programs, "include")}`,
    "-o",
    binary,
    join(programs, `${name}.c`),
  ]);
  const own = join(directory, `${name}-files`);
  const other = await mkdtemp("/dev/shm/weft-oracle-");
  await mkdir(own);
  try {
    if (lower !== undefined) {
      for (const place of [own, lower]) await run(binary, [place, other, "make"]);
    }
    return (await run(binary, [own, other])).stdout;
  } finally {
    await rm(other, { recursive: true });
  }
}

for (const name of [
  "oracle_open",
  "oracle_names",
  "oracle_files",
  "oracle_pipes",
  "oracle_random",
]) {
  test(`${name} prints what it prints on Linux`, { skip }, async () => {
    const host = join(directory, `${name}-host`);
    await mkdir(host);
    const mounts = {
      "/memory": memory(),
      "/host": host,
      "/overlay": overlay({ lower: memory() }),
    };
    const expected = (await runNatively(name)).split("\n");
    await withMachine({ mounts }, async (machine) => {
      const program = await loadGuest(machine, name);
      for (const place of Object.keys(mounts)) {
        const { stdout, stderr, exitCode } = await machine.run(program, { args: [place, "/tmp"] });
        assert.deepEqual([stderr, exitCode], ["", 0], place);
        assert.deepEqual(stdout.split("\n"), expected, place);
      }
    });
  });
}

test(
  "oracle_layers prints what it prints on Linux, and leaves the lower layer as it is",
  {
    skip,
  },
  async () => {
    const [host, lower, upper] = ["host", "lower", "upper"].map((name) => join(directory, name));
    for (const place of [host, lower, upper]) await mkdir(place);
    const expected = await runNatively("oracle_layers", lower);
    const told = () => execFileSync("ls", ["-lRi", "--full-time", lower], { encoding: "utf8" });
    const before = told();
    const mounts = {
      "/memory": memory(),
      "/host": host,
      "/overlay": overlay({ lower }),
      "/layers": overlay({ lower, upper }),
    };
    await withMachine({ mounts }, async (machine) => {
      const program = await loadGuest(machine, "oracle_layers");
      for (const place of Object.keys(mounts)) {
        const args = [place, "/tmp"];
        const isMade = place === "/overlay" || place === "/layers";
        if (!isMade) await machine.run(program, { args: [...args, "make"] });
        const { stdout, stderr, exitCode } = await machine.run(program, { args });
        assert.deepEqual([stderr, exitCode], ["", 0], place);
        assert.deepEqual(stdout.split("\n"), expected.split("\n"), place);
      }
    });
    assert.equal(told(), before);
  },
);
