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
import type { Host } from "../hosts/port.ts";
import type { Kernel } from "../kernel/index.ts";
import { WeftError } from "./errors.ts";
import type { MountOptions } from "./options.ts";
import type { UserFilesystem } from "./user-filesystem.ts";

/** What makes the mounts of one machine: `mount-maker.ts`, a part that only machines with mounts load. */
export interface MountMaker {
  /**
   * Refuses a path on which nothing can be mounted.
   *
   * @param within where that is known, the `FilesystemId` of the filesystem that it lies in
   * @throws WeftError: ERR_OPTION
   */
  checkPath(path: string, within?: number): void;
  /** Makes a mount, ready for `addMount`. @throws WeftError: ERR_MOUNT, ERR_HOST, ERR_OPTION, ERR_LIMIT */
  make(source: Mountable): number;
  /** What a mount that comes from a snapshot lacks of the host, for people; undefined where all of it is in memory. */
  lacks(mount: number): string | undefined;
  /** Gives such a mount what it lacks. @throws as `make` */
  reattach(mount: number, source: Mountable): void;
  /** Closes all that was opened for `reattach`: the machine is given up before it began. */
  giveUp(): void;
  /** Frees a mount that nobody uses any more, with all that it is made of. */
  undo(mount: number): void;
  /** Answers what programs have asked filesystems of the user's own. */
  serve(): void;
  /** To be called when no program runs any more. Resolves when everything is where it is to stay. */
  close(): Promise<void>;
}

/** Is told what a filesystem of the user's own threw, where that is no errno, and of a store that keeps its files no longer: as the event `filesystem-error` has it. */
export type ErrorReporter = (operation: string, path: string, cause: unknown) => void;

/** Makes the maker of a machine. */
export type MakerFactory = (kernel: Kernel, host: Host, onError: ErrorReporter) => MountMaker;

/** What a source is: read by the maker only. */
export type MountKind =
  | { readonly kind: "memory" }
  | { readonly kind: "readOnly"; readonly source: Mountable }
  | { readonly kind: "archive"; readonly source: string | Uint8Array | ArrayBuffer }
  | { readonly kind: "overlay"; readonly options: OverlayOptions }
  | { readonly kind: "filesystem"; readonly implementation: UserFilesystem }
  | { readonly kind: "opfs"; readonly name: string };

/**
 * Something to mount: what `memory`, `archive`, `overlay`, `filesystem` and `readOnly` answer. Each can be given to as many machines and mounts as
 * one likes.
 */
export class MountSource {
  /** @internal */
  constructor(readonly what: MountKind) {}
}

/** A directory of the host by its path, the same with options, or another source. */
export type Mountable = string | MountOptions | MountSource;

/** An empty directory in memory, gone with the machine. */
export function memory(): MountSource {
  return new MountSource({ kind: "memory" });
}

/** The same source, but every change by a program is refused with EROFS. */
export function readOnly(source: Mountable): MountSource {
  return new MountSource({ kind: "readOnly", source });
}

/**
 * The files in a tar or zip archive, to be read. Nothing is unpacked: bytes stay in the archive until a program reads them; those of a compressed file
 * are decompressed then, and kept while it is open.
 *
 * @param source path of the archive on the host, which must not change while it is mounted; or its bytes
 */
export function archive(source: string | Uint8Array | ArrayBuffer): MountSource {
  return new MountSource({ kind: "archive", source });
}

/** The layers of an overlay. */
export interface OverlayOptions {
  /** What is only read, the uppermost first. None of it is changed. */
  readonly lower: Mountable | readonly Mountable[];
  /** Where changes go, in the form of container images (`.wh.NAME` says that NAME was removed). Default: memory, gone with the machine. */
  readonly upper?: Mountable;
}

/** Several trees as one, of which only the topmost is changed. See `docs/filesystems.md` for what differs from a plain directory. */
export function overlay(options: OverlayOptions): MountSource {
  return new MountSource({ kind: "overlay", options });
}

/** A filesystem of your own: see `UserFilesystem`. Nothing can be mounted inside it. */
export function filesystem(implementation: UserFilesystem): MountSource {
  return new MountSource({ kind: "filesystem", implementation });
}

/**
 * Files that stay in the browser, in its private file system (OPFS), under a name: they are there again for the next machine of any page of the same
 * origin. One machine can mount them at a time. On isolated pages only.
 */
export function opfs(name: string): MountSource {
  if (name === "" || name === "." || name === ".." || /[/\\\0]/.test(name))
    throw new WeftError("ERR_OPTION", `opfs: ${JSON.stringify(name)} is no name of a directory`);
  return new MountSource({ kind: "opfs", name });
}
