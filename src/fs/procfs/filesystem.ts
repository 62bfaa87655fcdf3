/** The filesystem of processes: walking and opening. What would make, remove or change a name answers EACCES. */
import { Errno } from "../../abi/errno.ts";
import { Filetype } from "../../abi/enums.ts";
import { dropProcess, findProcess, type Kernel } from "../../kernel/index.ts";
import { allocate, free } from "../../shm/index.ts";
import {
  Access,
  type Filesystem,
  Inode,
  IS_SYMLINK,
  keepInode,
  makeOpenDirectory,
  makeOpenFile,
  Mount,
  type Name,
  Open,
  OpenFile,
  OperationsId,
  type Stat,
  type Vfs,
} from "../../vfs/index.ts";
import { contentOf, targetOf } from "./content.ts";
import {
  describeDescriptor,
  isDescriptor,
  nameDescriptor,
  openDescriptor,
  stepIntoDescriptor,
  tableOf,
} from "./descriptors.ts";
import {
  describeNode,
  makeInode,
  Node,
  ProcInode,
  PROCESS_NAMES,
  ROOT_NAMES,
  typeOf,
} from "./node.ts";

/** Digits of a number that may be a process or descriptor: without a zero in front. */
const NUMBER = /^(0|[1-9][0-9]{0,9})$/;

export class Procfs implements Filesystem {
  /** What `find` found besides the node: the process it belongs to, and the descriptor. */
  private pid = 0;
  private fd = 0;

  constructor(private readonly kernel: Kernel) {}

  step(vfs: Vfs, directory: number, name: Name): number {
    const { memory } = vfs;
    const node = this.find(vfs, directory, name);
    if (node < 0) return node;
    if (node === Node.descriptor) {
      return stepIntoDescriptor(vfs, tableOf(vfs, this.pid), this.fd);
    }
    const type = typeOf(node);
    if (type === Filetype.SYMBOLIC_LINK) return IS_SYMLINK;
    if (type !== Filetype.DIRECTORY) return -Errno.ENOTDIR;
    const inode = makeInode(memory, Inode.mount.get(memory, directory), node, this.pid);
    return inode === 0 ? -Errno.ENOMEM : inode;
  }

  parent({ memory }: Vfs, directory: number): number {
    const mount = Inode.mount.get(memory, directory);
    const root = Mount.root.get(memory, mount);
    if (ProcInode.node.get(memory, directory) === Node.descriptors) {
      const inode = makeInode(memory, mount, Node.process, ProcInode.pid.get(memory, directory));
      // Without room for it the way up is longer.
      if (inode !== 0) return inode;
    }
    return keepInode(memory, root);
  }

  openAt(vfs: Vfs, directory: number, name: Name, request: number, flags: number): number {
    const { memory } = vfs;
    const create = (request & Open.create) !== 0;
    if (create && (request & Open.directory) !== 0) return -Errno.EINVAL;
    const node = this.find(vfs, directory, name);
    if (node < 0) return create && node === -Errno.ENOENT ? -Errno.EACCES : node;
    if (create && (request & Open.exclusive) !== 0) return -Errno.EEXIST;
    if (node === Node.descriptor)
      return openDescriptor(vfs, tableOf(vfs, this.pid), this.fd, request);
    const type = typeOf(node);
    if (type === Filetype.SYMBOLIC_LINK) return IS_SYMLINK;
    if (type === Filetype.DIRECTORY) {
      if ((request & Open.write) !== 0 || create) return -Errno.EISDIR;
    } else if ((request & Open.directory) !== 0) return -Errno.ENOTDIR;
    else if ((request & (Open.write | Open.truncate)) !== 0) return -Errno.EACCES;
    const inode = makeInode(memory, Inode.mount.get(memory, directory), node, this.pid);
    if (inode === 0) return -Errno.ENOMEM;
    const file =
      type === Filetype.DIRECTORY
        ? makeOpenFile(memory, OperationsId.procDirectory, type, Access.read, flags, inode)
        : this.openFile(inode, node, this.pid, flags);
    if (file <= 0) this.dropInode(vfs, inode);
    return file === 0 ? -Errno.ENOMEM : file;
  }

  openDirectory(vfs: Vfs, directory: number, flags: number): number {
    const { procDirectory } = OperationsId;
    return makeOpenDirectory(vfs.memory, procDirectory, directory, flags) || -Errno.ENOMEM;
  }

