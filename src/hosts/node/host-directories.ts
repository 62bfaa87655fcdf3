/** Host directories in Node: their filesystem over Node's files, and the other filesystems that are mounted. A part of its own, which only machines that mount a directory load. One per agent. */
import {
  closeHostfs,
  createHostfs,
  destroyHostfs,
  findBelow,
  forgetHostfs,
  HostfsDriver,
  openHostFile,
} from "../../fs/hostfs/index.ts";
import { installMountDrivers } from "../../threads/mount-drivers.ts";
import type { LocalResources } from "../port.ts";
import { NodeFiles } from "./files.ts";

export type HostDirectories = Pick<
  LocalResources,
  "install" | "openFile" | "mountDirectory" | "unmountDirectory" | "closeDirectories" | "pathBelow"
>;

export function createHostDirectories(): HostDirectories {
  const files = new NodeFiles();
  return {
    install: (kernel) => {
      new HostfsDriver(files).register(kernel.vfs);
      installMountDrivers(kernel);
    },
    pathBelow: (memory, mount, place, isFile) => findBelow(memory, files, mount, place, isFile),
    openFile: (vfs, path) => openHostFile(vfs, files, path),
    mountDirectory: (vfs, path, readOnly, into) => {
      if (into !== undefined) forgetHostfs(vfs.memory, into);
      return createHostfs(vfs, files, path, { readOnly, ...(into !== undefined && { into }) });
    },
    closeDirectories: (vfs, mount) => closeHostfs(vfs.memory, files, mount),
    unmountDirectory: (vfs, mount) => destroyHostfs(vfs, files, mount),
  };
}
