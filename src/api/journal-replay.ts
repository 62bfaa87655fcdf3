/**
 * Replaying a journal: makes the calls again that it holds, in their order and at their times, so that files, descriptors, offsets, pipes, sets of watched files,
 * directories and modes of terminals are as they were.
 *
 * The calls are made by the system calls' own code, on a context of this agent that works for a process without a program. What lies on the host is not
 * changed again: it has what was written. What goes to and comes from the host program's streams has been there.
 */
import { errnoName } from "../abi/errno.ts";
import { Oflags } from "../abi/flags.ts";
import { Whence } from "../abi/enums.ts";
import { layersOf } from "../fs/overlayfs/index.ts";
import {
  closeDescriptor,
  createChild,
  duplicateTo,
  entryOf,
  FileEntry,
  type Kernel,
  KernelRoot,
  lookupFile,
} from "../kernel/index.ts";
import type { CallRecord } from "../syscalls/call-record.ts";
import { pointeeOf, signatureOf } from "../syscalls/call-recorder.ts";
import { SyscallContext } from "../syscalls/context.ts";
import { GuestMemory } from "../syscalls/guest-memory.ts";
import { beginWalk } from "../syscalls/path-walk.ts";
import { findSyscall } from "../syscalls/table.ts";
import {
  AT_OFFSET,
  dropFile,
  dropInode,
  FilesystemId,
  Inode,
  keepFile,
  Mount,
  Open,
  OpenFile,
  OperationsId,
  Transfer,
  WOULD_BLOCK,
} from "../vfs/index.ts";
import type { GuestTree } from "./guest-tree.ts";
import { type DatedChange, makeChange, type TreeChange } from "./tree-changes.ts";

/** Where what a call gets lies in the memory that it is made with, and the room of each answer. */
const FIRST = 64;
const ROOM = 32;
const PAGE = 65_536;

/** Which parameters are the descriptor and the path of a name that a call makes or takes away. */
const PLACES: Readonly<Record<string, readonly [number, number]>> = {
  path_create_directory: [0, 1],
  path_filestat_set_times: [0, 2],
  path_link: [4, 5],
  path_open: [0, 2],
  path_open2: [0, 2],
  path_remove_directory: [0, 1],
  path_rename: [3, 4],
  path_symlink: [2, 3],
  path_unlink_file: [0, 1],
};

/** Calls that change the file of their first argument. */
const CHANGES_FILE: ReadonlySet<string> = new Set([
  "fd_allocate",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "fd_pwrite",
]);

/** Open files whose bytes are kept outside of the machine: not all have an inode. */
const OUTSIDE_FILES: ReadonlySet<number> = new Set([
  OperationsId.hostFile,
  OperationsId.userFile,
  OperationsId.loggedFile,
]);

/** What of a pipe is still to be done: calls of several threads may stand in another order than the one in which they were made. */
interface Backlog {
  readonly file: number;
  readonly writes: Uint8Array[];
  reads: number;
}

export class JournalReplay {
  private readonly context: SyscallContext;
  private readonly transfer = new Transfer();
  /** By pipe. */
  private readonly backlogs = new Map<number, Backlog>();

  /** @param hostPipes pipes whose other end the host program had */
  constructor(
    private readonly kernel: Kernel,
    private readonly hostPipes: ReadonlySet<number>,
  ) {
    const nobody = () => -1;
    this.context = new SyscallContext(
      kernel,
      new GuestMemory(new WebAssembly.Memory({ initial: 1 })),
      { spawn: nobody, parallelism: () => 1 },
      {
        stackPointer: undefined,
        has: () => false,
        isContextEntry: () => false,
        call: () => {},
        callSuspendably: () => Promise.resolve(),
      },
      KernelRoot.retiredMark.at(kernel.root),
    );
  }

  /** A process as the child of another that was recorded: it has what its parent has. 0 where there is no room. */
  makeChild(parent: number): number {
    return Math.max(0, createChild(this.kernel, parent));
  }

  /** Makes a call again, of a process without threads. Returns why it could not be made; undefined where it was. */
  play(record: CallRecord, process: number): string | undefined {
    const { vfs } = this.kernel;
    const { clock } = vfs;
    vfs.clock = { milliseconds: () => record.time };
    this.context.become(process);
    try {
      return this.make(record);
    } finally {
      vfs.clock = clock;
      vfs.caller = 0;
    }
  }

  /** Makes a change of the host program's again, unless it lies outside of the machine. Returns as `play`. */
  change(tree: GuestTree, { change, time }: DatedChange): string | undefined {
    const { vfs } = this.kernel;
    const { clock } = vfs;
    vfs.clock = { milliseconds: () => time };
    try {
      if (!this.isOutsideChange(tree, change)) makeChange(tree, change);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      vfs.clock = clock;
    }
  }

