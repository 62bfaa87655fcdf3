/** Building and undoing a machine's tree: root, /dev, /dev/shm, /tmp, mounts. */
import { Filetype } from "../abi/enums.ts";
import { createDevfs, destroyDevfs } from "../fs/devfs/index.ts";
import type { Host } from "../hosts/port.ts";
import { type Kernel, KernelRoot } from "../kernel/index.ts";
import {
  addMount,
  dropInode,
  FilesystemId,
  Inode,
  keepInode,
  Mount,
  MountFlags,
} from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { GuestTree } from "./guest-tree.ts";
import {
  type MadeMount,
  makeMount,
  memory,
  type Mountable,
  type MountFilesystems,
  mustExist,
  MountSource,
} from "./mount-sources.ts";

const ROOT = /^\/+$/;

/** The devices. */
class DeviceSource extends MountSource {
  make({ kernel: { vfs } }: { kernel: Kernel }): MadeMount {
    const mount = mustExist(createDevfs(vfs));
    return { mount, undo: () => destroyDevfs(vfs, mount) };
  }
}

/**
 * Mounts everything.
 *
 * @returns the mounts in the order of their making, for `dismantleTree`
 */
export function buildTree(
  kernel: Kernel,
  host: Host,
  tree: GuestTree,
  wanted: Readonly<Record<string, Mountable>>,
  filesystems: MountFilesystems,
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
  const maker = { kernel, host, ...filesystems };
  const first = makeMount(maker, rootSource ?? memory());
  const mounts: MadeMount[] = [first];
  addMount(heap, kernel.mounts, first.mount, 0, 0);
  KernelRoot.rootInode.set(heap, root, keepInode(heap, Mount.root.get(heap, first.mount)));

  const mountAt = (path: string, source: Mountable) => {
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
      const made = makeMount(maker, source);
      mounts.push(made);
      addMount(heap, kernel.mounts, made.mount, covered, parent);
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
      mountAt("/dev", new DeviceSource());
      // Where C libraries keep named semaphores and shared memory.
      mountAt("/dev/shm", memory());
    }
    // Shorter paths first, so that a mount inside another lands in it.
    for (const [path, source] of list.sort(([a], [b]) => a.length - b.length)) {
      if (!ROOT.test(path)) mountAt(path, source);
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
  for (const { undo } of [...mounts].reverse()) undo();
}
