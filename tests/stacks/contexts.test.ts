import assert from "node:assert/strict";
import test from "node:test";
import { Machine } from "../../src/api/node.ts";
import { SharedMachine } from "../support/machine-guest.ts";

const snapshots: Uint8Array[] = [];
const shared = new SharedMachine({ onSnapshot: (snapshot) => void snapshots.push(snapshot) });

async function runCase(name: string): Promise<[number, string, string | undefined]> {
  const { exitCode, stdout, stderr, message } = await shared.run("stack_contexts", [name]);
  return [exitCode, stdout + stderr, message];
}

test("each context of a thread has checkpoints of its own", async () => {
  assert.deepEqual(await runCase("checkpoints"), [0, "checkpoints: done\n", undefined]);
});

test("the process ends where a context goes back to a checkpoint of another", async () => {
  const [exitCode, output, message] = await runCase("elsewhere");
  assert.deepEqual([exitCode, output], [79, ""]);
  assert.match(message!, /no such checkpoint: none was made in this context/);
});

test("a fork in another context than the main one is refused; children begin without contexts", async () => {
  assert.deepEqual(await runCase("forks"), [0, "forks: done\n", undefined]);
});

test("handlers in several contexts take checkpoints, jump and fork", async () => {
  assert.deepEqual(await runCase("handlers"), [0, "handlers: done\n", undefined]);
});

test("a thread goes on from snapshots with all its contexts", async () => {
  assert.deepEqual(await runCase("snapshots"), [0, "snapshots: done\n", undefined]);
  assert.equal(snapshots.length, 6);
  for (const [index, snapshot] of snapshots.slice().entries()) {
    const onSnapshot = () => {};
    // Also where none are taken any more.
    const options = index % 2 === 0 ? { onSnapshot } : {};
    const machine = await Machine.restore(snapshot, { debug: true, ...options });
    const [process] = machine.running;
    const text = process.stdout!.text();
    const { exitCode, message } = await process.wait();
    assert.deepEqual([exitCode, await text, message], [0, "snapshots: done\n", undefined]);
    await machine.close();
  }
});
