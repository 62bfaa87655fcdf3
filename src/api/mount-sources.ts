/**
 * What can be mounted besides a directory of the host: memory, archives, layers over each other, filesystems of the user's own, and anything so that it
 * cannot be changed.
 *
 *     import { archive, Machine, memory, overlay, readOnly } from "weft";
 *
 *     await Machine.create({
 *       mounts: {
 *         "/": overlay({ lower: [archive("app.zip"), archive("base.tar")] }),
 *         "/scratch": memory(),
 *         "/data": readOnly("./data"),
 *         "/site": overlay({ lower: "./site", upper: "./changes" }),
 *       },
 *     });
 */
import type { OptionalFilesystem, OptionalFilesystems } from "../fs/optional.ts";
import { createTmpfs, destroyTmpfs } from "../fs/tmpfs/index.ts";
import type { UserFilesystem, UserFileServer } from "../fs/userfs/server.ts";
import type { Host, LocalResources } from "../hosts/port.ts";
import type { Kernel } from "../kernel/index.ts";
import { panic } from "../shm/index.ts";
import { FilesystemId, Mount, MountFlags, numberMount } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { MountOptions } from "./options.ts";

/** The code of what the mounts of a machine need (`neededFilesystems`), and who answers for the user's own. */
export interface MountFilesystems {
  readonly filesystems: OptionalFilesystems;
  readonly users: UserFileServer | undefined;
}

/** What a mount is made with. */
export interface MountMaker extends MountFilesystems {
  readonly kernel: Kernel;
  readonly host: Host;
}

/** A mount that nobody uses yet, and what undoes it when nobody uses it any more. */
export interface MadeMount {
  readonly mount: number;
  undo(): void;
}

/** Something to mount: what `memory`, `archive`, `overlay`, `filesystem` and `readOnly` answer. Each can be given to as many machines and mounts as one likes. */
export abstract class MountSource {
  /** @internal Filesystems that it and what it is made of need, besides memory and the host's. */
  readonly needs: readonly OptionalFilesystem[] = [];

  /** @internal */
  abstract make(maker: MountMaker): MadeMount;
}

/** The filesystems that some mounts need, each once. */
export function neededFilesystems(mounts: Iterable<Mountable>): OptionalFilesystem[] {
  const needs = [...mounts].flatMap((source) =>
    source instanceof MountSource ? source.needs : [],
  );
  return [...new Set(needs)];
}

/** What `neededFilesystems` named is there. */
function loaded<T>(filesystem: T | undefined): T {
  return filesystem ?? panic("a mount whose filesystem was not loaded");
}

/** A directory of the host by its path, the same with options, or another source. */
export type Mountable = string | MountOptions | MountSource;

