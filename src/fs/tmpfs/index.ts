/**
 * Files in memory: all state in the kernel heap, every operation done by the calling agent.
 *
 * Locks, in the order they are taken: an open file's (offset) → the tree's (names, links, directories) → an inode's (size, bytes, times) →
 * the heap's. See `tree.ts`, `inode.ts`, `bytes.ts` (contents), `entry.ts` and `names.ts` (names), `listing.ts` (reading directories).
 */
import { Filetype } from "../../abi/enums.ts";
import {
  Access,
  dropFile,
  dropInode,
  FilesystemId,
  makeOpenFile,
  Mount,
  MountFlags,
  OpenFile,
  OperationsId,
  Transfer,
  type Vfs,
} from "../../vfs/index.ts";
import { releaseBytes, trimBytes, writeBytes } from "./bytes.ts";
import { TmpfsDirectory } from "./directory.ts";
import { TmpfsEntry } from "./entry.ts";
import { TmpfsFile } from "./file.ts";
import { Tmpfs } from "./filesystem.ts";
import { makeInode, TmpfsInode } from "./inode.ts";
import { freeBuckets, makeBuckets, removeEntry } from "./names.ts";
import { TmpfsTree } from "./tree.ts";

export { archiveOf, holdsBytes, keepBytes, PackedBytes, packFile } from "./packed.ts";
export { releaseBytes, TmpfsFile, TmpfsInode };

/** Gives an agent the code for files in memory. Every agent does so once, before it meets one. */
export function installTmpfs(vfs: Vfs): void {
  vfs.addFilesystem(FilesystemId.tmpfs, new Tmpfs());
  vfs.addOperations(OperationsId.tmpfsFile, new TmpfsFile());
  vfs.addOperations(OperationsId.tmpfsDirectory, new TmpfsDirectory());
}

/** How a filesystem in memory is made. */
export interface TmpfsOptions {
  readonly readOnly?: boolean;
  /** `FilesystemId` of the driver, where it is one that does more than keep files in memory. */
  readonly filesystem?: number;
}

/**
 * Makes an empty filesystem in memory.
 *
 * @returns a mount, ready for `addMount`, which owns the tree and a count of its root; 0 when the kernel heap is full
 */
export function createTmpfs(vfs: Vfs, options: TmpfsOptions = {}): number {
  const { memory } = vfs;
  const mount = Mount.allocate(memory);
  const tree = mount === 0 ? 0 : TmpfsTree.allocate(memory);
  const { filesystem = FilesystemId.tmpfs } = options;
  if (tree !== 0) TmpfsTree.filesystem.set(memory, tree, filesystem);
  const buckets = tree !== 0 && makeBuckets(memory, tree);
  const root = buckets ? makeInode(vfs, tree, mount, Filetype.DIRECTORY, 0) : 0;
  if (root === 0) {
    if (buckets) freeBuckets(memory, tree);
    if (tree !== 0) TmpfsTree.free(memory, tree);
    if (mount !== 0) Mount.free(memory, mount);
    return 0;
  }
  Mount.filesystem.set(memory, mount, filesystem);
  Mount.flags.set(memory, mount, options.readOnly === true ? MountFlags.readOnly : 0);
  Mount.root.set(memory, mount, root);
  Mount.state.set(memory, mount, tree);
  return mount;
}

/**
 * Makes an empty filesystem in memory that refuses every change by guests, for files whose bytes lie in an archive (`packed.ts`).
 *
 * @param archive an open file, whose count is taken over; or its bytes, which are copied
 * @returns as `createTmpfs`; at 0 the count stays with the caller
 */
export function createPackedTmpfs(vfs: Vfs, archive: number | Uint8Array): number {
  const { memory } = vfs;
  const mount = createTmpfs(vfs, { readOnly: true });
  if (mount === 0) return 0;
  const tree = Mount.state.get(memory, mount);
  const file = typeof archive === "number" ? archive : makeNamelessFile(vfs, mount, archive);
  if (file === 0) {
    destroyTmpfs(vfs, mount);
    return 0;
  }
  TmpfsTree.archive.set(memory, tree, file);
  return mount;
}

/** Gives a filesystem of an archive the same archive by another open file, whose count is taken over. The one before, of another program, is not closed. */
export function replaceArchive({ memory }: Vfs, mount: number, archive: number): void {
  const tree = Mount.state.get(memory, mount);
  OpenFile.free(memory, TmpfsTree.archive.get(memory, tree));
  TmpfsTree.archive.set(memory, tree, archive);
}

/** Makes a file without a name that holds bytes, open for reading; 0 when the kernel heap is full. */
function makeNamelessFile(vfs: Vfs, mount: number, bytes: Uint8Array): number {
  const { memory } = vfs;
  const type = Filetype.REGULAR_FILE;
  const inode = makeInode(vfs, Mount.state.get(memory, mount), mount, type, 0);
  if (inode === 0) return 0;
  const transfer = new Transfer().single(bytes, 0, bytes.length);
  TmpfsInode.lock.acquire(memory, inode);
  const done = bytes.length === 0 ? 0 : writeBytes(memory, inode, transfer, 0, bytes.length);
  trimBytes(memory, inode);
  TmpfsInode.lock.release(memory, inode);
  const { tmpfsFile } = OperationsId;
  const file =
    done === bytes.length ? makeOpenFile(memory, tmpfsFile, type, Access.read, 0, inode) : 0;
  if (file === 0) dropInode(vfs, inode);
  return file;
}

/**
 * Frees a filesystem in memory with all it holds, and its mount. For the end of a machine: nobody may walk in it any more, its files
 * must be closed, and the table of mounts must not be used after. Mounts go in the opposite order of their making, since each holds
 * a count of the directory it covers.
 */
export function destroyTmpfs(vfs: Vfs, mount: number): void {
  const { memory } = vfs;
  const tree = Mount.state.get(memory, mount);
  const buckets = TmpfsTree.buckets.get(memory, tree) >>> 2;
  const count = TmpfsTree.bucketCount.get(memory, tree);
  for (let index = 0; index < count; index++) {
    for (
      let entry = memory.u32[buckets + index];
      entry !== 0;
      entry = memory.u32[buckets + index]
    ) {
      const inode = TmpfsEntry.inode.get(memory, entry);
      TmpfsTree.lock.acquire(memory, tree);
      removeEntry(memory, tree, entry);
      TmpfsTree.lock.release(memory, tree);
      dropInode(vfs, inode);
    }
  }
  dropInode(vfs, Mount.root.get(memory, mount));
  const archive = TmpfsTree.archive.get(memory, tree);
  if (archive !== 0) dropFile(vfs, archive);
  freeBuckets(memory, tree);
  TmpfsTree.free(memory, tree);
  const covered = Mount.covered.get(memory, mount);
  if (covered !== 0) dropInode(vfs, covered);
  Mount.free(memory, mount);
}
