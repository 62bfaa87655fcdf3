/**
 * The names of a filesystem written by a library user: each operation asks for what is there, checks what POSIX wants checked, and then asks for the change. Between the
 * two others may come: the code that is asked has the last word.
 */
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel/index.ts";
import {
  Access,
  type Filesystem,
  Inode,
  IS_SYMLINK,
  keepInode,
  makeOpenFile,
  Mount,
  type Name,
  Open,
  OperationsId,
  type Stat,
  type Vfs,
} from "../../vfs/index.ts";
import { describeAnswer, freeNode, joinPath, makeNode, pathOf } from "./node.ts";
import { type UserAnswer, type UserAnswers, UserOperation, type UserQuestion } from "./port.ts";
import { ask } from "./request.ts";

const NOTHING = new Uint8Array(0);
/** As many bytes as one question moves at most. */
export const LARGEST_PIECE = 2 ** 20;

export class Userfs implements Filesystem {
  /** @param direct where the code runs in this very agent */
  constructor(
    private readonly kernel: Kernel,
    private readonly direct: UserAnswers | undefined,
  ) {}

  /** Asks about something in a mount. */
  ask(
    mount: number,
    operation: number,
    path: Uint8Array,
    more: Partial<UserQuestion> = {},
  ): UserAnswer {
    const { other = NOTHING, position = 0, length = 0 } = more;
    const question = { mount, operation, path, other, position, length };
    return ask(this.kernel, this.direct, question, Mount.state.get(this.kernel.memory, mount));
  }

  step({ memory }: Vfs, directory: number, name: Name): number {
    const path = joinPath(memory, directory, name);
    const mount = Inode.mount.get(memory, directory);
    const { result, type } = this.ask(mount, UserOperation.stat, path);
    if (result < 0) return result;
    if (type === Filetype.SYMBOLIC_LINK) return IS_SYMLINK;
    if (type !== Filetype.DIRECTORY) return -Errno.ENOTDIR;
    return orNoSpace(makeNode(memory, mount, type, path));
  }

  parent({ memory }: Vfs, directory: number): number {
    const mount = Inode.mount.get(memory, directory);
    const path = pathOf(memory, directory);
    const slash = path.lastIndexOf(47);
    const above =
      slash < 0 ? 0 : makeNode(memory, mount, Filetype.DIRECTORY, path.subarray(0, slash));
    return above !== 0 ? above : keepInode(memory, Mount.root.get(memory, mount));
  }

  openAt(vfs: Vfs, directory: number, name: Name, request: number, flags: number): number {
    const { memory } = vfs;
    const creates = (request & Open.create) !== 0;
    if (creates && (request & Open.directory) !== 0) return -Errno.EINVAL;
    const path = joinPath(memory, directory, name);
    const mount = Inode.mount.get(memory, directory);
    const found = this.ask(mount, UserOperation.stat, path);
    let type = found.type ?? Filetype.UNKNOWN;
    if (found.result === -Errno.ENOENT && creates) {
      const made = this.ask(mount, UserOperation.create, path);
      if (made.result < 0) return made.result;
      type = Filetype.REGULAR_FILE;
    } else if (found.result < 0) return found.result;
    else if (creates && (request & Open.exclusive) !== 0) return -Errno.EEXIST;
    if (type === Filetype.SYMBOLIC_LINK) return IS_SYMLINK;
    if (type === Filetype.DIRECTORY) {
      if ((request & (Open.write | Open.create | Open.truncate)) !== 0) return -Errno.EISDIR;
    } else if ((request & Open.directory) !== 0) return -Errno.ENOTDIR;
    else if ((request & Open.truncate) !== 0 && found.result >= 0 && (found.size ?? 0) > 0) {
      const cut = this.ask(mount, UserOperation.truncate, path);
      if (cut.result < 0) return cut.result;
    }
    const node = makeNode(memory, mount, type, path);
    return node === 0
      ? -Errno.ENOSPC
      : open(vfs, node, type, request & (Access.read | Access.write), flags);
  }

  openDirectory(vfs: Vfs, directory: number, flags: number): number {
    return open(vfs, keepInode(vfs.memory, directory), Filetype.DIRECTORY, Access.read, flags);
  }

  statAt({ memory }: Vfs, directory: number, name: Name, into: Stat): number {
    return this.describe(
      Inode.mount.get(memory, directory),
      joinPath(memory, directory, name),
      into,
    );
  }

  statDirectory({ memory }: Vfs, directory: number, into: Stat): number {
    return this.describe(Inode.mount.get(memory, directory), pathOf(memory, directory), into);
  }

  /** Describes what has a path; 0 or a negated errno. */
  describe(mount: number, path: Uint8Array, into: Stat): number {
    const answer = this.ask(mount, UserOperation.stat, path);
    if (answer.result < 0) return answer.result;
    describeAnswer(this.kernel.memory, mount, path, answer, into);
    return 0;
  }

  setTimesAt({ memory }: Vfs, directory: number, name: Name): number {
    const mount = Inode.mount.get(memory, directory);
    const { result } = this.ask(mount, UserOperation.stat, joinPath(memory, directory, name));
    return result < 0 ? result : -Errno.EPERM;
  }

