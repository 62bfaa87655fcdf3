/** What an agent of a page needs for programs that look files up or list them: the calls, and the drivers of the files that they may come to. See `parts.ts`. */
export { errnoName } from "../../abi/errno.ts";
export { installDevfs } from "../../fs/devfs/driver.ts";
export { installProcfs } from "../../fs/procfs/driver.ts";
export { pathServices } from "../../syscalls/path-table.ts";
