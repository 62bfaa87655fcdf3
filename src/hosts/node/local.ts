/** What Node's machine offers guests: the program's own descriptors, and its directories where any are mounted. One per agent. */
import { HostStreamOperations, openHostStream } from "../../fs/hoststream/host-stream.ts";
import { panic } from "../../shm/index.ts";
import { OperationsId } from "../../vfs/index.ts";
import type { LocalResources } from "../port.ts";
import type { HostDirectories } from "./host-directories.ts";
import { nodeStreams } from "./streams.ts";

/** @param directories for a machine that mounts any: all its agents need them then */
export function createNodeResources(directories?: HostDirectories): LocalResources {
  const mounted = () => directories ?? panic("a host directory where none was announced");
  return {
    install(kernel) {
      directories?.install(kernel);
      kernel.vfs.addOperations(OperationsId.hostStream, new HostStreamOperations(nodeStreams));
    },
    openStream: (vfs, descriptor, access) => openHostStream(vfs, nodeStreams, descriptor, access),
    mountDirectory: (...mount) => mounted().mountDirectory(...mount),
    unmountDirectory: (vfs, mount) => mounted().unmountDirectory(vfs, mount),
    closeDirectories: (vfs, mount) => mounted().closeDirectories(vfs, mount),
    pathBelow: (...place) => mounted().pathBelow(...place),
    openFile: (vfs, path) => mounted().openFile(vfs, path),
  };
}
