/** See `late-parts.ts`. */
import { Errno, errnoName } from "../abi/errno.ts";
import { installDevfs } from "../fs/devfs/driver.ts";
import { installProcfs } from "../fs/procfs/driver.ts";
import { LockOrder } from "../shm/index.ts";
import { RawWaits } from "./raw-wait.ts";

export const lateParts = { Errno, errnoName, installDevfs, installProcfs, LockOrder, RawWaits };
