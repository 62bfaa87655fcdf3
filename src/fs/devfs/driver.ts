/** The code that serves `/dev`. */
import type { Randomness } from "../../kernel/port.ts";
import { FilesystemId, OperationsId, type Vfs } from "../../vfs/index.ts";
import { DeviceOperations } from "./device.ts";
import { DevfsDirectory } from "./directory.ts";
import { Devfs, type OpenTerminal } from "./filesystem.ts";

/**
 * Gives an agent the code for devices. Every agent does so once, when it meets one.
 *
 * @param openTerminal what opening `tty` does; without it there is no terminal (ENXIO)
 */
export function installDevfs(vfs: Vfs, randomness: Randomness, openTerminal?: OpenTerminal): void {
  vfs.addFilesystem(FilesystemId.devfs, new Devfs(openTerminal));
  vfs.addOperations(OperationsId.device, new DeviceOperations(randomness));
  vfs.addOperations(OperationsId.devfsDirectory, new DevfsDirectory());
}
