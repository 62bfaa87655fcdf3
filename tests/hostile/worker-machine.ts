import { MachineFiles } from "../../src/api/files.ts";
import { furtherParts } from "../../src/api/further-parts.ts";
import type { GuestTree } from "../../src/api/guest-tree.ts";
import { BaseMachine } from "../../src/api/machine.ts";
import { MachineSnapshots } from "../../src/api/snapshot.ts";
import { createNodeHost } from "../../src/hosts/node/host.ts";
import type { WorkerHost } from "../../src/threads/port.ts";

/** A machine in Node whose workers the test starts. */
export class WorkerMachine extends BaseMachine {
  constructor(startWorker: WorkerHost["startWorker"]) {
    const host = createNodeHost();
    super({ ...host, workers: { ...host.workers, startWorker } }, { debug: true });
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
