/** Loading the filesystems that few machines need: each is a file of its own. */
import type { OptionalFilesystem, OptionalFilesystems } from "../../fs/optional.ts";

export async function loadFilesystems(
  names: readonly OptionalFilesystem[],
): Promise<OptionalFilesystems> {
  const load = async <T>(name: OptionalFilesystem, from: () => Promise<T>) =>
    names.includes(name) ? from() : undefined;
  return {
    archivefs: await load("archivefs", () => import("../../fs/archivefs/index.ts")),
    overlayfs: await load("overlayfs", () => import("../../fs/overlayfs/index.ts")),
    userfs: await load("userfs", () => import("../../fs/userfs/index.ts")),
  };
}
