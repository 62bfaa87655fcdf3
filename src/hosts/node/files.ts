/**
 * The machine's files, for host directories: `HostFiles` with Node's synchronous calls, in the thread that asks.
 *
 * On Linux a directory is pinned: it is held open (O_PATH, which needs no right to read it), and a name in it is
 * `/proc/<process>/fd/<descriptor>/<name>`. The kernel goes from the descriptor straight to the directory, wherever it is by now, so one
 * name is all that is looked up, and with O_NOFOLLOW or an l-call it is not followed. Paths with bytes that are not ASCII are handed over as
 * bytes, so any name goes through unchanged.
 *
 * Elsewhere there is no such way in Node. A directory is its real path then, which is compared with what it resolves to before
 * each call. That keeps out links that are there before the call; a link or a rename that comes between the comparison and the call does
 * get through. So on those systems a directory that is mounted for untrusted guests must not be writable for them.
 *
 * Descriptors belong to the process and can be used by all its threads, as workers are started without `trackUnmanagedFds`.
 */
import * as fs from "node:fs";
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import { Fdflags } from "../../abi/flags.ts";
import { type HostFiles, type HostPlace, HostStat } from "../../fs/hostfs/index.ts";
import { type Name, Open, type Times, type Transfer } from "../../vfs/index.ts";
import { errnoOf } from "./errno.ts";
import {
  descriptorPath,
  directoryPathOf,
  isPlain,
  type Path,
  pathOf,
  withSlash,
} from "./file-path.ts";
import { EXACT, EXACT_OPEN, fillStat, setTimes, statPath, typeOfMode } from "./file-stat.ts";

// Taken out once: in the bundle a name of an imported module is a property that is looked up in a large object at each use, and its call cannot be inlined.
const {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  readlinkSync,
  readvSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
  writevSync,
} = fs;

/** Linux: only to name the file, no right to read it is needed. Node has no constant for it. */
const O_PATH = 0o10000000;
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0;
/** For every file: never follow a link, never wait for a pipe's other end, never become somebody's terminal. */
const ALWAYS = O_NOFOLLOW | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
const ONLY_TO_NAME = O_PATH | constants.O_DIRECTORY | O_NOFOLLOW;

const BYTES = { encoding: "buffer" } as const;

/** The most that Linux moves in one call; Node refuses a little more. */
const MOST_BYTES = 0x7ffff000;
/** Several buffers with no more bytes than this are moved through one of ours: cheaper than a view for each. */
const GATHERED = 65536;

export interface NodeFilesOptions {
  /** false: as on a system whose `/proc` does not show descriptors. */
  pins?: boolean;
}

export class NodeFiles implements HostFiles {
  readonly pins: boolean;
  private readonly scratch = new HostStat();
  private readonly gathered = Buffer.allocUnsafeSlow(GATHERED);

  constructor(options: NodeFilesOptions = {}) {
    this.pins = (options.pins ?? true) && canPin();
  }

  resolve(path: string | Uint8Array): Uint8Array | number {
    try {
      return realpathSync.native(typeof path === "string" ? path : Buffer.from(path), BYTES);
    } catch (error) {
      return errnoOf(error);
    }
  }

  text(path: Uint8Array): string {
    const bytes = Buffer.from(path);
    const text = bytes.toString("utf8");
    return bytes.equals(Buffer.from(text)) ? text : "";
  }

  join(directory: string, name: Name): Uint8Array | number {
    if (!isPlain(name)) return -Errno.ENOENT;
    const { bytes, start, length } = name;
    return Buffer.concat([Buffer.from(withSlash(directory)), bytes.slice(start, start + length)]);
  }

  openPath(path: string): number {
    return open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  }

  openRoot(path: Uint8Array): number {
    return open(Buffer.from(path), ONLY_TO_NAME);
  }

  openDirectoryAt(place: HostPlace, name: Name): number {
    return open(pathOf(place, name), ONLY_TO_NAME);
  }

  openParent(descriptor: number): number {
    return open(`${descriptorPath(descriptor)}/..`, ONLY_TO_NAME);
  }

  statAncestor(descriptor: number, levels: number, into: HostStat): number {
    if (levels === 0) return this.statDescriptor(descriptor, into);
    return statPath(descriptorPath(descriptor) + "/..".repeat(levels), into);
  }

  openAt(place: HostPlace, name: Name, request: number, flags: number): number {
    const refused = this.refuse(place, name);
    if (refused < 0) return refused;
    const path = pathOf(place, name);
    if (O_NOFOLLOW === 0 && this.isType(path, Filetype.SYMBOLIC_LINK)) return -Errno.ELOOP;
    return open(path, hostFlags(request, flags));
  }

  openForWriting(descriptor: number): number {
    if (!this.pins) return -Errno.ENOTSUP;
    return open(descriptorPath(descriptor), constants.O_WRONLY | constants.O_NONBLOCK);
  }

