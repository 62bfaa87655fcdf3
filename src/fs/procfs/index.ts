/** The filesystem of processes, for `/proc`. See `content.ts` for what each file tells, and `driver.ts` for the code that serves it. */
import { dropInode, FilesystemId, Mount, type Vfs } from "../../vfs/index.ts";
import { makeInode, Node, ProcInode } from "./node.ts";

/**
 * Makes the filesystem of processes.
 *
 * @returns a mount, ready for `addMount`, which owns a count of its root; 0 when the kernel heap is full
 */
export function createProcfs(vfs: Vfs): number {
  const { memory } = vfs;
  const mount = Mount.allocate(memory);
  if (mount === 0) return 0;
  Mount.filesystem.set(memory, mount, FilesystemId.procfs);
  const root = makeInode(memory, mount, Node.root, 0);
  if (root === 0) {
    Mount.free(memory, mount);
    return 0;
  }
  Mount.root.set(memory, mount, root);
  return mount;
}

/** Frees a filesystem of processes and its mount: for the end of a machine, under the same conditions as `destroyTmpfs`. */
export function destroyProcfs(vfs: Vfs, mount: number): void {
  const { memory } = vfs;
  const root = Mount.root.get(memory, mount);
  // Not by the driver: an agent that met no file of it has none.
  if (ProcInode.refs.add(memory, root, -1) === 1) ProcInode.free(memory, root);
  const covered = Mount.covered.get(memory, mount);
  if (covered !== 0) dropInode(vfs, covered);
  Mount.free(memory, mount);
}
