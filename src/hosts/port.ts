/** A host: the sum of what the floors below need of a platform, and what the library needs besides. */
import type { Clock, Randomness } from "../kernel/index.ts";
import type { GivenNames, Program } from "../loader/program.ts";
import type { describeRawTrap } from "../loader/trap-description.ts";
import type { Drivers } from "../threads/boot.ts";
import type { installFurtherCalls } from "../threads/further-calls.ts";
import type { WorkerHost } from "../threads/port.ts";
import type { KernelMemory } from "../shm/index.ts";
import type { Vfs } from "../vfs/index.ts";

/** What a host has besides memory: a part of its own that a page has not, so that a page does not carry the code for it. */
export interface LocalResources extends Drivers {
  /** Opens a descriptor of the host program for a guest; an open file with one count, or 0 when the kernel heap is full. */
  openStream(vfs: Vfs, descriptor: number, access: 1 | 2 | 3): number;
  /**
   * Makes a mount of a directory, ready for `addMount`.
   *
   * @param into the record of a mount that comes from a snapshot, to be made one of this directory
   * @throws an error with `code` and `path` when it cannot be had
   */
  mountDirectory(vfs: Vfs, path: string, readOnly: boolean, into?: number): number;
  unmountDirectory(vfs: Vfs, mount: number): void;
  /** Closes what a mount of a directory has open, in a heap that is given up. */
  closeDirectories(vfs: Vfs, mount: number): void;
  /**
   * Where an open file or a directory of a mounted directory is, below that: a path without slashes at its ends.
   *
   * @param place the open file, or the directory's inode
   * @returns undefined where it has no name there any more, or the host does not tell
   */
  pathBelow(
    memory: KernelMemory,
    mount: number,
    place: number,
    isFile: boolean,
  ): string | undefined;
  /** Opens a regular file for reading, by path; an open file with one count. @throws an error with `code` and `path` when it cannot be had */
  openFile(vfs: Vfs, path: string): number;
}

/** A file of the host in which a machine keeps its journal. What fails is thrown. */
export interface JournalFile {
  /** What it held when it was opened. */
  readonly content: Uint8Array<ArrayBuffer>;
  /** What writes at its end. */
  readonly descriptor: number;
  append(bytes: Uint8Array): void;
  /** Makes it so short. */
  cut(length: number): void;
  /** Puts other bytes in its place, all or none of them. The descriptor is another one afterwards. */
  replace(pieces: readonly Uint8Array[]): void;
  close(): void;
}

/** What a host gives a machine. */
export interface Host {
  readonly name: "node" | "browser";
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly workers: WorkerHost;
  /** Whether the agent that made this may sleep. A page's main thread may not. */
  readonly mayBlock: boolean;
  /** Whether memory can be shared with workers: always in Node, in a browser only on an isolated page. */
  readonly sharesMemory: boolean;
  /** Directories and descriptors of the host itself, where it has them. */
  readonly local: LocalResources | undefined;
  /**
   * Makes the calls that few programs make ready for workers: for processes that begin to run from now on.
   *
   * @returns what gives them to this agent
   */
  loadFurtherCalls(): Promise<typeof installFurtherCalls>;
  /** Loads what a program needs that looks files up, and the host program that does, for processes that begin to run from now on. Where there is none, all agents have it. */
  readonly loadPathCalls?: () => Promise<unknown>;
  /** Loads what puts the traps of guests into words. */
  loadTrapWords(): Promise<typeof describeRawTrap>;
  /** Makes this agent and workers ready to trace. */
  loadTraces(): Promise<void>;
  /** Reads a whole file, by path or the text of a URL. */
  readFile(location: string): Promise<Uint8Array>;
  /** Reads, checks and compiles a program without blocking; `given` in Node only. @throws ModuleError, or what the engine says of the module */
  load(bytes: Uint8Array, name: string, maximumPages: number, given?: GivenNames): Promise<Program>;
  /** Compiles the bytes of a program that was loaded for carriers that threads share; undefined where they cannot. */
  loadShareable(
    bytes: Uint8Array,
    name: string,
    maximumPages: number,
  ): Promise<Program | undefined>;
}
