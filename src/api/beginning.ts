/** How a machine gets its kernel and the guest's tree: it boots, or goes on from a snapshot (`restore.ts`). */
import type { Host } from "../hosts/port.ts";
import type { Kernel } from "../kernel/index.ts";
import { KernelMemory, type LockOrder } from "../shm/index.ts";
import { bootKernel, lockOrderFor } from "../threads/boot.ts";
import type { GuestTree } from "./guest-tree.ts";
import type { MountMaker } from "./mount-sources.ts";
import { WeftError } from "./errors.ts";
import { buildTree } from "./mounts.ts";
import type { MachineOptions } from "./options.ts";

/** What a machine is made from. */
export interface Beginning {
  /** Makes the kernel, with the code of the filesystems that every agent has. */
  makeKernel(host: Host, options: MachineOptions): Kernel;
  /** Mounts what the options say. @throws WeftError: ERR_OPTION, ERR_MOUNT, ERR_HOST, ERR_LIMIT */
  makeTree(
    kernel: Kernel,
    tree: GuestTree,
    options: MachineOptions,
    maker: MountMaker | undefined,
  ): void;
}

const DEFAULTS = { maxProcesses: 1024, maxKernelMemory: 2 ** 30 };

/** The limits that a machine's options say. */
export function limitsOf(host: Host, { maxProcesses, maxMemory }: MachineOptions) {
  return {
    processes: maxProcesses ?? DEFAULTS.maxProcesses,
    threads: 2 ** 30,
    cores: host.workers.parallelism,
    ...(maxMemory === undefined ? {} : { programMemory: maxMemory }),
  };
}

/** The checker of the order of locks, where it was asked for. */
export function lockOrderOf({ debug }: MachineOptions): { lockOrder?: LockOrder } {
  const lockOrder = lockOrderFor(debug === true);
  return lockOrder === undefined ? {} : { lockOrder };
}

function makeHeap(host: Host, options: MachineOptions): KernelMemory {
  const limit = options.maxKernelMemory ?? DEFAULTS.maxKernelMemory;
  try {
    return KernelMemory.create(host.mayBlock, { limit, ...lockOrderOf(options) });
  } catch (cause) {
    throw new WeftError(
      "ERR_HOST",
      `the host cannot give the kernel its memory of up to ${limit} bytes: ${String(cause)}`,
      { cause },
    );
  }
}

/** The beginning of a machine that boots. */
export const booting: Beginning = {
  makeKernel(host, options) {
    const memory = makeHeap(host, options);
    return bootKernel(memory, host.clock, host.randomness, limitsOf(host, options), host.local);
  },
  makeTree: (kernel, tree, { mounts = {} }, maker) => buildTree(kernel, tree, mounts, maker),
};
