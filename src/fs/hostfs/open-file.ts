/** Opening a file of the host that the host program names, outside any mount: an archive to be mounted. */
import { Filetype } from "../../abi/enums.ts";
import { errnoMeaning } from "../../abi/errno-meanings.ts";
import { Errno, errnoName } from "../../abi/errno.ts";
import { Access, makeOpenFile, OperationsId, type Vfs } from "../../vfs/index.ts";
import { HostFileOperations } from "./file-operations.ts";
import { type HostFiles, HostStat } from "./port.ts";

/** A file of the host that cannot be opened, with the host's reason. */
export class HostFileError extends Error {
  override name = "HostFileError";
  constructor(
    /** Name of an errno. */
    readonly code: string,
    /** The path as it was given. */
    readonly path: string,
    reason: string,
  ) {
    super(`cannot open ${JSON.stringify(path)} on the host: ${reason} (${code})`);
  }
}

/**
 * Opens a regular file for reading at places of its own (`stat` is not for it, since it belongs to no mount).
 *
 * @returns an open file with one count @throws HostFileError
 */
export function openHostFile(vfs: Vfs, port: HostFiles, path: string): number {
  const { memory } = vfs;
  const descriptor = port.openPath(path);
  if (descriptor < 0) throw refusal(path, descriptor);
  const stat = new HostStat();
  let result = port.statDescriptor(descriptor, stat);
  if (result >= 0 && stat.type !== Filetype.REGULAR_FILE) {
    result = stat.type === Filetype.DIRECTORY ? -Errno.EISDIR : -Errno.EINVAL;
  }
  const type = Filetype.REGULAR_FILE;
  const file = result < 0 ? 0 : makeOpenFile(memory, OperationsId.hostFile, type, Access.read, 0);
  if (file === 0) {
    port.close(descriptor);
    throw refusal(path, result < 0 ? result : -Errno.ENOMEM);
  }
  HostFileOperations.attach(memory, file, descriptor, 0, 0);
  return file;
}

function refusal(path: string, errno: number): HostFileError {
  return new HostFileError(errnoName(-errno), path, errnoMeaning(-errno));
}
