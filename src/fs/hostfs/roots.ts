/**
 * Which of this program's mounts lie inside each other on the host.
 *
 * The root of a mount cannot be renamed through the mount itself, so its path is as good as the open directory. That ends when another
 * mount that may be written to contains it: there the guest could put a symbolic link in the path's way. Such roots are pinned.
 *
 * The host's tree belongs to the whole program, and so does this list; it knows the mounts that were made by this agent. Of mounts in other
 * processes it knows nothing: see `HostfsOptions.pinned`.
 */
import type { KernelMemory } from "../../shm/index.ts";
import { Mount, MountFlags } from "../../vfs/index.ts";
import { HostDirectory, HostMount } from "./directory.ts";
import { type HostFiles, HostStat } from "./port.ts";

interface LiveRoot {
  /** Weak: a machine that was dropped as a whole takes its mounts with it. */
  memory: WeakRef<KernelMemory>;
  mount: number;
}

const live = new Set<LiveRoot>();

/** Most levels that are looked at above a root. */
const DEEPEST = 1024;

/** Notes a new mount and pins what has to be. The record of its root must be complete. */
export function addRoot(memory: KernelMemory, port: HostFiles, mount: number): void {
  for (const root of live) {
    const other = root.memory.deref();
    if (other === undefined) live.delete(root);
    else {
      pinIfInside(port, memory, mount, other, root.mount);
      pinIfInside(port, other, root.mount, memory, mount);
    }
  }
  live.add({ memory: new WeakRef(memory), mount });
}

/** Forgets a mount. */
export function removeRoot(memory: KernelMemory, mount: number): void {
  for (const root of live) {
    if (root.memory.deref() === memory && root.mount === mount) live.delete(root);
  }
}

/** Pins the root of `mount` when it lies below that of `around`, which may be written to. */
function pinIfInside(
  port: HostFiles,
  memory: KernelMemory,
  mount: number,
  otherMemory: KernelMemory,
  around: number,
): void {
  if ((Mount.flags.get(otherMemory, around) & MountFlags.readOnly) !== 0) return;
  const outer = Mount.root.get(otherMemory, around);
  const inner = Mount.root.get(memory, mount);
  const descriptor = HostDirectory.descriptor.get(memory, inner) - 1;
  const stat = new HostStat();
  let last = "";
  for (let levels = 1; levels <= DEEPEST; levels++) {
    // What cannot be looked at may be anything.
    if (port.statAncestor(descriptor, levels, stat) < 0) break;
    if (
      stat.inodeLow === HostDirectory.inode.low(otherMemory, outer) &&
      stat.inodeHigh === HostDirectory.inode.high(otherMemory, outer) &&
      stat.deviceLow === HostDirectory.device.low(otherMemory, outer) &&
      stat.deviceHigh === HostDirectory.device.high(otherMemory, outer)
    ) {
      break;
    }
    // The top of the host's tree is its own parent.
    const here = `${stat.deviceHigh}:${stat.deviceLow}:${stat.inodeHigh}:${stat.inodeLow}`;
    if (here === last) return;
    last = here;
  }
  HostMount.pinned.store(memory, Mount.state.get(memory, mount), 1);
}
