/**
 * Taking a snapshot of a machine: `Machine.snapshot`. A part of its own, which only machines that do so load. The whole state of a machine is its kernel heap;
 * what its agents know besides is in the manifest (`snapshot-format.ts`).
 */
import { type Kernel, KernelRoot, listIds, Process } from "../kernel/index.ts";
import { layersOf } from "../fs/overlayfs/index.ts";
import { copyPages, listShapes, listUsedPages } from "../shm/index.ts";
import { FilesystemId, firstMount, Mount, mountPath } from "../vfs/index.ts";
import { layOutSnapshot, refusal, sealSnapshot } from "./snapshot-format.ts";

export interface SnapshotOptions {
  /** Compress it by gzip: a fraction of the size, and tens of times the time. Default false. */
  readonly compress?: boolean;
}

/** What is told of the agents' side of a machine. */
export interface SnapshotSubject {
  readonly kernel: Kernel;
  /** Whether it has the code for mounts, and the calls that few programs make. */
  readonly mounts: boolean;
  readonly furtherCalls: boolean;
  /** Records that belong to workers, and open files that the host program holds. */
  readonly carriers: readonly number[];
  readonly files: readonly number[];
}

/** Takes a snapshot of a machine in which no process lives. @throws WeftError: ERR_SNAPSHOT */
export async function takeSnapshot(
  { kernel, ...rest }: SnapshotSubject,
  options: SnapshotOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { memory, root } = kernel;
  if (KernelRoot.processes.load(memory, root) > 0) {
    const ids = listIds(memory, kernel.processTable, Process);
    throw refusal(
      `snapshot: processes live in the machine (${ids.join(", ") || "one whose end nobody has taken"})`,
    );
  }
  refuseStores(kernel);
  const clock = kernel.clock.monotonicMilliseconds();
  const numbers = listUsedPages(memory);
  const { bytes, pages } = layOutSnapshot({ shapes: listShapes(), clock, ...rest }, numbers);
  copyPages(memory, numbers, pages);
  return sealSnapshot(bytes, options.compress === true);
}

/** A store of the browser has its own copy of its files, which goes on: two machines cannot both keep theirs in it. */
function refuseStores({ memory, mounts }: Kernel): void {
  const isStore = (mount: number): boolean => {
    const filesystem = mount === 0 ? 0 : Mount.filesystem.get(memory, mount);
    if (filesystem === FilesystemId.overlayfs) return layersOf(memory, mount).some(isStore);
    return filesystem === FilesystemId.logfs;
  };
  for (let mount = firstMount(memory, mounts); mount !== 0; mount = Mount.next.get(memory, mount)) {
    if (!isStore(mount)) continue;
    const path = JSON.stringify(mountPath(memory, mount));
    throw refusal(`snapshot: ${path} is mounted from opfs(), which keeps its files itself`);
  }
}
