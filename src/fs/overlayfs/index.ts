/**
 * Overlay: one tree from several, a writable layer over others that are only read.
 *
 * A name is what the uppermost layer that has it says it is; a directory is made of all layers' directories down to the first that is none. What
 * changes goes to the writable layer: a file from below is copied up before it is opened for writing, a directory is made there when
 * something in it changes, and what is removed from a lower layer is hidden by a **whiteout**.
 *
 * Whiteouts are empty files in the upper directory, named as container images have them: `.wh.NAME` hides NAME of the layers below, `.wh..wh..opq`
 * hides everything that the layers below have in this directory. So the layers of an image can be mounted as they are, and a writable layer that is a
 * host directory keeps what was removed. Names that begin with `.wh.` are the overlay's own and cannot be used through it. A
 * whiteout says nothing of its own layer, and stays where it is when the name is made again.
 *
 * What differs from a plain filesystem, as in other layered ones:
 * - A directory that a lower layer has cannot be renamed: EXDEV, upon which programs copy.
 * - A file that was opened for reading before it is copied up still is the old one; its times cannot be set through that descriptor.
 * - A copied file is another: its number changes, and hard links to it in a lower layer keep the old content.
 * - What the layers hold must not be changed other than through the overlay while it is mounted.
 * - A name of more than 251 bytes cannot be removed from a lower layer (ENAMETOOLONG): its whiteout would have no name.
 *
 * Regular files are opened in their layer and read and written there without another look at the overlay. `stat` shows such a file with its layer's
 * device and number, by path and by descriptor alike, and directories with the overlay's.
 *
 * Lock: `OverlayMount.lock`, rank Overlay, for every operation on names; the layers' own locks come inside it. The bytes of a copied file move while it
 * is not held. See `directory.ts` (records), `layers.ts` (what a name is), `copy-up.ts`, `filesystem.ts`, `directory-operations.ts`.
 */
import { type KernelMemory, panic } from "../../shm/index.ts";
import {
  dropInode,
  FilesystemId,
  keepInode,
  Mount,
  MountFlags,
  Name,
  OperationsId,
  type Vfs,
} from "../../vfs/index.ts";
import {
  layerDirectory,
  layerMount,
  listDirectories,
  makeDirectory,
  OverlayDirectory,
  OverlayMount,
  readName,
  setLayerDirectory,
  setLayerMount,
} from "./directory.ts";
import { OverlayDirectoryOperations } from "./directory-operations.ts";
import { Overlayfs } from "./filesystem.ts";
import { numberDirectory } from "./layers.ts";

/** Most layers of one overlay. */
export const MOST_LAYERS = 128;

/** Gives an agent the code for overlays. Every agent does so once, before it meets one. */
export function installOverlayfs(vfs: Vfs): void {
  const filesystem = new Overlayfs(vfs);
  vfs.addFilesystem(FilesystemId.overlayfs, filesystem);
  vfs.addOperations(OperationsId.overlayDirectory, new OverlayDirectoryOperations(filesystem));
}

/**
 * Makes an overlay of mounts, ready for `addMount`. The layers stay the caller's, who keeps them while the overlay is there and has given each a
 * device number. None may be an overlay.
 *
 * @param upper the writable layer, or 0: then nothing can be changed; @param lowers the others, uppermost first
 * @returns 0 when the kernel heap is full
 */
export function createOverlayfs(vfs: Vfs, upper: number, lowers: readonly number[]): number {
  const { memory } = vfs;
  const layers = [upper, ...lowers];
  if (layers.length > MOST_LAYERS + 1) panic(`overlay: ${lowers.length} layers are too many`);
  const mount = Mount.allocate(memory);
  const overlay = mount === 0 ? 0 : OverlayMount.allocate(memory, layers.length * 4);
  if (overlay === 0) {
    if (mount !== 0) Mount.free(memory, mount);
    return 0;
  }
  OverlayMount.layerCount.set(memory, overlay, layers.length);
  layers.forEach((layer, index) => setLayerMount(memory, overlay, index, layer));
  Mount.filesystem.set(memory, mount, FilesystemId.overlayfs);
  Mount.flags.set(memory, mount, upper === 0 ? MountFlags.readOnly : 0);
  Mount.state.set(memory, mount, overlay);
  const tops = layers.map((layer) =>
    layer === 0 ? 0 : keepInode(memory, Mount.root.get(memory, layer)),
  );
  const root = makeDirectory(memory, mount, 0, undefined, tops);
  if (root === 0) {
    for (const top of tops) if (top !== 0) dropInode(vfs, top);
    OverlayMount.free(memory, overlay, layers.length * 4);
    Mount.free(memory, mount);
    return 0;
  }
  numberDirectory(vfs, root, layers.length);
  Mount.root.set(memory, mount, root);
  return mount;
}

/** The mounts that an overlay is made of, uppermost first; the first is 0 where nothing can be changed. */
export function layersOf(memory: KernelMemory, mount: number): number[] {
  const overlay = Mount.state.get(memory, mount);
  const count = OverlayMount.layerCount.get(memory, overlay);
  return Array.from({ length: count }, (_, layer) => layerMount(memory, overlay, layer));
}

/** A layer was made anew, with nothing that was in it before: gives every directory its part of it again, by name. */
export function reseatLayer(vfs: Vfs, mount: number, layer: number): void {
  const { memory } = vfs;
  const layerRoot = Mount.root.get(memory, layersOf(memory, mount)[layer]);
  const overlayRoot = Mount.root.get(memory, mount);
  setLayerDirectory(memory, overlayRoot, layer, keepInode(memory, layerRoot));
  const seated = new Set([overlayRoot]);
  const seat = (directory: number) => {
    if (seated.has(directory)) return;
    seated.add(directory);
    const parent = OverlayDirectory.parent.get(memory, directory);
    seat(parent);
    if (layerDirectory(memory, directory, layer) === 0) return;
    const above = layerDirectory(memory, parent, layer);
    const name = readName(memory, directory, new Name());
    const found = above === 0 ? 0 : vfs.filesystemOf(above).step(vfs, above, name);
    setLayerDirectory(memory, directory, layer, Math.max(0, found));
  };
  for (const directory of listDirectories(memory, Mount.state.get(memory, mount))) seat(directory);
}

/** Frees an overlay and its mount, not its layers: under the same conditions as `destroyTmpfs`. */
export function destroyOverlayfs(vfs: Vfs, mount: number): void {
  const { memory } = vfs;
  const overlay = Mount.state.get(memory, mount);
  const count = OverlayMount.layerCount.get(memory, overlay);
  dropInode(vfs, Mount.root.get(memory, mount));
  const left = OverlayMount.directories.get(memory, overlay);
  if (left !== 0)
    panic(`destroyOverlayfs: ${left} directories of the mount at ${mount} are in use`);
  OverlayMount.free(memory, overlay, count * 4);
  const covered = Mount.covered.get(memory, mount);
  Mount.free(memory, mount);
  if (covered !== 0) dropInode(vfs, covered);
}
