/** Building and undoing a machine's tree: root, /dev, /dev/shm, /proc, /tmp, mounts. */
import { createDevfs, destroyDevfs } from "../fs/devfs/index.ts";
import { createProcfs, destroyProcfs } from "../fs/procfs/index.ts";
import { createTmpfs, destroyTmpfs } from "../fs/tmpfs/index.ts";
import type { Host } from "../hosts/port.ts";
import { type Kernel, KernelRoot } from "../kernel/index.ts";
import {
  addMount,
  dropInode,
  FilesystemId,
  forgetMountName,
  keepInode,
  Mount,
  nameMount,
} from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { GuestTree } from "./guest-tree.ts";
import type { MountOptions } from "./options.ts";

const ROOT = /^\/+$/;

/** Makes a mount of a host directory. */
function makeHostMount(kernel: Kernel, host: Host, options: MountOptions): number {
  if (host.local === undefined) {
    throw new WeftError(
      "ERR_HOST",
      `mounts: this host has no directories to mount (${options.hostPath})`,
    );
  }
  try {
    return host.local.mountDirectory(kernel.vfs, options.hostPath, options.readOnly === true);
  } catch (cause) {
    if (!(cause instanceof Error && "path" in cause && "code" in cause)) throw cause;
    throw new WeftError("ERR_MOUNT", cause.message, { cause, errno: String(cause.code) });
  }
}

function mustExist(mount: number): number {
  if (mount === 0) throw new WeftError("ERR_LIMIT", "no room for a mount (option maxKernelMemory)");
  return mount;
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
  wanted: Readonly<Record<string, string | MountOptions>>,
): number[] {
  const { memory, root, vfs } = kernel;
  const mounts: number[] = [];
  const list = Object.entries(wanted).map(([path, mount]): [string, MountOptions] => {
    if (!path.startsWith("/")) {
      throw new WeftError(
        "ERR_OPTION",
        `mounts: ${JSON.stringify(path)} is not absolute: it must start with /`,
      );
    }
    return [path, typeof mount === "string" ? { hostPath: mount } : mount];
  });
  const rootMount = list.find(([path]) => ROOT.test(path));
  const first =
    rootMount === undefined
      ? mustExist(createTmpfs(vfs))
      : makeHostMount(kernel, host, rootMount[1]);
  mounts.push(first);
  addMount(memory, kernel.mounts, first, 0, 0);
  KernelRoot.rootInode.set(memory, root, keepInode(memory, Mount.root.get(memory, first)));

  const mountAt = (path: string, make: () => number) => {
    tree.makeDirectories(path);
    const covered = tree.findDirectory(path);
    const parent = tree.findDirectory(path + "/..");
    const mount = mustExist(make());
    mounts.push(mount);
    addMount(memory, kernel.mounts, mount, covered, parent);
    nameMount(memory, kernel.mounts, mount, new TextEncoder().encode(path));
    dropInode(vfs, covered);
    dropInode(vfs, parent);
  };
  if (rootMount === undefined) {
    tree.makeDirectories("/tmp");
    mountAt("/dev", () => createDevfs(vfs));
    // Where C libraries keep named semaphores and shared memory.
    mountAt("/dev/shm", () => createTmpfs(vfs));
    mountAt("/proc", () => createProcfs(vfs));
  }
  // Shorter paths first, so that a mount inside another lands in it.
  for (const [path, options] of list.sort(([a], [b]) => a.length - b.length)) {
    if (!ROOT.test(path)) mountAt(path, () => makeHostMount(kernel, host, options));
  }
  return mounts;
}

/** Undoes every mount, the last first, and frees what is in memory. */
export function dismantleTree(kernel: Kernel, host: Host, mounts: readonly number[]): void {
  const { memory, root, vfs } = kernel;
  dropInode(vfs, KernelRoot.rootInode.get(memory, root));
  for (const mount of [...mounts].reverse()) {
    forgetMountName(memory, mount);
    const kind = Mount.filesystem.get(memory, mount);
    if (kind === FilesystemId.hostfs) host.local!.unmountDirectory(vfs, mount);
    else if (kind === FilesystemId.devfs) destroyDevfs(vfs, mount);
    else if (kind === FilesystemId.procfs) destroyProcfs(vfs, mount);
    else destroyTmpfs(vfs, mount);
  }
}