  whereIs(descriptor: number): string {
    try {
      const path = readlinkSync(descriptorPath(descriptor), "buffer");
      return fstatSync(descriptor).nlink === 0 ? "" : this.text(path);
    } catch (error) {
      errnoOf(error);
      return "";
    }
  }

  isAt(descriptor: number, path: string): boolean {
    try {
      return readlinkSync(descriptorPath(descriptor)) === path;
    } catch (error) {
      errnoOf(error);
      return false;
    }
  }

  close(descriptor: number): void {
    try {
      closeSync(descriptor);
    } catch (error) {
      // The descriptor is gone also when writing back failed; there is nobody left to tell.
      errnoOf(error);
    }
  }

  statAt(place: HostPlace, name: Name, into: HostStat): number {
    const refused = this.refuse(place, name);
    return refused < 0 ? refused : statPath(pathOf(place, name), into);
  }

  statDirectory(place: HostPlace, into: HostStat): number {
    if (place.descriptor >= 0) return this.statDescriptor(place.descriptor, into);
    const refused = this.refuse(place);
    return refused < 0 ? refused : statPath(place.path, into);
  }

  statDescriptor(descriptor: number, into: HostStat): number {
    try {
      return fillStat(fstatSync(descriptor, EXACT_OPEN), into);
    } catch (error) {
      return errnoOf(error);
    }
  }

  typeOf(descriptor: number): number {
    try {
      // Not with exact numbers: making those takes as long as asking.
      return typeOfMode(fstatSync(descriptor).mode);
    } catch (error) {
      return errnoOf(error);
    }
  }

  setTimesAt(place: HostPlace, name: Name, times: Times): number {
    const refused = this.refuse(place, name);
    if (refused < 0) return refused;
    const path = pathOf(place, name);
    return setTimes(
      times,
      () => lstatSync(path, EXACT_OPEN),
      (accessed, modified) => lutimesSync(path, accessed, modified),
    );
  }

  setDirectoryTimes(place: HostPlace, times: Times): number {
    const refused = this.refuse(place);
    if (refused < 0) return refused;
    const path = directoryPathOf(place);
    return setTimes(
      times,
      () => statSync(path, EXACT_OPEN),
      (accessed, modified) => utimesSync(path, accessed, modified),
    );
  }

  setDescriptorTimes(descriptor: number, times: Times): number {
    return setTimes(
      times,
      () => fstatSync(descriptor, EXACT_OPEN),
      (accessed, modified) => futimesSync(descriptor, accessed, modified),
    );
  }

  makeDirectoryAt(place: HostPlace, name: Name): number {
    return this.change(place, name, (path) => void mkdirSync(path, 0o777));
  }

  symlinkAt(place: HostPlace, name: Name, target: Uint8Array): number {
    const bytes = Buffer.from(target);
    if (bytes.includes(0)) return -Errno.EINVAL;
    return this.change(place, name, (path) => symlinkSync(bytes, path));
  }

  readlinkAt(place: HostPlace, name: Name, into: Uint8Array): number {
    const refused = this.refuse(place, name);
    if (refused < 0) return refused;
    try {
      const target = readlinkSync(pathOf(place, name), BYTES);
      const length = Math.min(target.length, into.length);
      into.set(target.subarray(0, length));
      return length;
    } catch (error) {
      return errnoOf(error);
    }
  }

  unlinkAt(place: HostPlace, name: Name): number {
    const result = this.change(place, name, (path) => unlinkSync(path));
    // Other systems than Linux say EPERM, as POSIX does.
    if (result !== -Errno.EPERM || this.pins) return result;
    return this.isType(pathOf(place, name), Filetype.DIRECTORY) ? -Errno.EISDIR : result;
  }

  removeDirectoryAt(place: HostPlace, name: Name): number {
    return this.change(place, name, (path) => rmdirSync(path));
  }

  renameAt(from: HostPlace, fromName: Name, to: HostPlace, toName: Name): number {
    const refused = this.refuse(to, toName);
    if (refused < 0) return refused;
    const target = pathOf(to, toName);
    return this.change(from, fromName, (path) => renameSync(path, target));
  }

  linkAt(from: HostPlace, fromName: Name, to: HostPlace, toName: Name): number {
    const refused = this.refuse(to, toName);
    if (refused < 0) return refused;
    // Only Linux links a symbolic link itself; others would link what it points to, which may lie anywhere.
    if (!this.pins && this.isType(pathOf(from, fromName), Filetype.SYMBOLIC_LINK)) {
      return -Errno.ENOTSUP;
    }
    const target = pathOf(to, toName);
    return this.change(from, fromName, (path) => linkSync(path, target));
  }

  list(place: HostPlace): readonly string[] | number {
    const refused = this.refuse(place);
    if (refused < 0) return refused;
    try {
      // Texts of single bytes take half the time of an array for each name.
      return readdirSync(directoryPathOf(place), "latin1");
    } catch (error) {
      return errnoOf(error);
    }
  }

