import assert from "node:assert/strict";
import test from "node:test";
import { loadGuest, SharedMachine, withMachine } from "../support/machine-guest.ts";

const shared = new SharedMachine();
const idsOf = (stdout: string) => stdout.trim().split("\n").map(Number);

test("the first process is 1, its threads count from 2, and no id comes back", async () => {
  const { exitCode, stdout, stderr } = await shared.run("thread_identity", ["20"]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  assert.deepEqual(
    idsOf(stdout),
    Array.from({ length: 21 }, (_, index) => index + 1),
  );
});

test("processes and threads of a machine take their ids from one counter", async () => {
  const all = await withMachine({}, async (machine) => {
    const program = await loadGuest(machine, "thread_identity");
    const round = () =>
      Promise.all(Array.from({ length: 4 }, () => machine.run(program, { args: ["15"] })));
    return [...(await round()), ...(await round())];
  });
  for (const { exitCode, stderr } of all) assert.deepEqual([exitCode, stderr], [0, ""]);
  const ids = all.flatMap(({ stdout }) => idsOf(stdout));
  assert.equal(ids.length, 8 * 16);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(Math.max(...ids), ids.length);
  for (const { pid, stdout } of all) assert.equal(idsOf(stdout)[0], pid);
});

test("threads share descriptors, working directory, environment and memory", async () => {
  const result = await shared.run("thread_shares", [], { env: { NAME: "abc" } });
  assert.deepEqual([result.exitCode, result.stderr, result.stdout], [0, "", "shared\n"]);
});
