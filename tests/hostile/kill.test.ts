/**
 * A process that copies, lists or waits for the host can be killed: soon, with nothing left, and the host program ends by itself afterwards.
 * States of threads as such are tested with the threads.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { Machine } from "../../src/api/node.ts";
import type { Process } from "../../src/api/process.ts";
import { compileGuest } from "../support/compile.ts";
import { isWell, withMachine } from "./support.ts";

/**
 * What a kill may take where the machine is idle, in milliseconds: the goal. Tests run beside others, so they bear ten times as much; what would be
 * wrong is a kill that waits for the end of what the guest does, which is longer still.
 */
const BOUND = 1000;

const LIMITS = { maxKernelMemory: 3 * 2 ** 29, maxMemory: 2 ** 28, debug: false };

/** What the slowest kill of a test took: shown with it. */
let slowest = 0;

test.afterEach((context) => {
  if (slowest > 0) (context as TestContext).diagnostic(`slowest kill: ${slowest.toFixed(1)} ms`);
  slowest = 0;
});

async function startReady(machine: Machine, args: string[]): Promise<Process> {
  const process = await machine.spawn(await compileGuest("hostile_exhaust"), { args });
  const lines = process.stdout!.lines();
  // A listing says first how many names it has made.
  let line = await lines.next();
  while (line.done !== true && line.value !== "ready") line = await lines.next();
  assert.equal(line.value, "ready", (await (line.done ? process.wait() : undefined))?.stderr);
  void lines.next().catch(() => {});
  return process;
}

async function killInTime(process: Process, after: number): Promise<number> {
  await new Promise((resolve) => {
    setTimeout(resolve, after);
  });
  const begun = performance.now();
  process.kill();
  const result = await process.wait();
  const took = performance.now() - begun;
  assert.equal(result.signal, 9);
  assert.ok(took < BOUND, `the kill took ${took} ms`);
  slowest = Math.max(slowest, took);
  return took;
}

for (const [what, args] of [
  ["a gigabyte is written to a file in memory", ["copy", "big"]],
  ["zeros are read without end", ["read", "dev/zero"]],
  ["space is reserved and given back by the gigabyte", ["allocate", "big"]],
  ["random bytes are asked for by the 128 MiB", ["random"]],
  ["a directory of 100,000 names is listed", ["list"]],
  ["a file's state is asked for again and again", ["stat", "."]],
] as const) {
  test(`killed while ${what}`, async () => {
    await withMachine(LIMITS, async (machine) => {
      for (const after of [3, 50]) {
        const process = await startReady(machine, [...args]);
        await killInTime(process, after);
        for (const name of ["/listed", "/big"])
          await machine.fs.rm(name, { recursive: true }).catch(() => {});
      }
      await isWell(machine);
    });
  });
}

test("killed during reading, writing and listing files of the host", async () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-kill-"));
  writeFileSync(join(directory, "large"), Buffer.alloc(2 ** 26));
  try {
    await withMachine({ ...LIMITS, mounts: { "/host": directory } }, async (machine) => {
      for (const args of [
        ["copy", "host/copied"],
        ["read", "host/large"],
        ["stat", "host/large"],
        ["names", "host/names", "2000"],
      ]) {
        const process = await (args[0] === "names"
          ? machine.spawn(await compileGuest("hostile_exhaust"), { args })
          : startReady(machine, args));
        await killInTime(process, 60);
        rmSync(join(directory, "copied"), { force: true });
        rmSync(join(directory, "names"), { recursive: true, force: true });
      }
      await isWell(machine);
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test(
  "special files of a mounted directory keep nobody: a FIFO without a peer",
  { skip: process.platform === "win32" },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "weft-fifo-"));
    execFileSync("mkfifo", [join(directory, "fifo")]);
    try {
      await withMachine({ ...LIMITS, mounts: { "/host": directory } }, async (machine) => {
        // Opens it again and again, for reading and for writing: "stat" opens with every right, "file" and "read" open what they are given.
        for (const args of [
          ["stat", "host/fifo"],
          ["read", "host/fifo"],
          ["file", "host/fifo"],
        ]) {
          const process = await machine.spawn(await compileGuest("hostile_exhaust"), { args });
          await new Promise((resolve) => {
            setTimeout(resolve, 100);
          });
          const begun = performance.now();
          process.kill();
          await process.wait();
          assert.ok(performance.now() - begun < BOUND);
        }
        await isWell(machine);
      });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);

/** Runs a host program to its end; it has to end by itself. */
function runHost(args: string[]): Promise<{ code: number | null; output: string; took: number }> {
  return new Promise((resolve) => {
    const script = fileURLToPath(new URL("./host-program.js", import.meta.url));
    const begun = performance.now();
    const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output, took: performance.now() - begun });
    });
  });
}

for (const state of [
  "copy",
  "read",
  "random",
  "list",
  "stat",
  "bomb",
  "flood",
  "steady",
  "spin",
  "start",
]) {
  test(`Node ends by itself after a kill in the state: ${state}`, async () => {
    for (const way of ["kill", "close", "timeout"]) {
      const { code, output } = await runHost([state, way]);
      assert.equal(code, 0, `${way}: ${output}`);
      assert.match(output, /^done$/m, way);
    }
  });
}
