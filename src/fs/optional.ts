/**
 * Filesystems that few machines mount. Only a machine that does, and its workers, have their code: whoever makes an agent hands it what the machine
 * needs before the agent meets any of it.
 */
import type { Kernel } from "../kernel/index.ts";

/** The code of some of them. */
export interface OptionalFilesystems {
  readonly archivefs?: typeof import("./archivefs/index.ts") | undefined;
  readonly overlayfs?: typeof import("./overlayfs/index.ts") | undefined;
  readonly userfs?: typeof import("./userfs/index.ts") | undefined;
}

export type OptionalFilesystem = keyof OptionalFilesystems;

/** Gives an agent's kernel their code. */
export function installOptional(
  kernel: Kernel,
  { archivefs, overlayfs, userfs }: OptionalFilesystems,
): void {
  archivefs?.installArchivefs(kernel.vfs);
  overlayfs?.installOverlayfs(kernel.vfs);
  userfs?.installUserfs(kernel);
}
