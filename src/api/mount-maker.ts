/**
 * Making mounts of what the library's user gives: see `mount-sources.ts`. With what it needs, a part of its own, which only machines that mount
 * anything load.
 */
import { ArchiveError, createArchivefs } from "../fs/archivefs/index.ts";
import {
  createOverlayfs,
  destroyOverlayfs,
  layersOf,
  MOST_LAYERS,
  reseatLayer,
} from "../fs/overlayfs/index.ts";
import { archiveOf, createTmpfs, destroyTmpfs, replaceArchive } from "../fs/tmpfs/index.ts";
import { createUserfs, destroyUserfs, installUserfs } from "../fs/userfs/index.ts";
import type { Host, LocalResources } from "../hosts/port.ts";
import type { Kernel } from "../kernel/index.ts";
import { installMountDrivers } from "../threads/mount-drivers.ts";
import { dropFile, FilesystemId, Mount, MountFlags, numberMount, OpenFile } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import {
  type ErrorReporter,
  memory,
  type Mountable,
  type MountKind,
  type MountMaker,
  MountSource,
  type OverlayOptions,
  readOnly,
} from "./mount-sources.ts";
import type { MountOptions } from "./options.ts";
import { isWritable, type UserFilesystem, UserFileServer } from "./user-filesystem.ts";

/** Mounts that the host's own stores keep: where it has any, they were opened before. */
export interface Stores {
  /** Makes a mount of what is in one. */
  make(kernel: Kernel, name: string, onError: ErrorReporter): number;
  /** Frees a mount of one. */
  undo(kernel: Kernel, mount: number): void;
  /** Resolves when everything is in them. */
  close(): Promise<void>;
}

/** Makes the maker of a machine, and gives the agent the code for what it makes. @param stores what makes mounts of `opfs` */
export function createMountMaker(
  kernel: Kernel,
  host: Host,
  onError: ErrorReporter,
  stores?: Stores,
): MountMaker {
  const users = new UserFileServer(kernel, onError);
  installMountDrivers(kernel);
  installUserfs(kernel, users);
  return new Maker(kernel, host, users, stores, onError);
}

/** `FilesystemId` of what can be a layer of an overlay. */
const LAYER_KINDS: readonly number[] = [
  FilesystemId.hostfs,
  FilesystemId.tmpfs,
  FilesystemId.logfs,
];

class Maker implements MountMaker {
  /** Mounts that something of the host was opened for again. */
  private readonly reattached: number[] = [];

  constructor(
    private readonly kernel: Kernel,
    private readonly host: Host,
    private readonly users: UserFileServer,
    private readonly stores: Stores | undefined,
    private readonly onError: ErrorReporter,
  ) {}

  serve(): void {
    this.users.serve();
  }

  async close(): Promise<void> {
    this.users.close();
    await this.stores?.close();
  }

  checkPath(path: string, within?: number): void {
    const shown = `mounts: ${JSON.stringify(path)}`;
    if (!path.startsWith("/"))
      throw new WeftError("ERR_OPTION", `${shown} is not absolute: it must start with /`);
    if (within === FilesystemId.userfs)
      throw new WeftError(
        "ERR_OPTION",
        `${shown} lies in a filesystem() of your own, where nothing can be mounted`,
      );
  }

  make(source: Mountable): number {
    if (source instanceof MountSource) {
      const { what } = source;
      switch (what.kind) {
        case "memory":
          return mustExist(createTmpfs(this.kernel.vfs));
        case "readOnly":
          return this.makeReadOnly(what.source);
        case "archive":
          return this.makeArchive(what.source);
        case "overlay":
          return this.makeOverlay(what.options);
        case "filesystem":
          return this.makeUsers(what.implementation);
        case "opfs":
          return this.makeKept(what.name);
      }
    }
    const { vfs } = this.kernel;
    // Also what only JavaScript can give.
    const given: Partial<MountOptions> | null =
      typeof source === "string" ? { hostPath: source } : source;
    const hostPath = given?.hostPath;
    if (typeof hostPath !== "string")
      throw new WeftError(
        "ERR_OPTION",
        "mounts: what is mounted must be a path, { hostPath }, or what archive, memory, overlay, filesystem, opfs or readOnly answer",
      );
    const local = localOf(this.host, hostPath);
    return withReason(() => local.mountDirectory(vfs, hostPath, given?.readOnly === true));
  }