  private isOutsideChange(tree: GuestTree, { call, path }: TreeChange): boolean {
    const { vfs } = this.kernel;
    const directory = tree.findDirectory(path.slice(0, path.lastIndexOf("/")) || "/");
    let isOutside = this.isOutside(directory);
    dropInode(vfs, directory);
    if (isOutside || (call !== "write" && call !== "append")) return isOutside;
    // A link may lead there.
    try {
      const file = tree.open(path, Open.read);
      isOutside = this.isOutsideOpen(file);
      dropFile(vfs, file);
    } catch {
      // There is none yet.
    }
    return isOutside;
  }

  private make(record: CallRecord): string | undefined {
    const [module, name] = record.call.split(".");
    const syscall = findSyscall(module, name);
    if (syscall === undefined) return "this build of Weft has no such call";
    if (name === "fd_read" || name === "fd_write") return this.move(record, name === "fd_write");
    const place = this.lay(record, module, name);
    const { args } = place;
    if (CHANGES_FILE.has(name) && this.isOutsideFile(Number(args[0]))) return undefined;
    if (Object.hasOwn(PLACES, name) && this.isOutsidePath(record, PLACES[name], args)) {
      if (name !== "path_open" && name !== "path_open2") return undefined;
      // It is there, and has been emptied.
      args[4] = Number(args[4]) & ~(Oflags.CREAT | Oflags.EXCL | Oflags.TRUNC);
    }
    if (name === "fd_seek") {
      // Where it came to: other calls may have moved it in another order.
      args[1] = BigInt(record.answers.get(3) ?? 0);
      args[2] = Whence.SET;
    }
    const handler = syscall.handler as (
      context: SyscallContext,
      ...args: (number | bigint)[]
    ) => unknown;
    const errno = handler(this.context, ...args);
    if (errno !== 0) return typeof errno === "number" ? errnoName(errno) : "it waits";
    for (const [parameter, fd] of place.descriptors) {
      const made = this.context.guest.view.getUint32(Number(args[parameter]), true);
      if (made !== fd) this.renumber(made, fd);
    }
    return undefined;
  }

  /** Puts what a call gets into memory. Returns its arguments, and the descriptors that it answered, by parameter. */
  private lay(
    { args, given, answers }: CallRecord,
    module: string,
    name: string,
  ): { args: (number | bigint)[]; descriptors: readonly (readonly [number, number])[] } {
    const { guest } = this.context;
    const parameters = signatureOf(module, name)?.parameters ?? [];
    const needed = [...given.values()].reduce((sum, { length }) => sum + length + ROOM, FIRST);
    const missing = needed + args.length * ROOM - guest.u8.length;
    if (missing > 0) {
      guest.memory.grow(Math.ceil(missing / PAGE));
      guest.refresh();
    }
    let at = FIRST;
    const descriptors: (readonly [number, number])[] = [];
    const laid = args.map((argument, index) => {
      const parameter = parameters[index];
      const target = parameter && pointeeOf(parameter);
      if (target === undefined)
        return parameter?.wasm === "i64" ? argument : Number(BigInt.asIntN(32, argument));
      const start = at;
      const bytes = given.get(index);
      if (target === "ciovec" && bytes !== undefined) {
        guest.view.setUint32(start, start + 8, true);
        guest.view.setUint32(start + 4, bytes.length, true);
        guest.u8.set(bytes, start + 8);
      } else if (bytes !== undefined) guest.u8.set(bytes, start);
      at = Math.ceil((start + ROOM + (bytes?.length ?? 0)) / 16) * 16;
      if (target === "fd") descriptors.push([index, answers.get(index) ?? -1]);
      return start;
    });
    // Buffers were gathered into one.
    parameters.forEach((parameter, index) => {
      if (pointeeOf(parameter) === "ciovec") laid[index + 1] = 1;
    });
    return { args: laid, descriptors };
  }

  /** Gives a descriptor the number that it had. */
  private renumber(made: number, fd: number): void {
    const { memory, vfs } = this.kernel;
    const { files } = this.context;
    const flags = FileEntry.flags.get(memory, entryOf(memory, files, made));
    if (duplicateTo(vfs, files, made, fd) !== fd) return;
    FileEntry.flags.set(memory, entryOf(memory, files, fd), flags);
    closeDescriptor(vfs, files, made);
  }

