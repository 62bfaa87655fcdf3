/** See `late-parts.ts`. */
import { installDevfs } from "../fs/devfs/driver.ts";
import { installProcfs } from "../fs/procfs/driver.ts";
import { LockOrder } from "../shm/index.ts";
import { RawWaits } from "./raw-wait.ts";

export const lateParts = { installDevfs, installProcfs, LockOrder, RawWaits };
