/** Floor 2c: filesystems. What the floors above use of it. */
export { installDevfs } from "./devfs/driver.ts";
export { createDevfs, destroyDevfs } from "./devfs/index.ts";
export { installProcfs } from "./procfs/driver.ts";
export { createProcfs, destroyProcfs } from "./procfs/index.ts";
export { createTmpfs, destroyTmpfs, installTmpfs } from "./tmpfs/index.ts";
export {
  createOverlayfs,
  destroyOverlayfs,
  installOverlayfs,
  MOST_LAYERS,
} from "./overlayfs/index.ts";