  setDirectoryTimes(): number {
    return -Errno.EPERM;
  }

  makeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    return this.make(vfs, directory, name, UserOperation.create, { length: 1 });
  }

  symlinkAt(vfs: Vfs, directory: number, name: Name, target: Uint8Array): number {
    return this.make(vfs, directory, name, UserOperation.symlink, { other: target });
  }

  readlinkAt({ memory }: Vfs, directory: number, name: Name, into: Uint8Array): number {
    const mount = Inode.mount.get(memory, directory);
    const path = joinPath(memory, directory, name);
    const { result, type } = this.ask(mount, UserOperation.stat, path);
    if (result < 0) return result;
    if (type !== Filetype.SYMBOLIC_LINK) return -Errno.EINVAL;
    const { result: read, bytes = NOTHING } = this.ask(mount, UserOperation.readlink, path);
    if (read < 0) return read;
    const length = Math.min(bytes.length, into.length);
    into.set(bytes.subarray(0, length));
    return length;
  }

  unlinkAt({ memory }: Vfs, directory: number, name: Name): number {
    const mount = Inode.mount.get(memory, directory);
    const path = joinPath(memory, directory, name);
    const { result, type } = this.ask(mount, UserOperation.stat, path);
    if (result < 0) return result;
    if (type === Filetype.DIRECTORY) return -Errno.EISDIR;
    return Math.min(this.ask(mount, UserOperation.remove, path).result, 0);
  }

  removeDirectoryAt({ memory }: Vfs, directory: number, name: Name): number {
    const mount = Inode.mount.get(memory, directory);
    const path = joinPath(memory, directory, name);
    const { result, type } = this.ask(mount, UserOperation.stat, path);
    if (result < 0) return result;
    if (type !== Filetype.DIRECTORY) return -Errno.ENOTDIR;
    const refused = this.refuseFull(mount, path);
    return refused < 0 ? refused : Math.min(this.ask(mount, UserOperation.remove, path).result, 0);
  }

  renameAt({ memory }: Vfs, from: number, fromName: Name, to: number, toName: Name): number {
    const mount = Inode.mount.get(memory, from);
    const [source, target] = [joinPath(memory, from, fromName), joinPath(memory, to, toName)];
    const moved = this.ask(mount, UserOperation.stat, source);
    if (moved.result < 0) return moved.result;
    const isDirectory = moved.type === Filetype.DIRECTORY;
    const isSame =
      target.length === source.length && source.every((byte, at) => byte === target[at]);
    if (isSame) return 0;
    const isInside =
      target[source.length] === 47 && source.every((byte, at) => byte === target[at]);
    if (isDirectory && isInside) return -Errno.EINVAL;
    const replaced = this.ask(mount, UserOperation.stat, target);
    if (replaced.result >= 0) {
      const isTargetDirectory = replaced.type === Filetype.DIRECTORY;
      if (isDirectory && !isTargetDirectory) return -Errno.ENOTDIR;
      if (!isDirectory && isTargetDirectory) return -Errno.EISDIR;
      const refused = isTargetDirectory ? this.refuseFull(mount, target) : 0;
      if (refused < 0) return refused;
    } else if (replaced.result !== -Errno.ENOENT) return replaced.result;
    return Math.min(this.ask(mount, UserOperation.rename, source, { other: target }).result, 0);
  }

  linkAt(): number {
    return -Errno.EPERM;
  }

  dropInode({ memory }: Vfs, inode: number): void {
    freeNode(memory, inode);
  }

  private make(
    { memory }: Vfs,
    directory: number,
    name: Name,
    operation: number,
    more: Partial<UserQuestion>,
  ): number {
    const mount = Inode.mount.get(memory, directory);
    const path = joinPath(memory, directory, name);
    const { result } = this.ask(mount, UserOperation.stat, path);
    if (result >= 0) return -Errno.EEXIST;
    if (result !== -Errno.ENOENT) return result;
    return Math.min(this.ask(mount, operation, path, more).result, 0);
  }

  /** ENOTEMPTY for a directory with names in it. */
  private refuseFull(mount: number, path: Uint8Array): number {
    const { result, bytes = NOTHING } = this.ask(mount, UserOperation.readdir, path);
    if (result < 0) return result;
    return bytes.length > 0 ? -Errno.ENOTEMPTY : 0;
  }
}

/** Opens a node whose count is taken over. */
function open(vfs: Vfs, node: number, type: number, access: number, flags: number): number {
  const isDirectory = type === Filetype.DIRECTORY;
  const operations = isDirectory ? OperationsId.userDirectory : OperationsId.userFile;
  const file = makeOpenFile(vfs.memory, operations, type, access, flags, node);
  if (file !== 0) return file;
  freeOrDrop(vfs, node);
  return -Errno.ENOSPC;
}

function freeOrDrop({ memory }: Vfs, node: number): void {
  if (Inode.refs.add(memory, node, -1) === 1) freeNode(memory, node);
}

function orNoSpace(node: number): number {
  return node === 0 ? -Errno.ENOSPC : node;
}
