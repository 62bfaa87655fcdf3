/**
 * One worker of a page, as the page sees it.
 *
 * Life: starting → ready (it said so) → ended, by `terminate` or by a failure of its own. A browser ends a worker that computes only seconds after it was told
 * to, and does not say when. So each worker holds a lock of the browser's while it lives; when the page gets that lock, the worker is gone.
 */
import type { AgentMessage, PageMessage } from "./messages.ts";

export class PageWorker {
  /** Resolves when it runs; rejects when it cannot start. */
  readonly ready: Promise<void>;
  /** Gets its messages, and its death unless it was asked for. */
  onMessage: (message: AgentMessage) => void = () => {};
  onDeath: (error: Error) => void = () => {};

  private readonly worker: Worker;
  private readonly name = `weft-${[...crypto.getRandomValues(new Uint32Array(3))].join("-")}`;

  /** @throws what the browser throws when its policies forbid the worker */
  constructor(readonly url: string) {
    this.worker = new Worker(url, { type: "module", name: this.name });
    this.ready = new Promise((resolve, reject) => {
      this.worker.onmessage = ({ data }: MessageEvent<AgentMessage>) => {
        if (data.kind === "ready") resolve();
        else this.onMessage(data);
      };
      this.worker.onerror = (event) => {
        // An event without a message: the script was not even loaded.
        const error = new Error(event.message || "its script could not be loaded");
        reject(error);
        this.onDeath(error);
      };
      this.worker.onmessageerror = () =>
        this.onDeath(new Error("a message of it could not be read"));
    });
    this.ready.catch(() => {});
  }

  post(message: PageMessage, transfer: Transferable[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  /** Ends the worker. Resolves when it runs no more; where the browser cannot tell, at once. */
  async terminate(): Promise<void> {
    this.onDeath = () => {};
    this.worker.terminate();
    await navigator.locks?.request(this.name, () => {});
  }
}
