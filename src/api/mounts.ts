/** Building and undoing a machine's tree: root, /dev, /dev/shm, /proc, /tmp, mounts. */
import { Filetype } from "../abi/enums.ts";
import { createDevfs, destroyDevfs, sharedMemoryDirectory } from "../fs/devfs/index.ts";
import { createProcfs, destroyProcfs } from "../fs/procfs/index.ts";
import { createTmpfs, destroyTmpfs } from "../fs/tmpfs/index.ts";
import { type Kernel, KernelRoot } from "../kernel/index.ts";
import { panic } from "../shm/index.ts";
import {
  addMount,
  dropInode,
  FilesystemId,
  forgetMountName,
  firstMount,
  Inode,
  keepInode,
  Mount,
  MountFlags,
  nameMount,
} from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { GuestTree } from "./guest-tree.ts";
import { type Mountable, type MountMaker, MountSource } from "./mount-sources.ts";

const ROOT = /^\/+$/;

function mustExist(mount: number): number {
  if (mount === 0) throw new WeftError("ERR_LIMIT", "no room for a mount (option maxKernelMemory)");
  return mount;
}

/** Mounts everything. @param maker needed where anything is wanted */
export function buildTree(
  kernel: Kernel,
  tree: GuestTree,
  wanted: Readonly<Record<string, Mountable>>,
  maker: MountMaker | undefined,
): void {
  const { memory: heap, root, vfs } = kernel;
  const list = Object.entries(wanted);
  for (const [path] of list) maker?.checkPath(path);
  const rootSource = list.find(([path]) => ROOT.test(path))?.[1];
  const make = (source: Mountable): number =>
    maker?.make(source) ?? panic("a mount where none was announced");
  const makeMemory = () => mustExist(createTmpfs(vfs));
  const first = rootSource === undefined ? makeMemory() : make(rootSource);
  addMount(heap, kernel.mounts, first, 0, 0);
  KernelRoot.rootInode.set(heap, root, keepInode(heap, Mount.root.get(heap, first)));

  const mountOn = (path: string, made: number, covered: number, parent: number) => {
    addMount(heap, kernel.mounts, made, covered, parent);
    nameMount(heap, kernel.mounts, made, new TextEncoder().encode(path));
  };
  const mountAt = (path: string, makeIt: () => number) =>
    atMountPoint(kernel, tree, path, (covered, parent) => {
      maker?.checkPath(path, Inode.filesystem.get(heap, covered));
      mountOn(path, makeIt(), covered, parent);
    });
  try {
    // A directory of the host stays as it is. What only this machine has gets what every program expects, where there is room for it.
    const isOwn = rootSource === undefined || rootSource instanceof MountSource;
    const isWritable = (Mount.flags.get(heap, first) & MountFlags.readOnly) === 0;
    if (isOwn && isWritable) tree.makeDirectories("/tmp");
    if (isOwn && (isWritable || hasDirectory(tree, "/dev"))) {
      const devices = mustExist(createDevfs(vfs));
      mountAt("/dev", () => devices);
      // Where C libraries keep named semaphores and shared memory. No walk: that would take the driver of devices.
      const covered = sharedMemoryDirectory(vfs, devices);
      mountOn("/dev/shm", makeMemory(), covered, Mount.root.get(heap, devices));
    }
    if (isOwn && (isWritable || hasDirectory(tree, "/proc")))
      mountAt("/proc", () => mustExist(createProcfs(vfs)));
    // Shorter paths first, so that a mount inside another lands in it.
    for (const [path, source] of list.sort(([a], [b]) => a.length - b.length)) {
      if (!ROOT.test(path)) mountAt(path, () => make(source));
    }
  } catch (error) {
    // What was mounted may hold descriptors of the host.
    dismantleTree(kernel, maker);
    throw error;
  }
}

/** Makes the directory that something is mounted on, where there is none, and does something with it and the one above. */
export function atMountPoint(
  { vfs }: Kernel,
  tree: GuestTree,
  path: string,
  act: (covered: number, parent: number) => void,
): void {
  tree.makeDirectories(path);
  const covered = tree.findDirectory(path);
  const parent = tree.findDirectory(path + "/..");
  try {
    act(covered, parent);
  } finally {
    dropInode(vfs, covered);
    dropInode(vfs, parent);
  }
}

function hasDirectory(tree: GuestTree, path: string): boolean {
  try {
    return tree.stat(path).type === Filetype.DIRECTORY;
  } catch {
    return false;
  }
}

/** Undoes every mount, the last first, and frees what is in memory. */
export function dismantleTree(kernel: Kernel, maker: MountMaker | undefined): void {
  const { memory: heap, root, vfs } = kernel;
  dropInode(vfs, KernelRoot.rootInode.get(heap, root));
  // New mounts are put in front.
  for (let mount = firstMount(heap, kernel.mounts); mount !== 0;) {
    const next = Mount.next.get(heap, mount);
    forgetMountName(heap, mount);
    undoMount(kernel, mount, maker);
    mount = next;
  }
}

function undoMount({ memory: heap, vfs }: Kernel, mount: number, maker: MountMaker | undefined) {
  switch (Mount.filesystem.get(heap, mount)) {
    case FilesystemId.tmpfs:
      return destroyTmpfs(vfs, mount);
    case FilesystemId.devfs:
      return destroyDevfs(vfs, mount);
    case FilesystemId.procfs:
      return destroyProcfs(vfs, mount);
    default:
      return maker?.undo(mount);
  }
}
