/** All messages between the host's event loop and the workers. None is on the path of a spawn, a wake-up or a call. */
import type { Program } from "../loader/program.ts";
import type { ForkMemory } from "./fork-memories.ts";

/** What a worker is started with. */
export interface WorkerStart {
  /** The kernel heap. */
  readonly memory: WebAssembly.Memory;
  /** The worker's `Carrier` record. */
  readonly carrier: number;
  /** Whether locks check their order. */
  readonly debug: boolean;
  /** Whether it is started as a shared carrier: a hint, it may come to be something else later. */
  readonly sharing: boolean;
}

/** Host to worker: serve a process until its crew closes. */
export interface BindMessage {
  readonly kind: "bind";
  readonly crew: number;
  readonly program: Program;
  /** The memory that its instances share, when the program imports one. */
  readonly memory: WebAssembly.Memory | undefined;
  /** Of a forked process whose memory is not shared: what its parent's held. */
  readonly content: Uint8Array | undefined;
  /** Address of a module that gives threads' instances their imports beside the kernel's. */
  readonly threadImports: string | undefined;
  /** Whether to serve as a shared carrier. */
  readonly sharing: boolean;
  /** Whether to serve with the calls that few programs make. */
  readonly furtherCalls: boolean;
  /** Descriptor of the host that traces go to, or a sink's number; undefined for none. */
  readonly trace: TraceTarget | undefined;
}

/** Where trace lines go: the open file's address in the kernel heap, with a count that the process's supervisor holds. */
export interface TraceTarget {
  readonly file: number;
}

/** Worker to host: a process was copied, and its main thread wants a carrier. */
export interface ForkMessage {
  readonly kind: "forked";
  /** The child's process with a count for the host, its crew and its main thread: records. */
  readonly process: number;
  readonly crew: number;
  readonly thread: number;
  readonly copy: ForkMemory;
}

/** Worker to host. */
export type WorkerMessage =
  | ForkMessage
  | { readonly kind: "ready" }
  | { readonly kind: "unbound" }
  /** For the host program, from the module that gives imports. */
  | { readonly kind: "posted"; readonly value: unknown }
  /** The agent met a broken invariant, or something threw that should not: it is of no more use. */
  | { readonly kind: "crashed"; readonly message: string; readonly stack: string };