/** Makes a mount of whatever was given. @throws WeftError: ERR_MOUNT, ERR_HOST, ERR_OPTION, ERR_LIMIT */
export function makeMount(maker: MountMaker, source: Mountable): MadeMount {
  if (source instanceof MountSource) return source.make(maker);
  const { hostPath, readOnly: isReadOnly } =
    typeof source === "string" ? { hostPath: source, readOnly: false } : source;
  const { vfs } = maker.kernel;
  const local = localOf(maker.host, hostPath);
  const mount = withReason(() => local.mountDirectory(vfs, hostPath, isReadOnly === true));
  return { mount, undo: () => local.unmountDirectory(vfs, mount) };
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

/** The mount, or what to throw where the kernel heap had no room for it. */
export function mustExist(mount: number): number {
  if (mount === 0) throw new WeftError("ERR_LIMIT", "no room for a mount (option maxKernelMemory)");
  return mount;
}

class MemorySource extends MountSource {
  make({ kernel: { vfs } }: MountMaker): MadeMount {
    const mount = mustExist(createTmpfs(vfs));
    return { mount, undo: () => destroyTmpfs(vfs, mount) };
  }
}

/** An empty directory in memory, gone with the machine. */
export function memory(): MountSource {
  return new MemorySource();
}

class ReadOnlySource extends MountSource {
  override readonly needs;

  constructor(private readonly source: Mountable) {
    super();
    this.needs = neededFilesystems([source]);
  }

  make(maker: MountMaker): MadeMount {
    const { source } = this;
    if (typeof source === "string") return makeMount(maker, { hostPath: source, readOnly: true });
    const made = makeMount(maker, source);
    const { memory: heap } = maker.kernel;
    Mount.flags.set(heap, made.mount, Mount.flags.get(heap, made.mount) | MountFlags.readOnly);
    return made;
  }
}

/** The same source, but every change by a program is refused with EROFS. */
export function readOnly(source: Mountable): MountSource {
  return new ReadOnlySource(source);
}

class ArchiveSource extends MountSource {
  override readonly needs = ["archivefs"] as const;

  constructor(private readonly source: string | Uint8Array | ArrayBuffer) {
    super();
  }

  make({ kernel: { vfs }, host, filesystems }: MountMaker): MadeMount {
    const { source } = this;
    const { ArchiveError, createArchivefs } = loaded(filesystems.archivefs);
    const name = typeof source === "string" ? JSON.stringify(source) : "in memory";
    const opened =
      typeof source === "string"
        ? withReason(() => localOf(host, source).openFile(vfs, source))
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
}

/**
 * The files in a tar or zip archive, to be read. Nothing is unpacked: bytes stay in the archive until a program reads them; those of a compressed file
 * are decompressed then, and kept while it is open.
 *
 * @param source path of the archive on the host, which must not change while it is mounted; or its bytes
 */
export function archive(source: string | Uint8Array | ArrayBuffer): MountSource {
  return new ArchiveSource(source);
}

export interface OverlayOptions {
  /** What is only read, the uppermost first. None of it is changed. */
  readonly lower: Mountable | readonly Mountable[];
  /** Where changes go, in the form of container images (`.wh.NAME` says that NAME was removed). Default: memory, gone with the machine. */
  readonly upper?: Mountable;
}

class OverlaySource extends MountSource {
  override readonly needs;
  private readonly lowers: readonly Mountable[];

  constructor(private readonly options: OverlayOptions) {
    super();
    const { lower, upper = memory() } = options;
    this.lowers = isList(lower) ? lower : [lower];
    this.needs = ["overlayfs" as const, ...neededFilesystems([upper, ...this.lowers])];
  }

  make(maker: MountMaker): MadeMount {
    const { kernel } = maker;
    const { lowers } = this;
    const { createOverlayfs, destroyOverlayfs, MOST_LAYERS } = loaded(maker.filesystems.overlayfs);
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
      const layers = [this.options.upper ?? memory(), ...lowers.map(readOnly)];
      for (const layer of layers) made.push(makeLayer(maker, layer));
      const [upper, ...rest] = made.map(({ mount }) => mount);
      if ((Mount.flags.get(kernel.memory, upper) & MountFlags.readOnly) !== 0) {
        throw new WeftError("ERR_OPTION", "overlay: upper cannot be written to");
      }
      const mount = mustExist(createOverlayfs(kernel.vfs, upper, rest));
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
}

function isList(lower: OverlayOptions["lower"]): lower is readonly Mountable[] {
  return Array.isArray(lower);
}

function makeLayer(maker: MountMaker, source: Mountable): MadeMount {
  const made = makeMount(maker, source);
  const { memory: heap, mounts } = maker.kernel;
  const kind = Mount.filesystem.get(heap, made.mount);
  if (kind !== FilesystemId.hostfs && kind !== FilesystemId.tmpfs) {
    made.undo();
    throw new WeftError(
      "ERR_OPTION",
      "overlay: a layer is a host directory, memory or an archive; name the layers of another overlay themselves",
    );
  }
  numberMount(heap, mounts, made.mount);
  return made;
}

/** Several trees as one, of which only the topmost is changed. See `docs/filesystems.md` for what differs from a plain directory. */
export function overlay(options: OverlayOptions): MountSource {
  return new OverlaySource(options);
}

class UserSource extends MountSource {
  override readonly needs = ["userfs"] as const;

  constructor(private readonly implementation: UserFilesystem) {
    super();
  }

  make({ kernel: { vfs }, host, filesystems, users }: MountMaker): MadeMount {
    if (!host.sharesMemory) {
      throw new WeftError(
        "ERR_HOST",
        "mounts: filesystem() needs an isolated page, where programs can ask for files",
      );
    }
    const { createUserfs, destroyUserfs, isWritable } = loaded(filesystems.userfs);
    const server = loaded(users);
    const mount = mustExist(createUserfs(vfs, !isWritable(this.implementation)));
    server.add(mount, this.implementation);
    return {
      mount,
      undo: () => {
        server.remove(mount);
        destroyUserfs(vfs, mount);
      },
    };
  }
}

/** A filesystem of your own: see `UserFilesystem`. Nothing can be mounted inside it. */
export function filesystem(implementation: UserFilesystem): MountSource {
  return new UserSource(implementation);
}
