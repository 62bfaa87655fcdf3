/** A host that gives no more workers: the program that needs one ends and says why; the machine goes on. */
import assert from "node:assert/strict";
import test from "node:test";
import { createNodeHost } from "../../src/hosts/node/host.ts";
import { compileGuest } from "../support/compile.ts";
import { WorkerMachine } from "./worker-machine.ts";

/** A machine whose host gives so many workers. */
function createPoor(mostWorkers: number): WorkerMachine {
  const { workers } = createNodeHost();
  let left = mostWorkers;
  return new WorkerMachine((...start) => {
    if (left-- <= 0) throw new Error("the host has no room");
    return workers.startWorker(...start);
  });
}

test("a thread for which no worker can be started ends the program with 129, and says why", async () => {
  for (const most of [0, 1]) {
    const machine = createPoor(most);
    const program = await compileGuest("threads_hello");
    const { exitCode, message } = await machine.run(program, { timeout: 60_000 });
    assert.equal(exitCode, 129);
    assert.match(message!, /^no worker can be started for a thread: the host has no room$/);
    if (most > 0) assert.equal((await machine.run(await compileGuest("hello"))).exitCode, 0);
    await machine.close();
  }
});