  /** A read or a write at a descriptor's offset. */
  private move({ args, given, answers }: CallRecord, isWrite: boolean): string | undefined {
    const { memory, vfs } = this.kernel;
    const file = lookupFile(vfs, this.context.files, Number(args[0]), 0);
    if (file < 0) return errnoName(-file);
    const count = answers.get(3) ?? 0;
    const operations = vfs.operationsOf(file);
    const kind = OpenFile.operations.get(memory, file);
    const bytes = given.get(1) ?? new Uint8Array(0);
    if (operations.seekable && isWrite && !this.isOutsideOpen(file)) {
      operations.write(vfs, file, this.transfer.single(bytes, 0, bytes.length), AT_OFFSET);
    } else if (operations.seekable) {
      OpenFile.lock.acquire(memory, file);
      OpenFile.offset.set(memory, file, OpenFile.offset.get(memory, file) + count);
      OpenFile.lock.release(memory, file);
    } else if (kind === OperationsId.event) {
      const moved = isWrite ? bytes : new Uint8Array(count);
      this.transfer.single(moved, 0, moved.length);
      if (isWrite) operations.write(vfs, file, this.transfer, AT_OFFSET);
      else operations.read(vfs, file, this.transfer, AT_OFFSET);
    } else if (kind === OperationsId.pipe) this.movePipe(file, isWrite ? bytes : count);
    dropFile(vfs, file);
    return undefined;
  }

  private movePipe(file: number, moved: Uint8Array | number): void {
    const { memory } = this.kernel;
    const pipe = OpenFile.state.get(memory, file);
    if (this.hostPipes.has(pipe)) return;
    let backlog = this.backlogs.get(pipe);
    if (backlog === undefined) {
      // Any of its ends will do: what reads or writes is the pipe.
      backlog = { file: keepFile(memory, file), writes: [], reads: 0 };
      this.backlogs.set(pipe, backlog);
    }
    if (typeof moved === "number") backlog.reads += moved;
    else backlog.writes.push(moved);
    this.catchUp(pipe, backlog);
  }

  private catchUp(pipe: number, backlog: Backlog): void {
    const { vfs } = this.kernel;
    const { transfer } = this;
    const { file, writes } = backlog;
    const operations = vfs.operationsOf(file);
    for (let isMoving = true; isMoving;) {
      isMoving = false;
      if (writes.length > 0) {
        const [first] = writes;
        const written = operations.write(
          vfs,
          file,
          transfer.single(first, 0, first.length),
          AT_OFFSET,
        );
        if (written > 0) isMoving = true;
        if (written === first.length || (written < 0 && written !== WOULD_BLOCK)) writes.shift();
        else if (written > 0) writes[0] = first.subarray(written);
      }
      if (backlog.reads > 0) {
        const room = new Uint8Array(Math.min(backlog.reads, PAGE));
        const read = operations.read(vfs, file, transfer.single(room, 0, room.length), AT_OFFSET);
        if (read > 0) {
          backlog.reads -= read;
          isMoving = true;
        }
      }
    }
    if (writes.length > 0 || backlog.reads > 0) return;
    this.backlogs.delete(pipe);
    dropFile(vfs, file);
  }

  /** Nothing follows. */
  finish(): void {
    for (const { file } of this.backlogs.values()) dropFile(this.kernel.vfs, file);
    this.backlogs.clear();
  }

  private isOutsideFile(fd: number): boolean {
    const { vfs } = this.kernel;
    const file = lookupFile(vfs, this.context.files, fd, 0);
    if (file < 0) return false;
    const isOutside = this.isOutsideOpen(file);
    dropFile(vfs, file);
    return isOutside;
  }

  private isOutsidePath(
    { given }: CallRecord,
    [base, path]: readonly [number, number],
    args: readonly (number | bigint)[],
  ): boolean {
    const { context } = this;
    const { walk } = context;
    const length = given.get(path)?.length ?? 0;
    const isThere =
      beginWalk(context, walk, Number(args[base]), 0, Number(args[path]), length) === 0;
    const isOutside = isThere && this.isOutside(walk.directory);
    walk.end();
    return isOutside;
  }

  /** Whether the bytes of an open file are kept outside of the machine. */
  private isOutsideOpen(file: number): boolean {
    const { memory } = this.kernel;
    const kind = OpenFile.operations.get(memory, file);
    return OUTSIDE_FILES.has(kind) || this.isOutside(OpenFile.inode.get(memory, file));
  }

  /** Whether an inode's bytes and names are kept outside of the machine: they are as they were. */
  private isOutside(inode: number): boolean {
    const { memory } = this.kernel;
    if (inode === 0) return false;
    const filesystem = Inode.filesystem.get(memory, inode);
    if (filesystem !== FilesystemId.overlayfs) return isKeptOutside(filesystem);
    const [upper] = layersOf(memory, Inode.mount.get(memory, inode));
    return upper !== 0 && isKeptOutside(Mount.filesystem.get(memory, upper));
  }
}

function isKeptOutside(filesystem: number): boolean {
  return (
    filesystem === FilesystemId.hostfs ||
    filesystem === FilesystemId.userfs ||
    filesystem === FilesystemId.logfs
  );
}
