/** All messages between a page and its workers. A worker serves first the page alone (`load`), then a machine (`start`), then processes (`bind`). */
import type { Program } from "../../loader/program.ts";
import type { BindMessage, WorkerMessage, WorkerStart } from "../../threads/messages.ts";

/** Page to worker: read, check and compile a program. Answered by `loaded` or `refused`. */
export interface LoadMessage {
  readonly kind: "load";
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly maximumPages: number;
}

/** Page to worker: belong to a machine from now on. */
export interface StartMessage extends WorkerStart {
  readonly kind: "start";
}

/** Page to worker. */
export type PageMessage = LoadMessage | StartMessage | BindMessage;

/** Worker to page: the answers to `load`, besides what every host's workers say. */
export type AgentMessage =
  | WorkerMessage
  | { readonly kind: "loaded"; readonly program: Program }
  /** The program cannot be run. `code` is there when it is a `ModuleError`, and not the engine's. */
  | { readonly kind: "refused"; readonly code: string | undefined; readonly message: string };
