/** Whether the command may be at a terminal. */
import { fstatSync } from "node:fs";

/** Major number of Linux's memory devices: `/dev/null` and the like. */
const MEMORY_DEVICES = 1;

/** Whether one of the standard streams is a device that may be a terminal: what can be known without loading what knows terminals. */
export function mayBeAtTerminal(): boolean {
  return [0, 1, 2].some((descriptor) => {
    try {
      const stat = fstatSync(descriptor);
      const isMemory = process.platform === "linux" && stat.rdev >>> 8 === MEMORY_DEVICES;
      return stat.isCharacterDevice() && !isMemory;
    } catch {
      return false;
    }
  });
}
