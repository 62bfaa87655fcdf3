import assert from "node:assert/strict";
import test from "node:test";
import { SelfMachine } from "../support/self-guest.ts";

const guest = new SelfMachine("process_storm");
const limited = new SelfMachine("process_storm", undefined, { maxProcesses: 12 });

test("a hundred processes one after the other", async () => {
  const { exitCode, stderr } = await guest.run(["sequence", "100"]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
});

test("twenty processes at once", async () => {
  const { exitCode, stderr } = await guest.run(["at-once", "20"]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
});

test("a tree of processes", async () => {
  const { exitCode, stderr } = await guest.run(["tree", "3"]);
  assert.deepEqual([exitCode, stderr], [8, ""]);
});

test("processes up to the limit: EAGAIN, and more when there is room again", async () => {
  const { exitCode, stderr } = await limited.run(["limit", "12"]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
});

for (const seed of ["1", "2"]) {
  test(`children started, killed and waited for at random by threads, seed ${seed}`, async () => {
    const { exitCode, stderr } = await guest.run(["play", seed]);
    assert.deepEqual([exitCode, stderr], [0, ""]);
  });
}

test("a program that is killed takes all that descend from it along", async () => {
  const process = await guest.spawn(["tree", "3"]);
  process.kill();
  assert.equal((await process.wait()).signal, 9);
});
