/** What this floor needs from the host: workers, and time. */
import type { BindMessage, WorkerMessage, WorkerStart } from "./messages.ts";

/** A worker as its starter sees it. */
export interface WorkerHandle {
  post(message: BindMessage): void;
  /** Ends the worker wherever it is. Resolves when it runs no more. */
  terminate(): Promise<void>;
  /** Whether the worker keeps the host program alive. */
  setKeepsAlive(keep: boolean): void;
}

export interface WorkerHost {
  /**
   * Starts a worker.
   *
   * @param onMessage gets its messages; @param onDeath is called when it ended without being asked to
   */
  startWorker(
    start: WorkerStart,
    onMessage: (message: WorkerMessage) => void,
    onDeath: (error: Error) => void,
  ): WorkerHandle;
  /** Resolves after some milliseconds. Keeps the host program alive meanwhile. */
  delay(milliseconds: number): Promise<void>;
  /** How many threads can really run at once. */
  readonly parallelism: number;
}
