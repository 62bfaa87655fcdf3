import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import type { MachineEvent } from "../../src/api/node.ts";
import type { MachineOptions } from "../../src/api/options.ts";
import { run } from "../cli/command.ts";
import { compileGuest } from "../support/compile.ts";
import { withMachine } from "../support/machine-guest.ts";

async function runCase(name: string, options: MachineOptions = {}) {
  const bytes = new Uint8Array(await readFile(await compileGuest("process_forks")));
  return withMachine({ files: { "/bin/self": bytes }, ...options }, async (machine) =>
    machine.run(bytes, { args: [name], name: "self" }),
  );
}

for (const [name, what] of [
  ["copies", "memory, numbers and descriptors are copied"],
  ["many", "children of the same place, one after the other and at once"],
  ["again", "a child with the memory of one before has its parent's bytes, and zeros"],
  ["pipes", "a child on the other ends of pipes"],
  ["threads", "from spawned threads, while others run"],
  ["returns", "a child whose thread returns has exited"],
  ["checkpoints", "a child goes back to its parent's checkpoint"],
  ["shared", "a child on the same memory, and its parent afterwards"],
  ["executes", "a child becomes another program"],
  ["refusals", "bad pointers"],
  ["ends", "children that are killed, or trap"],
] as const) {
  test(`fork: ${what}`, async () => {
    const { exitCode, stdout, stderr, message } = await runCase(name);
    assert.deepEqual([exitCode, stdout, stderr, message], [0, `${name}: done\n`, "", undefined]);
  });
}

test("fork: a child on the same memory returns from main", async () => {
  const { exitCode, stdout, stderr, message } = await runCase("falls");
  assert.deepEqual(
    [exitCode, stdout, stderr, message],
    [0, "falls: done\nfalls: done\n", "", undefined],
  );
});

test("fork: a memory that is not shared", async () => {
  const path = await compileGuest("process_fork_unshared");
  await withMachine({}, async (machine) => {
    const { exitCode, stdout, stderr, message } = await machine.run(path);
    assert.deepEqual([exitCode, stdout, stderr, message], [0, "done\n", "", undefined]);
  });
});

test("fork: children of children", async () => {
  const { exitCode, stderr } = await runCase("nested");
  assert.deepEqual([exitCode, stderr], [14, ""]);
});

test("fork: the limit of processes is an errno", async () => {
  const { exitCode, stdout, stderr } = await runCase("storm", { maxProcesses: 12 });
  assert.deepEqual([exitCode, stdout, stderr], [0, "storm: done\n", ""]);
});

test("a machine that is closed ends children of every depth", async () => {
  const bytes = await readFile(await compileGuest("process_forks"));
  await withMachine({ maxProcesses: 12 }, async (machine) => {
    const process = await machine.spawn(bytes, { args: ["storm"], name: "self" });
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    assert.ok(process.pid > 0);
  });
});

test("a program without asyncify gets an errno, and the host is told once how to build it", async () => {
  const path = await compileGuest("process_fork_plain");
  const events: MachineEvent[] = [];
  await withMachine({}, async (machine) => {
    machine.onEvent((event) => events.push(event));
    const { exitCode, stdout } = await machine.run(path);
    assert.deepEqual([exitCode, stdout], [0, "refused\n"]);
  });
  assert.equal(events.filter(({ type }) => type === "fork-refused").length, 1);
  const { code, stderr } = await run([path]);
  assert.equal(code, 0);
  assert.match(stderr, /^[^\n]*cannot fork[^\n]*weft instrument program\.wasm out\.wasm\n$/);
  const trapped = await run([path, "checkpoint"]);
  assert.equal(trapped.code, 45);
  assert.match(trapped.stderr, /asyncify for its setjmp \(weft instrument\): unreachable\n/);
});
