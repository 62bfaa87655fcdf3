/** Building and undoing a machine's tree: root, /dev, /dev/shm, /proc, /tmp, mounts. */
import { Filetype } from "../abi/enums.ts";
import { createDevfs, destroyDevfs } from "../fs/devfs/index.ts";
import { createProcfs, destroyProcfs } from "../fs/procfs/index.ts";
import { createTmpfs, destroyTmpfs } from "../fs/tmpfs/index.ts";
import { type Kernel, KernelRoot } from "../kernel/index.ts";
import { panic } from "../shm/index.ts";
import {
  addMount,
  dropInode,
  FilesystemId,
  forgetMountName,
  Inode,
  keepInode,
  Mount,
  MountFlags,
  nameMount,
} from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { GuestTree } from "./guest-tree.ts";
import { type MadeMount, type Mountable, type MountMaker, MountSource } from "./mount-sources.ts";

const ROOT = /^\/+$/;

function mustExist(mount: number): number {
  if (mount === 0) throw new WeftError("ERR_LIMIT", "no room for a mount (option maxKernelMemory)");
  return mount;
}

/**
 * Mounts everything.
 *
 * @param maker needed where anything is wanted
 * @returns the mounts in the order of their making, for `dismantleTree`
 */
export function buildTree(
  kernel: Kernel,
  tree: GuestTree,
  wanted: Readonly<Record<string, Mountable>>,
  maker: MountMaker | undefined,
): MadeMount[] {
  const { memory: heap, root, vfs } = kernel;
  const list = Object.entries(wanted);
  for (const [path] of list) {
    if (!path.startsWith("/")) {
      throw new WeftError(
        "ERR_OPTION",
        `mounts: ${JSON.stringify(path)} is not absolute: it must start with /`,
      );
    }
  }
  const rootSource = list.find(([path]) => ROOT.test(path))?.[1];
  const make = (source: Mountable): MadeMount =>
    maker?.make(source) ?? panic("a mount where none was announced");
  const makeMemory = (): MadeMount => {
    const mount = mustExist(createTmpfs(vfs));
    return { mount, undo: () => destroyTmpfs(vfs, mount) };
  };
  const makeProcesses = (): MadeMount => {
    const mount = mustExist(createProcfs(vfs));
    return { mount, undo: () => destroyProcfs(vfs, mount) };
  };
  const makeDevices = (): MadeMount => {
    const mount = mustExist(createDevfs(vfs));
    return { mount, undo: () => destroyDevfs(vfs, mount) };
  };
  const first = rootSource === undefined ? makeMemory() : make(rootSource);
  const mounts: MadeMount[] = [first];
  addMount(heap, kernel.mounts, first.mount, 0, 0);
  KernelRoot.rootInode.set(heap, root, keepInode(heap, Mount.root.get(heap, first.mount)));

  const mountAt = (path: string, makeIt: () => MadeMount) => {
    tree.makeDirectories(path);
    const covered = tree.findDirectory(path);
    const parent = tree.findDirectory(path + "/..");
    try {
      if (Inode.filesystem.get(heap, covered) === FilesystemId.userfs) {
        throw new WeftError(
          "ERR_OPTION",
          `mounts: ${JSON.stringify(path)} lies in a filesystem() of your own, where nothing can be mounted`,
        );
      }
      const made = makeIt();
      mounts.push(made);
      addMount(heap, kernel.mounts, made.mount, covered, parent);
      nameMount(heap, kernel.mounts, made.mount, new TextEncoder().encode(path));
    } finally {
      dropInode(vfs, covered);
      dropInode(vfs, parent);
    }
  };
  try {
    // A directory of the host stays as it is. What only this machine has gets what every program expects, where there is room for it.
    const isOwn = rootSource === undefined || rootSource instanceof MountSource;
    const isWritable = (Mount.flags.get(heap, first.mount) & MountFlags.readOnly) === 0;
    if (isOwn && isWritable) tree.makeDirectories("/tmp");
    if (isOwn && (isWritable || hasDirectory(tree, "/dev"))) {
      mountAt("/dev", makeDevices);
      // Where C libraries keep named semaphores and shared memory.
      mountAt("/dev/shm", makeMemory);
    }
    if (isOwn && (isWritable || hasDirectory(tree, "/proc"))) mountAt("/proc", makeProcesses);
    // Shorter paths first, so that a mount inside another lands in it.
    for (const [path, source] of list.sort(([a], [b]) => a.length - b.length)) {
      if (!ROOT.test(path)) mountAt(path, () => make(source));
    }
  } catch (error) {
    // What was mounted may hold descriptors of the host.
    dismantleTree(kernel, mounts);
    throw error;
  }
  return mounts;
}

function hasDirectory(tree: GuestTree, path: string): boolean {
  try {
    return tree.stat(path).type === Filetype.DIRECTORY;
  } catch {
    return false;
  }
}

/** Undoes every mount, the last first, and frees what is in memory. */
export function dismantleTree(kernel: Kernel, mounts: readonly MadeMount[]): void {
  const { memory: heap, root, vfs } = kernel;
  dropInode(vfs, KernelRoot.rootInode.get(heap, root));
  for (const { mount, undo } of [...mounts].reverse()) {
    forgetMountName(heap, mount);
    undo();
  }
}