  syncDirectory(place: HostPlace): number {
    const refused = this.refuse(place);
    if (refused < 0) return refused;
    const descriptor = open(
      directoryPathOf(place),
      constants.O_RDONLY | (constants.O_DIRECTORY ?? 0),
    );
    if (descriptor < 0) return descriptor;
    const result = this.sync(descriptor, false);
    this.close(descriptor);
    return result;
  }

  read(descriptor: number, into: Transfer, position: number): number {
    try {
      if (into.count === 1) {
        const length = Math.min(into.total, MOST_BYTES);
        return readSync(descriptor, into.bytes, into.starts[0], length, position);
      }
      if (into.total > GATHERED) return readvSync(descriptor, views(into), position);
      const length = readSync(descriptor, this.gathered, 0, into.total, position);
      into.put(this.gathered, 0, length);
      return length;
    } catch (error) {
      return errnoOf(error);
    }
  }

  write(descriptor: number, from: Transfer, position: number): number {
    const at = position < 0 ? null : position;
    try {
      if (from.count === 1) {
        const length = Math.min(from.total, MOST_BYTES);
        return writeSync(descriptor, from.bytes, from.starts[0], length, at);
      }
      if (from.total > GATHERED) {
        // The declaration of writevSync leaves out null, which Node takes for undefined.
        return writevSync(descriptor, views(from), at ?? undefined);
      }
      from.take(this.gathered, 0, from.total);
      return writeSync(descriptor, this.gathered, 0, from.total, at);
    } catch (error) {
      return errnoOf(error);
    }
  }

  setSize(descriptor: number, size: number): number {
    try {
      ftruncateSync(descriptor, size);
      return 0;
    } catch (error) {
      return errnoOf(error);
    }
  }

  sync(descriptor: number, dataOnly: boolean): number {
    try {
      if (dataOnly) fdatasyncSync(descriptor);
      else fsyncSync(descriptor);
      return 0;
    } catch (error) {
      return errnoOf(error);
    }
  }

  private isType(path: Path, type: number): boolean {
    return statPath(path, this.scratch) >= 0 && this.scratch.type === type;
  }

  /** Does something to a name. */
  private change(place: HostPlace, name: Name, act: (path: Path) => void): number {
    const refused = this.refuse(place, name);
    if (refused < 0) return refused;
    try {
      act(pathOf(place, name));
      return 0;
    } catch (error) {
      return errnoOf(error);
    }
  }

  /** Where directories are not pinned: refuses one whose path leads elsewhere by now, and names that are more than a name. */
  private refuse(place: HostPlace, name?: Name): number {
    if (this.pins) return 0;
    if (name !== undefined && !isPlain(name)) return -Errno.ENOENT;
    try {
      return realpathSync.native(place.path) === place.path ? 0 : -Errno.EACCES;
    } catch (error) {
      return errnoOf(error);
    }
  }
}

/** Whether the descriptors in `/proc` lead into open directories. */
function canPin(): boolean {
  if (process.platform !== "linux") return false;
  const descriptor = open("/", ONLY_TO_NAME);
  if (descriptor < 0) return false;
  try {
    const direct = fstatSync(descriptor, EXACT_OPEN);
    const through = lstatSync(`${descriptorPath(descriptor)}/.`, EXACT);
    return through?.ino === direct.ino && through.dev === direct.dev;
  } finally {
    closeSync(descriptor);
  }
}

function hostFlags(request: number, flags: number): number {
  let host = ALWAYS;
  if ((request & Open.write) === 0) host |= constants.O_RDONLY;
  else host |= (request & Open.read) !== 0 ? constants.O_RDWR : constants.O_WRONLY;
  if ((request & Open.create) !== 0) host |= constants.O_CREAT;
  if ((request & Open.exclusive) !== 0) host |= constants.O_EXCL;
  if ((request & Open.truncate) !== 0) host |= constants.O_TRUNC;
  if ((request & Open.directory) !== 0) host |= constants.O_DIRECTORY ?? 0;
  if ((flags & Fdflags.APPEND) !== 0) host |= constants.O_APPEND;
  if ((flags & (Fdflags.SYNC | Fdflags.RSYNC)) !== 0) host |= constants.O_SYNC ?? 0;
  else if ((flags & Fdflags.DSYNC) !== 0) host |= constants.O_DSYNC ?? constants.O_SYNC ?? 0;
  return host;
}

function open(path: Path, flags: number): number {
  try {
    return openSync(path, flags, 0o666);
  } catch (error) {
    return errnoOf(error);
  }
}

/** Views of the buffers of a transfer. */
function views(transfer: Transfer): Uint8Array[] {
  const list: Uint8Array[] = [];
  let total = 0;
  for (let index = 0; index < transfer.count && total < MOST_BYTES; index++) {
    const start = transfer.starts[index];
    const length = Math.min(transfer.lengths[index], MOST_BYTES - total);
    if (length !== 0) list.push(transfer.bytes.subarray(start, start + length));
    total += length;
  }
  return list;
}
