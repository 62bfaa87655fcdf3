/** The filesystems that only machines with mounts need: an agent of any other machine does not load them. */
import { installArchivefs } from "../fs/archivefs/index.ts";
import { installOverlayfs } from "../fs/overlayfs/index.ts";
import { installUserfs } from "../fs/userfs/index.ts";
import type { Kernel } from "../kernel/index.ts";

/** Gives an agent the code for archives, overlays and users' own filesystems. */
export function installMountDrivers(kernel: Kernel): void {
  installArchivefs(kernel.vfs);
  installOverlayfs(kernel.vfs);
  installUserfs(kernel);
}