  undo(mount: number): void {
    const { memory: heap, vfs } = this.kernel;
    switch (Mount.filesystem.get(heap, mount)) {
      case FilesystemId.tmpfs:
        return destroyTmpfs(vfs, mount);
      case FilesystemId.hostfs:
        return this.host.local?.unmountDirectory(vfs, mount);
      case FilesystemId.overlayfs: {
        const layers = layersOf(heap, mount);
        destroyOverlayfs(vfs, mount);
        for (const layer of layers.reverse()) if (layer !== 0) this.undo(layer);
        return;
      }
      case FilesystemId.logfs:
        return this.stores?.undo(this.kernel, mount);
      case FilesystemId.userfs:
        this.users.remove(mount);
        return destroyUserfs(vfs, mount);
    }
  }

  lacks(mount: number): string | undefined {
    const { memory: heap } = this.kernel;
    switch (Mount.filesystem.get(heap, mount)) {
      case FilesystemId.hostfs: {
        const start = Mount.source.get(heap, mount);
        const path = heap.u8.slice(start, start + Mount.sourceLength.get(heap, mount));
        return `the host directory ${JSON.stringify(new TextDecoder().decode(path))}`;
      }
      case FilesystemId.tmpfs: {
        const archive = archiveOf(heap, Mount.root.get(heap, mount));
        const isOnHost = archive !== 0 && OpenFile.host.get(heap, archive) !== 0;
        return isOnHost ? "an archive on the host" : undefined;
      }
      case FilesystemId.overlayfs: {
        const lacking = layersOf(heap, mount).flatMap((layer, index) => {
          const lack = layer === 0 ? undefined : this.lacks(layer);
          return lack === undefined ? [] : `${index === 0 ? "upper" : `layer ${index}`}: ${lack}`;
        });
        return lacking.length === 0 ? undefined : `an overlay with ${lacking.join(", ")}`;
      }
      case FilesystemId.userfs:
        return "a filesystem() of your own";
    }
    return undefined;
  }

  reattach(mount: number, source: Mountable): void {
    const { memory: heap, vfs } = this.kernel;
    const { what, readOnly: isReadOnly } = plainSource(source);
    const filesystem = Mount.filesystem.get(heap, mount);
    if (filesystem === FilesystemId.hostfs && what.kind === "directory") {
      const local = localOf(this.host, what.hostPath);
      withReason(() => local.mountDirectory(vfs, what.hostPath, isReadOnly, mount));
      this.reattached.push(mount);
    } else if (filesystem === FilesystemId.userfs && what.kind === "filesystem") {
      this.users.add(mount, what.implementation);
      const flags = isReadOnly || !isWritable(what.implementation) ? MountFlags.readOnly : 0;
      Mount.flags.set(heap, mount, flags);
    } else if (
      filesystem === FilesystemId.tmpfs &&
      what.kind === "archive" &&
      typeof what.source === "string"
    ) {
      const path = what.source;
      const file = withReason(() => localOf(this.host, path).openFile(vfs, path));
      replaceArchive(vfs, mount, file);
      this.reattached.push(mount);
    } else if (filesystem === FilesystemId.overlayfs && what.kind === "overlay") {
      this.reattachLayers(mount, what.options);
    } else throw new WeftError("ERR_OPTION", `it must be ${this.lacks(mount)}, as it was`);
  }

  giveUp(): void {
    const { memory: heap, vfs } = this.kernel;
    for (const mount of this.reattached) {
      if (Mount.filesystem.get(heap, mount) === FilesystemId.hostfs)
        this.host.local?.closeDirectories(vfs, mount);
      else dropFile(vfs, archiveOf(heap, Mount.root.get(heap, mount)));
    }
  }

  private reattachLayers(mount: number, { lower, upper = memory() }: OverlayOptions): void {
    const { memory: heap, vfs } = this.kernel;
    const given = [upper, ...(isList(lower) ? lower : [lower])];
    const layers = layersOf(heap, mount);
    if (given.length !== layers.length)
      throw new WeftError(
        "ERR_OPTION",
        `the overlay has ${layers.length - 1} lower layers, not ${given.length - 1}`,
      );
    layers.forEach((layer, index) => {
      if (this.lacks(layer) === undefined) return;
      this.reattach(layer, index === 0 ? given[0] : readOnly(given[index]));
      if (Mount.filesystem.get(heap, layer) === FilesystemId.hostfs) reseatLayer(vfs, mount, index);
    });
  }

