/** What Node's machine offers guests: its directories and the program's own descriptors. One per agent. */
import { createHostfs, destroyHostfs, HostfsDriver, openHostFile } from "../../fs/hostfs/index.ts";
import { HostStreamOperations, openHostStream } from "../../fs/hoststream/host-stream.ts";
import { OperationsId } from "../../vfs/index.ts";
import type { LocalResources } from "../port.ts";
import { NodeFiles } from "./files.ts";
import { nodeStreams } from "./streams.ts";

export function createNodeResources(): LocalResources {
  const files = new NodeFiles();
  return {
    install({ vfs }) {
      new HostfsDriver(files).register(vfs);
      vfs.addOperations(OperationsId.hostStream, new HostStreamOperations(nodeStreams));
    },
    openStream: (vfs, descriptor, access) => openHostStream(vfs, nodeStreams, descriptor, access),
    mountDirectory: (vfs, path, readOnly) => createHostfs(vfs, files, path, { readOnly }),
    unmountDirectory: (vfs, mount) => destroyHostfs(vfs, files, mount),
    openFile: (vfs, path) => openHostFile(vfs, files, path),
  };
}
