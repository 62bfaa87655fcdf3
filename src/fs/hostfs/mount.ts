/**
 * Making and undoing mounts of host directories.
 */
import { Filetype } from "../../abi/enums.ts";
import { errnoMeaning } from "../../abi/errno-meanings.ts";
import { Errno, errnoName } from "../../abi/errno.ts";
import { allocate, free, type KernelMemory, panic } from "../../shm/index.ts";
import {
  dropInode,
  FilesystemId,
  Inode,
  Mount,
  MountFlags,
  OpenFile,
  type Vfs,
} from "../../vfs/index.ts";
import {
  addDirectory,
  closeUnused,
  HostDirectory,
  HostMount,
  listDirectories,
} from "./directory.ts";
import { type HostFiles, HostPlace, HostStat } from "./port.ts";
import { addRoot, removeRoot } from "./roots.ts";

export interface HostfsOptions {
  /** The guest may not change anything. */
  readOnly?: boolean;
  /**
   * Never use the root's path, not even for names in the root, which costs two microseconds a call. Needed where an
   * untrusted guest of another process can rename the directory or one above it; mounts of this program that contain each other
   * are seen to without it.
   */
  pinned?: boolean;
  /** The record of a mount to make it in, whose directory was forgotten (`forgetHostfs`): its place in the tree stays. */
  into?: number;
}

/** A directory of the host that cannot be mounted, with the host's reason. */
export class HostDirectoryError extends Error {
  override name = "HostDirectoryError";
  constructor(
    /** Name of an errno. */
    readonly code: string,
    /** The path as it was given. */
    readonly path: string,
    reason: string,
  ) {
    super(`cannot mount the host directory ${JSON.stringify(path)}: ${reason} (${code})`);
  }
}

/**
 * Makes a mount of a directory of the host, ready for `addMount`. All agents serve it as soon as they know the filesystem
 * (`HostfsDriver.register`).
 *
 * @param path of a directory, symbolic links in it are followed once, now; relative to the host's working directory
 * @throws HostDirectoryError with `code` and `path` if it does not exist, is no directory or cannot be opened
 */
export function createHostfs(
  vfs: Vfs,
  port: HostFiles,
  path: string | Uint8Array,
  options: HostfsOptions = {},
): number {
  const { memory } = vfs;
  const stat = new HostStat();
  const real = port.resolve(path);
  if (typeof real === "number") throw refusal(port, path, real);
  const place = new HostPlace();
  place.path = port.text(real);
  if (port.pins) {
    place.descriptor = port.openRoot(real);
    if (place.descriptor < 0) throw refusal(port, path, place.descriptor);
  } else if (place.path === "") throw refusal(port, path, -Errno.EILSEQ);
  let result = port.statDirectory(place, stat);
  if (result >= 0 && stat.type !== Filetype.DIRECTORY) result = -Errno.ENOTDIR;
  if (result < 0) {
    if (port.pins) port.close(place.descriptor);
    throw refusal(port, path, result);
  }

  const mount = options.into ?? Mount.allocate(memory);
  const host = HostMount.allocate(memory);
  const source = allocate(memory, real.length);
  const undo = () => {
    if (source !== 0) free(memory, source, real.length);
    if (host !== 0) HostMount.free(memory, host);
    if (mount !== 0 && options.into === undefined) Mount.free(memory, mount);
  };
  if (mount === 0 || host === 0 || source === 0) {
    undo();
    if (port.pins) port.close(place.descriptor);
    throw refusal(port, path, -Errno.ENOMEM);
  }
  memory.u8.set(real, source);
  Mount.filesystem.set(memory, mount, FilesystemId.hostfs);
  Mount.flags.set(memory, mount, options.readOnly === true ? MountFlags.readOnly : 0);
  Mount.state.set(memory, mount, host);
  Mount.source.set(memory, mount, source);
  Mount.sourceLength.set(memory, mount, real.length);
  HostMount.serial.set(memory, host, Math.floor(Math.random() * 2 ** 32));
  if (port.pins && (options.pinned === true || place.path === "")) {
    HostMount.pinned.store(memory, host, 1);
  }
  const below = port.pins ? new Uint8Array(0) : real;
  const root = addDirectory(memory, port, mount, place.descriptor, stat, below);
  if (root === 0) {
    undo();
    throw refusal(port, path, -Errno.ENOMEM);
  }
  HostDirectory.isRoot.set(memory, root, 1);
  HostMount.root.set(memory, host, root);
  Mount.root.set(memory, mount, root);
  if (port.pins) addRoot(memory, port, mount);
  return mount;
}

/** Closes and frees all that a mount of a host directory has. Nobody may use it or find it in the table of mounts any more. */
export function destroyHostfs(vfs: Vfs, port: HostFiles, mount: number): void {
  const { memory } = vfs;
  const host = Mount.state.get(memory, mount);
  const root = HostMount.root.get(memory, host);
  if (port.pins) removeRoot(memory, mount);
  Inode.refs.add(memory, root, -1);
  const left = closeUnused(memory, port, host, true);
  if (left !== 0) panic(`destroyHostfs: ${left} directories of the mount at ${mount} are in use`);
  free(memory, Mount.source.get(memory, mount), Mount.sourceLength.get(memory, mount));
  HostMount.free(memory, host);
  const covered = Mount.covered.get(memory, mount);
  Mount.free(memory, mount);
  if (covered !== 0) dropInode(vfs, covered);
}

/** Closes all that a mount has open and leaves its records: for a heap that is given up. */
export function closeHostfs(memory: KernelMemory, port: HostFiles, mount: number): void {
  if (!port.pins) return;
  removeRoot(memory, mount);
  for (const directory of listDirectories(memory, Mount.state.get(memory, mount)))
    port.close(HostDirectory.descriptor.get(memory, directory) - 1);
}

/**
 * Frees what a mount has of its directory but the record itself, without closing anything: in a heap that comes from a snapshot its descriptors are another
 * program's. Inodes of it that somebody has are no more.
 */
export function forgetHostfs(memory: KernelMemory, mount: number): void {
  const host = Mount.state.get(memory, mount);
  for (const directory of listDirectories(memory, host))
    HostDirectory.free(memory, directory, HostDirectory.pathLength.get(memory, directory));
  free(memory, Mount.source.get(memory, mount), Mount.sourceLength.get(memory, mount));
  HostMount.free(memory, host);
}

/**
 * Finds where an open file, or a directory by its inode, is below the directory of its mount.
 *
 * @returns a path without slashes at its ends, empty for the directory itself; undefined where it has no name there, or the host does not tell
 */
export function findBelow(
  memory: KernelMemory,
  port: HostFiles,
  mount: number,
  place: number,
  isFile: boolean,
): string | undefined {
  if (!port.pins) return undefined;
  const descriptor = isFile
    ? OpenFile.host.get(memory, place)
    : HostDirectory.descriptor.get(memory, place);
  const start = Mount.source.get(memory, mount);
  const source = memory.u8.slice(start, start + Mount.sourceLength.get(memory, mount));
  const top = port.text(source);
  const path = port.whereIs(descriptor - 1);
  if (top === "" || path === "") return undefined;
  if (path === top) return "";
  const prefix = top.endsWith("/") ? top : `${top}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}

function refusal(port: HostFiles, path: string | Uint8Array, errno: number): HostDirectoryError {
  const text = typeof path === "string" ? path : port.text(path);
  return new HostDirectoryError(errnoName(-errno), text, errnoMeaning(-errno));
}
