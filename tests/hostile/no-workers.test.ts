/** A host that gives no more workers: the program that needs one ends and says why; the machine goes on. */
import assert from "node:assert/strict";
import test from "node:test";
import { MachineFiles } from "../../src/api/files.ts";
import { furtherParts } from "../../src/api/further-parts.ts";
import type { GuestTree } from "../../src/api/guest-tree.ts";
import { BaseMachine } from "../../src/api/machine.ts";
import { MachineSnapshots } from "../../src/api/snapshot.ts";
import { createNodeHost } from "../../src/hosts/node/host.ts";
import type { WorkerHost } from "../../src/threads/port.ts";
import { compileGuest } from "../support/compile.ts";

/** A machine whose host gives so many workers. */
class PoorMachine extends BaseMachine {
  constructor(mostWorkers: number) {
    const host = createNodeHost();
    let left = mostWorkers;
    const workers: WorkerHost = {
      ...host.workers,
      startWorker(...start) {
        if (left-- <= 0) throw new Error("the host has no room");
        return host.workers.startWorker(...start);
      },
    };
    super({ ...host, workers }, { debug: true });
  }

  protected override makeFiles(tree: GuestTree) {
    return new MachineFiles(tree);
  }

  protected override loadFurtherParts() {
    return Promise.resolve(furtherParts);
  }

  protected override loadSnapshots() {
    return Promise.resolve(MachineSnapshots);
  }
}

test("a thread for which no worker can be started ends the program with 129, and says why", async () => {
  for (const most of [0, 1]) {
    const machine = new PoorMachine(most);
    const program = await compileGuest("threads_hello");
    const { exitCode, message } = await machine.run(program, { timeout: 60_000 });
    assert.equal(exitCode, 129);
    assert.match(message!, /^no worker can be started for a thread: the host has no room$/);
    if (most > 0) assert.equal((await machine.run(await compileGuest("hello"))).exitCode, 0);
    await machine.close();
  }
});