  /** Makes what the file holds; its bytes live as long as the open file. Takes over the inode's count where it succeeds. */
  private openFile(inode: number, node: number, pid: number, flags: number): number {
    const { memory } = this.kernel;
    const content = contentOf(this.kernel, node, pid);
    if (typeof content === "number") return content;
    const bytes = allocate(memory, Math.max(1, content.length));
    if (bytes === 0) return 0;
    const type = Filetype.REGULAR_FILE;
    const file = makeOpenFile(memory, OperationsId.procFile, type, Access.read, flags, inode);
    if (file === 0) {
      free(memory, bytes, Math.max(1, content.length));
      return 0;
    }
    memory.u8.set(content, bytes);
    OpenFile.state.set(memory, file, bytes);
    OpenFile.state2.set(memory, file, content.length);
    return file;
  }

  statAt(vfs: Vfs, directory: number, name: Name, into: Stat): number {
    const node = this.find(vfs, directory, name);
    if (node < 0) return node;
    if (node === Node.descriptor)
      return describeDescriptor(vfs, tableOf(vfs, this.pid), this.fd, into);
    return describeNode(vfs, Inode.mount.get(vfs.memory, directory), node, this.pid, into);
  }

  statDirectory(vfs: Vfs, directory: number, into: Stat): number {
    return describeInode(vfs, directory, into);
  }

  readlinkAt(vfs: Vfs, directory: number, name: Name, into: Uint8Array): number {
    const node = this.find(vfs, directory, name);
    if (node < 0) return node;
    const target =
      node === Node.descriptor
        ? nameDescriptor(vfs, tableOf(vfs, this.pid), this.fd)
        : targetOf(this.kernel, node, this.pid);
    if (typeof target === "number") return target;
    const length = Math.min(target.length, into.length);
    into.set(target.subarray(0, length));
    return length;
  }

  setTimesAt(vfs: Vfs, directory: number, name: Name): number {
    return this.refuse(vfs, directory, name);
  }

  setDirectoryTimes(): number {
    return -Errno.EACCES;
  }

  makeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    return this.refuseNew(vfs, directory, name);
  }

  symlinkAt(vfs: Vfs, directory: number, name: Name): number {
    return this.refuseNew(vfs, directory, name);
  }

  unlinkAt(vfs: Vfs, directory: number, name: Name): number {
    return this.refuse(vfs, directory, name);
  }

  removeDirectoryAt(vfs: Vfs, directory: number, name: Name): number {
    return this.refuse(vfs, directory, name);
  }

  renameAt(vfs: Vfs, from: number, fromName: Name): number {
    return this.refuse(vfs, from, fromName);
  }

  linkAt(vfs: Vfs, from: number, fromName: Name, to: number, toName: Name): number {
    const source = this.find(vfs, from, fromName);
    return source < 0 ? source : this.refuseNew(vfs, to, toName);
  }

  dropInode({ memory }: Vfs, inode: number): void {
    ProcInode.free(memory, inode);
  }

  private refuse(vfs: Vfs, directory: number, name: Name): number {
    const node = this.find(vfs, directory, name);
    return node < 0 ? node : -Errno.EACCES;
  }

  private refuseNew(vfs: Vfs, directory: number, name: Name): number {
    return this.find(vfs, directory, name) < 0 ? -Errno.EACCES : -Errno.EEXIST;
  }

  /** What a name in a directory stands for, with `pid` and `fd`; ENOENT, or EACCES in another process's descriptors. */
  private find(vfs: Vfs, directory: number, name: Name): number {
    const { memory } = vfs;
    // At most 255 bytes of a path's buffer, which is not shared.
    const text = String.fromCharCode(...name.bytes.subarray(name.start, name.start + name.length));
    this.pid = ProcInode.pid.get(memory, directory);
    this.fd = 0;
    switch (ProcInode.node.get(memory, directory)) {
      case Node.root: {
        const node = ROOT_NAMES.get(text);
        if (node !== undefined) return node;
        this.pid = NUMBER.test(text) ? Number(text) : 0;
        return this.isAlive(this.pid) ? Node.process : -Errno.ENOENT;
      }
      case Node.process:
        return this.isAlive(this.pid) ? (PROCESS_NAMES.get(text) ?? -Errno.ENOENT) : -Errno.ENOENT;
      default: {
        const table = tableOf(vfs, this.pid);
        if (table < 0) return table;
        this.fd = NUMBER.test(text) ? Number(text) : -1;
        return isDescriptor(memory, table, this.fd) ? Node.descriptor : -Errno.ENOENT;
      }
    }
  }

  private isAlive(pid: number): boolean {
    const process = pid === 0 || pid > 0x7fffffff ? 0 : findProcess(this.kernel, pid);
    if (process !== 0) dropProcess(this.kernel, process);
    return process !== 0;
  }
}

/** Describes an inode that is walked through or open. */
export function describeInode(vfs: Vfs, inode: number, into: Stat): number {
  const { memory } = vfs;
  return describeNode(
    vfs,
    ProcInode.mount.get(memory, inode),
    ProcInode.node.get(memory, inode),
    ProcInode.pid.get(memory, inode),
    into,
  );
}
