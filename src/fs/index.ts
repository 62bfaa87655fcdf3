/** Floor 2c: filesystems. What the floors above use of it. */
export { createTmpfs, destroyTmpfs, installTmpfs } from "./tmpfs/index.ts";
