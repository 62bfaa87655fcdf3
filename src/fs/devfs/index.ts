/** The filesystem of devices, for `/dev`. See `device.ts` for what each does, and `driver.ts` for the code that serves it. */
import { dropInode, FilesystemId, Mount, type Vfs } from "../../vfs/index.ts";
import { Device, DEVICES, DevfsInode, inodeOf, makeInode } from "./inode.ts";

/**
 * Makes the filesystem of devices.
 *
 * @returns a mount, ready for `addMount`, which owns a count of its root; 0 when the kernel heap is full
 */
export function createDevfs(vfs: Vfs): number {
  const { memory } = vfs;
  const mount = Mount.allocate(memory);
  if (mount === 0) return 0;
  Mount.filesystem.set(memory, mount, FilesystemId.devfs);
  let first = 0;
  for (let device = DEVICES - 1; device >= 0; device--) {
    const inode = makeInode(vfs, mount, device);
    if (inode === 0) {
      freeInodes(vfs, first);
      Mount.free(memory, mount);
      return 0;
    }
    DevfsInode.next.set(memory, inode, first);
    first = inode;
  }
  Mount.root.set(memory, mount, first);
  return mount;
}

/** Frees a filesystem of devices and its mount: for the end of a machine, under the same conditions as `destroyTmpfs`. */
export function destroyDevfs(vfs: Vfs, mount: number): void {
  const { memory } = vfs;
  freeInodes(vfs, Mount.root.get(memory, mount));
  const covered = Mount.covered.get(memory, mount);
  if (covered !== 0) dropInode(vfs, covered);
  Mount.free(memory, mount);
}

/** Drops the counts of an inode and of those after it. Not by the driver: an agent that met no device has none. */
function freeInodes({ memory }: Vfs, inode: number): void {
  while (inode !== 0) {
    const next = DevfsInode.next.get(memory, inode);
    if (DevfsInode.refs.add(memory, inode, -1) === 1) DevfsInode.free(memory, inode);
    inode = next;
  }
}

/** The directory in it that memory is mounted on, without a count. */
export function sharedMemoryDirectory({ memory }: Vfs, mount: number): number {
  return inodeOf(memory, Mount.root.get(memory, mount), Device.shm);
}
