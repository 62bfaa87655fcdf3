/**
 * Making mounts of what the library's user gives: see `mount-sources.ts`. With what it needs, a part of its own, which only machines that mount
 * anything load.
 */
import { ArchiveError, createArchivefs } from "../fs/archivefs/index.ts";
import { createOverlayfs, destroyOverlayfs, MOST_LAYERS } from "../fs/overlayfs/index.ts";
import { createTmpfs, destroyTmpfs } from "../fs/tmpfs/index.ts";
import { createUserfs, destroyUserfs, installUserfs } from "../fs/userfs/index.ts";
import type { Host, LocalResources } from "../hosts/port.ts";
import type { Kernel } from "../kernel/index.ts";
import { installMountDrivers } from "../threads/mount-drivers.ts";
import { FilesystemId, Mount, MountFlags, numberMount } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import {
  type ErrorReporter,
  type MadeMount,
  memory,
  type Mountable,
  type MountMaker,
  MountSource,
  type OverlayOptions,
  readOnly,
} from "./mount-sources.ts";
import { isWritable, type UserFilesystem, UserFileServer } from "./user-filesystem.ts";

/** Mounts that the host's own stores keep: where it has any, they were opened before. */
export interface Stores {
  /** Makes a mount of what is in one. */
  make(kernel: Kernel, name: string, onError: ErrorReporter): MadeMount;
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

  make(source: Mountable): MadeMount {
    if (source instanceof MountSource) {
      const { what } = source;
      switch (what.kind) {
        case "memory":
          return this.makeMemory();
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
    const { hostPath, readOnly: isReadOnly } =
      typeof source === "string" ? { hostPath: source, readOnly: false } : source;
    const local = localOf(this.host, hostPath);
    const mount = withReason(() => local.mountDirectory(vfs, hostPath, isReadOnly === true));
    return { mount, undo: () => local.unmountDirectory(vfs, mount) };
  }

  private makeMemory(): MadeMount {
    const { vfs } = this.kernel;
    const mount = mustExist(createTmpfs(vfs));
    return { mount, undo: () => destroyTmpfs(vfs, mount) };
  }

  private makeReadOnly(source: Mountable): MadeMount {
    if (typeof source === "string") return this.make({ hostPath: source, readOnly: true });
    const made = this.make(source);
    const heap = this.kernel.memory;
    Mount.flags.set(heap, made.mount, Mount.flags.get(heap, made.mount) | MountFlags.readOnly);
    return made;
  }

  private makeArchive(source: string | Uint8Array | ArrayBuffer): MadeMount {
    const { vfs } = this.kernel;
    const name = typeof source === "string" ? JSON.stringify(source) : "in memory";
    const opened =
      typeof source === "string"
        ? withReason(() => localOf(this.host, source).openFile(vfs, source))
        : new Uint8Array(source);
    try {
      const mount = createArchivefs(vfs, opened);
      return { mount, undo: () => destroyTmpfs(vfs, mount) };
    } catch (cause) {
      if (!(cause instanceof ArchiveError)) throw cause;
      throw new WeftError("ERR_MOUNT", `cannot mount the archive ${name}: ${cause.message}`, {
        cause,
        errno: cause.code,
      });
    }
  }

  private makeOverlay({ lower, upper = memory() }: OverlayOptions): MadeMount {
    const { kernel } = this;
    const lowers = isList(lower) ? lower : [lower];
    if (lowers.length === 0 || lowers.length > MOST_LAYERS) {
      throw new WeftError(
        "ERR_OPTION",
        `overlay: ${lowers.length} layers; 1 to ${MOST_LAYERS} can be`,
      );
    }
    const made: MadeMount[] = [];
    const undo = (): void => {
      for (const layer of [...made].reverse()) layer.undo();
    };
    try {
      for (const layer of [upper, ...lowers.map(readOnly)]) made.push(this.makeLayer(layer));
      const [top, ...rest] = made.map(({ mount }) => mount);
      if ((Mount.flags.get(kernel.memory, top) & MountFlags.readOnly) !== 0) {
        throw new WeftError("ERR_OPTION", "overlay: upper cannot be written to");
      }
      const mount = mustExist(createOverlayfs(kernel.vfs, top, rest));
      return {
        mount,
        undo: () => {
          destroyOverlayfs(kernel.vfs, mount);
          undo();
        },
      };
    } catch (error) {
      undo();
      throw error;
    }
  }

  private makeLayer(source: Mountable): MadeMount {
    const made = this.make(source);
    const { memory: heap, mounts } = this.kernel;
    const kind = Mount.filesystem.get(heap, made.mount);
    if (!LAYER_KINDS.includes(kind)) {
      made.undo();
      throw new WeftError(
        "ERR_OPTION",
        "overlay: a layer is a host directory, memory, an archive or opfs(); name the layers of another overlay themselves",
      );
    }
    numberMount(heap, mounts, made.mount);
    return made;
  }

  private makeKept(name: string): MadeMount {
    if (this.stores === undefined)
      throw new WeftError("ERR_HOST", "mounts: opfs() needs an isolated page in a browser");
    return this.stores.make(this.kernel, name, this.onError);
  }

  private makeUsers(implementation: UserFilesystem): MadeMount {
    const { vfs } = this.kernel;
    if (!this.host.sharesMemory) {
      throw new WeftError(
        "ERR_HOST",
        "mounts: filesystem() needs an isolated page, where programs can ask for files",
      );
    }
    const mount = mustExist(createUserfs(vfs, !isWritable(implementation)));
    this.users.add(mount, implementation);
    return {
      mount,
      undo: () => {
        this.users.remove(mount);
        destroyUserfs(vfs, mount);
      },
    };
  }
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
