/**
 * All messages between a page and its workers. A worker serves first the page alone (`load`); then, where memory is shared, a machine (`start`) and its
 * processes (`bind`), elsewhere one process after the other (`run`).
 */
import type { LogState } from "../../fs/logfs/index.ts";
import type { Program } from "../../loader/program.ts";
import type {
  BindMessage,
  TraceTarget,
  WorkerMessage,
  WorkerStart,
} from "../../threads/messages.ts";
import type { LoneThread } from "../../threads/run-in-place.ts";

/** Page to worker: read, check and compile a program. Answered by `loaded`, `refused` or `needsParts`. */
export interface LoadMessage {
  readonly kind: "load";
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly maximumPages: number;
  /** For carriers that threads share. */
  readonly shareable: boolean;
}

/** Page to worker: belong to a machine from now on. */
export interface StartMessage extends WorkerStart {
  readonly kind: "start";
}

/** Page to worker: run a process on a copy of the kernel heap. Answered by `output` as it writes, at the end by `ran`. */
export interface RunMessage {
  readonly kind: "run";
  readonly snapshot: ArrayBuffer;
  readonly lone: LoneThread;
  readonly program: Program;
  /** All of its standard input. */
  readonly input: Uint8Array;
  readonly trace: TraceTarget | undefined;
}

/** Page to worker: open a store of the browser's. Answered by `storeOpened` or `refused`. */
export interface OpenStoreMessage {
  readonly kind: "openStore";
  readonly name: string;
}

/** Page to worker: keep a mount in the store that was opened, until the machine is closed. Answered by `storeClosed`. */
export interface KeepMessage {
  readonly kind: "keep";
  /** The kernel heap. */
  readonly memory: WebAssembly.Memory;
  readonly mount: number;
  readonly state: LogState;
  readonly debug: boolean;
}

/** Page to worker. */
export type PageMessage =
  LoadMessage | StartMessage | BindMessage | RunMessage | OpenStoreMessage | KeepMessage;

/** Worker to page: the answers to the above, besides what every host's workers say. */
export type AgentMessage =
  | WorkerMessage
  | { readonly kind: "loaded"; readonly program: Program | undefined }
  /** The worker lacks the parts to read the program: a worker with them is to be asked. */
  | { readonly kind: "needsParts" }
  /** The program cannot be run: `code` is there when it is a `ModuleError`, and not the engine's. Or the store cannot be opened. */
  | { readonly kind: "refused"; readonly code: string | undefined; readonly message: string }
  | { readonly kind: "storeOpened"; readonly logs: readonly [Uint8Array, Uint8Array] }
  | { readonly kind: "storeFailed"; readonly message: string }
  | { readonly kind: "storeClosed" }
  | { readonly kind: "output"; readonly descriptor: number; readonly bytes: Uint8Array }
  | { readonly kind: "ran"; readonly snapshot: ArrayBuffer };
