/** Finding a path that leads to a directory of which only the inode is known: for `fchdir`, since the kernel keeps a path of the working directory. */
import { Filetype } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { Process } from "../kernel/index.ts";
import { type DirectoryReader, dropFile, dropInode, keepInode, PATH_MAX } from "../vfs/index.ts";
import type { SyscallContext } from "./context.ts";

const PARENT = Uint8Array.of(46, 46);
const SLASH = 47;

/** Collects the names of what may be a directory. */
class NameReader implements DirectoryReader {
  readonly names: Uint8Array[] = [];

  entry(
    _cookie: number,
    _inodeLow: number,
    _inodeHigh: number,
    type: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): boolean {
    if (type === Filetype.DIRECTORY || type === Filetype.UNKNOWN)
      this.names.push(bytes.slice(start, start + length));
    return true;
  }
}

/**
 * Climbs from a directory to the process's root, and looks in each parent for the name that leads down again.
 *
 * @returns the path, or negated: ENOENT where there is none (a directory that was removed), ENAMETOOLONG, and what listing answers
 */
export function findDirectoryPath(context: SyscallContext, directory: number): Uint8Array | number {
  const { memory, process, vfs, walk } = context;
  const root = Process.rootDirectory.get(memory, process);
  let path = new Uint8Array(0);
  let below = keepInode(memory, directory);
  let errno = 0;
  while (below !== root && errno === 0) {
    errno = walk.begin(root, below, PARENT, 0, PARENT.length);
    const parent = errno === 0 ? walk.takeDirectory() : 0;
    walk.end();
    const name = parent === 0 ? errno : findName(context, parent, below);
    dropInode(vfs, below);
    below = parent;
    if (typeof name === "number") errno = name;
    else path = Uint8Array.of(SLASH, ...name, ...path);
    if (path.length > PATH_MAX) errno = -Errno.ENAMETOOLONG;
  }
  if (below !== 0) dropInode(vfs, below);
  if (errno !== 0) return errno;
  return path.length === 0 ? Uint8Array.of(SLASH) : path;
}

/** The name in a directory that leads to another one, through what is mounted on it; a negated errno. */
function findName(context: SyscallContext, parent: number, child: number): Uint8Array | number {
  const { vfs } = context;
  const file = vfs.filesystemOf(parent).openDirectory(vfs, parent, 0);
  if (file < 0) return file;
  const reader = new NameReader();
  const listed = vfs.operationsOf(file).list(vfs, file, 0, reader);
  dropFile(vfs, file);
  if (listed < 0) return listed;
  return reader.names.find((name) => leadsTo(context, parent, name, child)) ?? -Errno.ENOENT;
}

function leadsTo(
  { memory, process, secondWalk }: SyscallContext,
  parent: number,
  name: Uint8Array,
  child: number,
): boolean {
  if (name[0] === PARENT[0] && (name.length === 1 || (name.length === 2 && name[1] === PARENT[1])))
    return false;
  const root = Process.rootDirectory.get(memory, process);
  let walked = secondWalk.begin(root, parent, name, 0, name.length);
  if (walked === 0) walked = secondWalk.enter();
  const same = walked === 0 && secondWalk.directory === child;
  secondWalk.end();
  return same;
}
