/**
 * Boot: making a machine's kernel, and giving an agent's kernel the code of filesystems and open files. The latter is the same in every agent.
 */
import { installTmpfs } from "../fs/tmpfs/index.ts";
import {
  type Clock,
  createKernel,
  type Kernel,
  type KernelLimits,
  KernelRoot,
  Pending,
  PipeOperations,
  type Randomness,
  Thread,
} from "../kernel/index.ts";
import { type KernelMemory, type LockOrder, panic } from "../shm/index.ts";
import { FilesystemId, OperationsId } from "../vfs/index.ts";
import { loadLateParts } from "./late-parts.ts";

/** Drivers that only some hosts have. */
export interface Drivers {
  /** Registers them in an agent's kernel. */
  install(kernel: Kernel): void;
}

/** Registers every driver that an agent begins with: those of all hosts and the host's own. */
export function addDrivers(kernel: Kernel, local: Drivers | undefined): void {
  const { vfs } = kernel;
  installTmpfs(vfs);
  vfs.loadDrivers = () => {
    const { installDevfs, installProcfs } = loadLateParts();
    installProcfs(kernel);
    // One that knows terminals came with other parts.
    if (!vfs.hasFilesystem(FilesystemId.devfs)) installDevfs(vfs, kernel.randomness);
  };
  vfs.addOperations(OperationsId.pipe, new PipeOperations());
  local?.install(kernel);
}

/** The checker of the order of locks, for an agent of a machine that wants one. */
export function lockOrderFor(isWanted: boolean): LockOrder | undefined {
  return isWanted ? new (loadLateParts().LockOrder)() : undefined;
}

/** Makes the kernel of a new machine in an empty kernel heap. */
export function bootKernel(
  memory: KernelMemory,
  clock: Clock,
  randomness: Randomness,
  limits: KernelLimits,
  local: Drivers | undefined,
): Kernel {
  const kernel = createKernel(memory, clock, randomness, limits);
  const nobody = Thread.allocate(memory);
  if (nobody === 0) panic("boot: the kernel heap is too small");
  Thread.pending.store(memory, nobody, Pending.exit);
  KernelRoot.nobody.set(memory, kernel.root, nobody);
  addDrivers(kernel, local);
  return kernel;
}

/** Frees what `bootKernel` made, so that the ledger of a closed machine reads nothing. */
export function haltKernel(kernel: Kernel): void {
  const { memory, root } = kernel;
  Thread.free(memory, KernelRoot.nobody.get(memory, root));
  KernelRoot.free(memory, root);
}
