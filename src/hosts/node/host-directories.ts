/** Host directories in Node: their filesystem over Node's files. A part of its own, which only machines that mount a directory load. One per agent. */
import { createHostfs, destroyHostfs, HostfsDriver, openHostFile } from "../../fs/hostfs/index.ts";
import type { LocalResources } from "../port.ts";
import { NodeFiles } from "./files.ts";

export type HostDirectories = Pick<
  LocalResources,
  "install" | "mountDirectory" | "unmountDirectory" | "openFile"
>;

export function createHostDirectories(): HostDirectories {
  const files = new NodeFiles();
  return {
    install: ({ vfs }) => void new HostfsDriver(files).register(vfs),
    mountDirectory: (vfs, path, readOnly) => createHostfs(vfs, files, path, { readOnly }),
    unmountDirectory: (vfs, mount) => destroyHostfs(vfs, files, mount),
    openFile: (vfs, path) => openHostFile(vfs, files, path),
  };
}
