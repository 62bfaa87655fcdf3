import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import type { MachineEvent } from "../../src/api/node.ts";
import type { SpawnOptions } from "../../src/api/options.ts";
import { compileGuest } from "../support/compile.ts";
import { withMachine } from "../support/machine-guest.ts";

/** Runs a case of a guest program that finds itself at /bin/self, and more files that a case needs. */
async function runCase(name: string, args: readonly string[], options: SpawnOptions = {}) {
  const bytes = new Uint8Array(await readFile(await compileGuest(name)));
  const files = {
    "/bin/self": bytes,
    "/bin/text": "no program\n",
    "/bin/broken": bytes.subarray(0, bytes.length / 2),
    "/bin/circle": "#!/bin/circle\n",
    "/bin/script": "#! /bin/self  tell \n",
    "/tmp/nothing": "",
  };
  const events: MachineEvent[] = [];
  const result = await withMachine({ files }, async (machine) => {
    machine.onEvent((event) => events.push(event));
    return machine.run(bytes, { args, name: "self", env: { NAME: "value" }, ...options });
  });
  return { ...result, events };
}

for (const [name, expected] of [
  ["join", ""],
  ["poll", ""],
  ["pipeline", "through both\n"],
  ["operations", "in /tmp: [tell] NAME=value\nin /tmp/deep/er: [tell] NAME=value\n"],
  ["strings", "in /: [tell] [] [two\nlines] ONLY=this\nin /: [tell] [three] [four] NAME=value\n"],
  ["search", "in /: [tell] [/bin/script] [last] NAME=value\n"],
  ["orphans", "an orphan\n"],
  ["signals", ""],
  ["threads", ""],
  ["handles", "and back\n"],
] as const) {
  test(`children: ${name}`, async () => {
    const { exitCode, stdout, stderr } = await runCase("process_children", [name]);
    assert.deepEqual([exitCode, stderr, stdout], [0, "", expected]);
  });
}

test("a file that is no program is told to the host, with the reason", async () => {
  const { events } = await runCase("process_children", ["search"]);
  const refused = events.filter((event) => event.type === "program-refused");
  assert.deepEqual(
    refused.map(({ path }) => path),
    ["/bin/broken"],
  );
  assert.match(String(refused[0].cause), /broken/);
});

for (const name of ["same-pid", "threads"]) {
  test(`exec keeps the pid: ${name}`, async () => {
    const { exitCode, pid, stdout, stderr } = await runCase("process_exec", [name]);
    assert.deepEqual([exitCode, stderr, stdout], [0, "", `${pid}\n${pid}\n`]);
  });
}

for (const [name, expected] of [
  ["descriptors", "cdef\n"],
  ["environment", "A=1\nB=two\n"],
  ["race", "raced\n"],
  ["vfork", "from the child\n"],
] as const) {
  test(`exec: ${name}`, async () => {
    const { exitCode, stdout, stderr } = await runCase("process_exec", [name]);
    assert.deepEqual([exitCode, stderr, stdout], [0, "", expected]);
  });
}

test("a program replaces itself a hundred times", async () => {
  const { exitCode, pid, stdout, stderr } = await runCase("process_exec", ["many"]);
  assert.deepEqual([exitCode, stderr, stdout], [0, "", `${pid}\n`]);
});

test("the forms of exec that cannot tell of a failure end the process", async () => {
  const { exitCode, message } = await runCase("process_exec", ["failing"]);
  assert.equal(exitCode, 45);
  assert.match(message!, /"\/bin\/absent" cannot be run: ENOENT/);
});

test("the oldest form of exit cannot return from a child to its parent, which ends too", async () => {
  const { exitCode } = await runCase("process_exec", ["vfork-exit"]);
  assert.equal(exitCode, 129);
});

test("who is killed while calling as a child leaves nothing", async () => {
  const bytes = new Uint8Array(await readFile(await compileGuest("process_exec")));
  await withMachine({}, async (machine) => {
    const process = await machine.spawn(bytes, { args: ["vfork-killed"] });
    for await (const line of process.stdout!.lines()) if (line === "ready") process.kill();
    assert.equal((await process.wait()).signal, 9);
  });
});
