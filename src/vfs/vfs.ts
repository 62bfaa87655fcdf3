/**
 * The virtual file system of one agent: which driver serves which inode and which operations which open file. All state is in the kernel heap;
 * this holds only the code and the agent's scratch objects.
 */
import { type KernelMemory, panic } from "../shm/index.ts";
import { type FileOperations, OperationsId } from "./file-operations.ts";
import { type Filesystem, Name, Stat, Times } from "./filesystem.ts";
import { Inode } from "./inode.ts";
import { OpenFile } from "./open-file.ts";
import type { Sleeper, WallClock } from "./port.ts";

export class Vfs {
  private readonly filesystems: Filesystem[] = [];
  private readonly operations: FileOperations[] = [];
  /** Takes an open file whose last count is gone out of what watches it: given with the operations of what does. */
  forgetWatches: (vfs: Vfs, file: number) => void = (_vfs, file) =>
    panic(`open file ${file} is watched, but nobody here knows how`);
  /** Adds the drivers that an agent takes when it first meets a file of theirs. */
  loadDrivers: () => void = () => {};
  /** The process that this agent works for at the moment, or 0 for the host program: what `/proc/self` and `/dev/tty` mean. */
  caller = 0;
  /** Scratch for the current call: never kept across one. */
  readonly stat = new Stat();
  readonly times = new Times();
  readonly name = new Name();
  /** For the call in progress, if it may sleep: set by the syscall floor for the thread that the agent works for. */
  sleeper: Sleeper | undefined;
  /** Halves of the last time that `now` gave. */
  nowLow = 0;
  nowHigh = 0;
  /** The same in milliseconds; 0 where none was asked for. */
  nowMilliseconds = 0;

  constructor(
    readonly memory: KernelMemory,
    public clock: WallClock,
  ) {}

  /** Gives the agent the driver of a `FilesystemId`. */
  addFilesystem(id: number, filesystem: Filesystem): void {
    this.filesystems[id] = filesystem;
  }

  /** Gives the agent the operations of an `OperationsId`. */
  addOperations(id: number, operations: FileOperations): void {
    this.operations[id] = operations;
  }

  /** Whether the agent has the driver of a `FilesystemId`. */
  hasFilesystem(id: number): boolean {
    return this.filesystems[id] !== undefined;
  }

  /** The driver of an inode. */
  filesystemOf(inode: number): Filesystem {
    const id = Inode.filesystem.get(this.memory, inode);
    if (this.filesystems[id] === undefined) this.loadDrivers();
    return this.filesystems[id] ?? panic(`inode ${inode} has no filesystem`);
  }

  /** The operations of an open file. */
  operationsOf(file: number): FileOperations {
    const id = OpenFile.operations.get(this.memory, file);
    if (this.operations[id] === undefined) this.loadDrivers();
    return this.operations[id] ?? panic(`open file ${file} has no operations`);
  }

  /**
   * Before anything but closing or describing: finds out what a file is that was opened unseen. What its record says of it is true afterwards.
   *
   * @param unseen whether it may stay so
   * @returns 0; EACCES for what may not be opened, or why the host does not tell, negated
   */
  settle(file: number, unseen = false): number {
    const operations = OpenFile.operations.get(this.memory, file);
    if (operations < OperationsId.hostUnseen) return 0;
    if (unseen && operations === OperationsId.hostUnseen) return 0;
    return this.operationsOf(file).settle(this, file);
  }

  /** Looks at the clock: nanoseconds since 1970 in `nowLow` and `nowHigh`. */
  now(): void {
    const milliseconds = this.clock.milliseconds();
    // Calls come far more often than a cheap clock ticks.
    if (milliseconds === this.nowMilliseconds) return;
    this.nowMilliseconds = milliseconds;
    const seconds = Math.floor(milliseconds / 1000);
    const nanoseconds = Math.floor((milliseconds - seconds * 1000) * 1e6);
    // seconds × 10^9 = (seconds × 1953125) × 2^9, and the product in brackets is exact until the year 2116.
    const product = seconds * 1953125;
    const low = (product % 2 ** 23) * 512 + nanoseconds;
    this.nowHigh = Math.floor(product / 2 ** 23) + Math.floor(low / 2 ** 32);
    this.nowLow = low >>> 0;
  }
}
