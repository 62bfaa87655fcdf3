/** A host: the sum of what the floors below need of a platform, and what the library needs besides. */
import type { Clock, Randomness } from "../kernel/index.ts";
import type { HostFiles } from "../fs/hostfs/port.ts";
import type { HostStreams } from "../fs/hoststream/port.ts";
import type { Program } from "../loader/program.ts";
import type { WorkerHost } from "../threads/port.ts";

export interface Host {
  readonly name: "node" | "browser";
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly workers: WorkerHost;
  /** Whether the agent that made this may sleep. A page's main thread may not. */
  readonly mayBlock: boolean;
  /** Whether memory can be shared with workers: always in Node, in a browser only on an isolated page. */
  readonly sharesMemory: boolean;
  /** Directories of the machine, where the host has them. */
  readonly files: HostFiles | undefined;
  /** Descriptors of the host program, where it has them. */
  readonly streams: HostStreams | undefined;
  /** Reads a whole file, by path or the text of a URL. */
  readFile(location: string): Promise<Uint8Array>;
  /** Reads, checks and compiles a program without blocking. @throws ModuleError, or what the engine says of the module */
  load(bytes: Uint8Array, name: string, maximumPages: number): Promise<Program>;
}