  private makeReadOnly(source: Mountable): number {
    if (typeof source === "string") return this.make({ hostPath: source, readOnly: true });
    const mount = this.make(source);
    const heap = this.kernel.memory;
    Mount.flags.set(heap, mount, Mount.flags.get(heap, mount) | MountFlags.readOnly);
    return mount;
  }

  private makeArchive(source: string | Uint8Array | ArrayBuffer): number {
    const { vfs } = this.kernel;
    const name = typeof source === "string" ? JSON.stringify(source) : "in memory";
    const opened =
      typeof source === "string"
        ? withReason(() => localOf(this.host, source).openFile(vfs, source))
        : new Uint8Array(source);
    try {
      return createArchivefs(vfs, opened);
    } catch (cause) {
      if (!(cause instanceof ArchiveError)) throw cause;
      throw new WeftError("ERR_MOUNT", `cannot mount the archive ${name}: ${cause.message}`, {
        cause,
        errno: cause.code,
      });
    }
  }

  private makeOverlay({ lower, upper = memory() }: OverlayOptions): number {
    const { kernel } = this;
    const lowers = isList(lower) ? lower : [lower];
    if (lowers.length === 0 || lowers.length > MOST_LAYERS) {
      throw new WeftError(
        "ERR_OPTION",
        `overlay: ${lowers.length} layers; 1 to ${MOST_LAYERS} can be`,
      );
    }
    const made: number[] = [];
    try {
      for (const layer of [upper, ...lowers.map(readOnly)]) made.push(this.makeLayer(layer));
      const [top, ...rest] = made;
      if ((Mount.flags.get(kernel.memory, top) & MountFlags.readOnly) !== 0) {
        throw new WeftError("ERR_OPTION", "overlay: upper cannot be written to");
      }
      return mustExist(createOverlayfs(kernel.vfs, top, rest));
    } catch (error) {
      for (const layer of made.reverse()) this.undo(layer);
      throw error;
    }
  }

  private makeLayer(source: Mountable): number {
    const made = this.make(source);
    const { memory: heap, mounts } = this.kernel;
    const kind = Mount.filesystem.get(heap, made);
    if (!LAYER_KINDS.includes(kind)) {
      this.undo(made);
      throw new WeftError(
        "ERR_OPTION",
        "overlay: a layer is a host directory, memory, an archive or opfs(); name the layers of another overlay themselves",
      );
    }
    numberMount(heap, mounts, made);
    return made;
  }

  private makeKept(name: string): number {
    if (this.stores === undefined)
      throw new WeftError("ERR_HOST", "mounts: opfs() needs an isolated page in a browser");
    return this.stores.make(this.kernel, name, this.onError);
  }

  private makeUsers(implementation: UserFilesystem): number {
    const { vfs } = this.kernel;
    if (!this.host.sharesMemory) {
      throw new WeftError(
        "ERR_HOST",
        "mounts: filesystem() needs an isolated page, where programs can ask for files",
      );
    }
    const mount = mustExist(createUserfs(vfs, !isWritable(implementation)));
    this.users.add(mount, implementation);
    return mount;
  }
}

/** A source without what makes it read-only, and whether anything does. */
function plainSource(source: Mountable): {
  what: Exclude<MountKind, { kind: "readOnly" }> | { kind: "directory"; hostPath: string };
  readOnly: boolean;
} {
  if (source instanceof MountSource) {
    const { what } = source;
    if (what.kind !== "readOnly") return { what, readOnly: false };
    return { ...plainSource(what.source), readOnly: true };
  }
  const { hostPath, readOnly: isReadOnly = false } =
    typeof source === "string" ? { hostPath: source } : source;
  return { what: { kind: "directory", hostPath }, readOnly: isReadOnly };
}

function localOf(host: Host, path: string): LocalResources {
  if (host.local !== undefined) return host.local;
  throw new WeftError("ERR_HOST", `mounts: this host has no files to mount (${path})`);
}

/** Does what the host may refuse. */
function withReason<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (!(cause instanceof Error && "path" in cause && "code" in cause)) throw cause;
    throw new WeftError("ERR_MOUNT", cause.message, { cause, errno: String(cause.code) });
  }
}

function mustExist(mount: number): number {
  if (mount === 0) throw new WeftError("ERR_LIMIT", "no room for a mount (option maxKernelMemory)");
  return mount;
}

function isList(lower: OverlayOptions["lower"]): lower is readonly Mountable[] {
  return Array.isArray(lower);
}
