/**
 * A store of the browser's (OPFS), as the page sees it: it has a worker of its own, which opens it and keeps a mount in it (`store-worker.ts`). A part that few
 * machines need.
 *
 * Life: open → keeps a mount, from `keep` on → closed, or ended with the machine's workers.
 */
import { closeJournal, failJournal, type LogState } from "../../fs/logfs/index.ts";
import type { KernelMemory } from "../../shm/index.ts";
import type { AgentMessage } from "./messages.ts";
import type { PageWorker } from "./page-worker.ts";
import type { BrowserWorkers } from "./workers.ts";

/** A store cannot be had. `code` is the name of an errno, where it has one. */
export class StoreError extends Error {
  override readonly name = "StoreError";

  constructor(
    message: string,
    readonly code: string | undefined,
  ) {
    super(message);
  }
}

export class Store {
  private kept: { readonly memory: KernelMemory; readonly mount: number } | undefined;
  private ended: Promise<void> = Promise.resolve();

  private constructor(
    private readonly worker: PageWorker,
    /** What is in its two logs. */
    readonly logs: readonly [Uint8Array, Uint8Array],
  ) {}

  /** @throws StoreError */
  static open(workers: BrowserWorkers, name: string): Promise<Store> {
    const worker = workers.takeOwn();
    return new Promise((resolve, reject) => {
      worker.onDeath = reject;
      worker.onMessage = (message) => {
        if (message.kind === "storeOpened") resolve(new Store(worker, message.logs));
        else if (message.kind === "refused") reject(new StoreError(message.message, message.code));
      };
      worker.post({ kind: "openStore", name });
    });
  }

  /** Lets a mount be kept from now on. @param onFailure gets what goes wrong meanwhile */
  keep(
    memory: KernelMemory,
    mount: number,
    state: LogState,
    onFailure: (error: Error) => void,
  ): void {
    const { worker } = this;
    this.kept = { memory, mount };
    this.ended = new Promise((resolve) => {
      worker.onDeath = (error) => {
        failJournal(memory, mount);
        onFailure(error);
        resolve();
      };
      worker.onMessage = (message: AgentMessage) => {
        if (message.kind === "storeFailed") onFailure(new Error(message.message));
        else if (message.kind === "storeClosed") resolve();
      };
    });
    const debug = memory.lockOrder !== undefined;
    worker.post({ kind: "keep", memory: memory.memory, mount, state, debug });
  }

  /** Puts everything in the store and gives it back. */
  async close(): Promise<void> {
    if (this.kept !== undefined) closeJournal(this.kept.memory, this.kept.mount);
    await this.ended;
    await this.worker.terminate();
  }
}
