/** The filesystems that only machines with mounts need, in a browser. */
import { installLogfs } from "../../fs/logfs/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import { installMountDrivers as installCommonDrivers } from "../../threads/mount-drivers.ts";

/** Gives an agent the code for what every host can mount, and for files that the browser keeps. */
export function installMountDrivers(kernel: Kernel): void {
  installCommonDrivers(kernel);
  installLogfs(kernel.vfs);
}
