/** The guest's files, from outside: `machine.fs`. Paths are absolute paths in the guest's tree. */
import { Filetype } from "../abi/enums.ts";
import type { GuestTree } from "./guest-tree.ts";
import { WeftError } from "./errors.ts";
import type { TreeChange } from "./tree-changes.ts";

/** What a file is. */
export type FileKind = "file" | "directory" | "symlink" | "device" | "other";

/** What `stat` and `lstat` tell of a file. */
export interface FileStat {
  readonly kind: FileKind;
  /** Bytes. */
  readonly size: number;
  /** Names it has. */
  readonly links: number;
  readonly modified: Date;
  readonly accessed: Date;
  readonly changed: Date;
}

function kindOf(type: number): FileKind {
  switch (type) {
    case Filetype.REGULAR_FILE:
      return "file";
    case Filetype.DIRECTORY:
      return "directory";
    case Filetype.SYMBOLIC_LINK:
      return "symlink";
    case Filetype.CHARACTER_DEVICE:
    case Filetype.BLOCK_DEVICE:
      return "device";
    default:
      return "other";
  }
}

function dateOf(low: number, high: number): Date {
  return new Date((high * 2 ** 32 + low) / 1e6);
}

/** All methods reject with a WeftError of code ERR_FILE whose `errno` is the POSIX name: ENOENT, EISDIR, EROFS… */
export class MachineFiles {
  /** @internal Told of each change after it was made. */
  onChange: ((change: TreeChange) => void) | undefined;

  /** @internal */
  constructor(private readonly tree: GuestTree) {}

  /** The bytes of a file. */
  async readFile(path: string): Promise<Uint8Array> {
    return this.tree.read(path);
  }

  /** The text of a file, decoded as UTF-8. */
  async readTextFile(path: string): Promise<string> {
    return new TextDecoder().decode(this.tree.read(path));
  }

  /** Makes or replaces a file; its directory must exist. */
  async writeFile(path: string, content: string | Uint8Array): Promise<void> {
    this.tree.write(path, content);
    this.onChange?.({ call: "write", path, content });
  }

  /** Adds to the end of a file, which is made if it does not exist. */
  async appendFile(path: string, content: string | Uint8Array): Promise<void> {
    this.tree.write(path, content, true);
    this.onChange?.({ call: "append", path, content });
  }

  /** Makes a directory; with `recursive` also those above it, and one that exists is fine. */
  async mkdir(path: string, options: { recursive?: boolean } = {}): Promise<void> {
    const made = (each: string) => this.onChange?.({ call: "mkdir", path: each });
    if (options.recursive === true) return this.tree.makeDirectories(path, made);
    this.tree.makeDirectory(path);
    made(path);
  }

  /** The names in a directory with what they are, sorted. */
  async readdir(path: string): Promise<{ name: string; kind: FileKind }[]> {
    return this.tree
      .list(path)
      .map(({ name, type }) => ({ name, kind: kindOf(type) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Describes a file; a symbolic link is followed. */
  async stat(path: string): Promise<FileStat> {
    return this.describe(path, true);
  }

  /** Describes a file; a symbolic link itself. */
  async lstat(path: string): Promise<FileStat> {
    return this.describe(path, false);
  }

  /** Whether a path leads to something. */
  async exists(path: string): Promise<boolean> {
    try {
      this.tree.stat(path);
      return true;
    } catch (error) {
      if (error instanceof WeftError && error.code === "ERR_FILE") return false;
      throw error;
    }
  }

  /** Removes a file, or an empty directory; with `recursive` a directory and all in it. */
  async rm(path: string, options: { recursive?: boolean } = {}): Promise<void> {
    const isDirectory = this.tree.stat(path, false).type === Filetype.DIRECTORY;
    if (isDirectory && options.recursive === true) {
      for (const { name } of this.tree.list(path)) await this.rm(`${path}/${name}`, options);
    }
    this.tree.remove(path, isDirectory);
    this.onChange?.({ call: isDirectory ? "rmdir" : "remove", path });
  }

  /** Renames within one mount, replacing as rename(2) does. */
  async rename(from: string, to: string): Promise<void> {
    this.tree.rename(from, to);
    this.onChange?.({ call: "rename", path: from, other: to });
  }

  /** Makes a symbolic link at `path` to `target`, which is stored as it is. */
  async symlink(target: string, path: string): Promise<void> {
    this.tree.symlink(target, path);
    this.onChange?.({ call: "symlink", path, other: target });
  }

  /** What a symbolic link holds. */
  async readlink(path: string): Promise<string> {
    return this.tree.readlink(path);
  }

  private describe(path: string, follow: boolean): FileStat {
    const stat = this.tree.stat(path, follow);
    return {
      kind: kindOf(stat.type),
      size: stat.size,
      links: stat.links,
      modified: dateOf(stat.modifiedLow, stat.modifiedHigh),
      accessed: dateOf(stat.accessedLow, stat.accessedHigh),
      changed: dateOf(stat.changedLow, stat.changedHigh),
    };
  }
}
