/**
 * Files and directories of the host that processes of a snapshot have open, or are in: by their paths in the guest's tree, where they are opened again. What is not
 * there any more, or has no name, cannot come back and is named.
 */
import type { Host } from "../hosts/port.ts";
import {
  entryOf,
  FileEntry,
  type Kernel,
  Process as Record_,
  readDescriptors,
} from "../kernel/index.ts";
import type { RunningProcess } from "../threads/port.ts";
import {
  FilesystemId,
  firstMount,
  Inode,
  Mount,
  mountPath,
  OpenFile,
  OperationsId,
} from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { GuestTree } from "./guest-tree.ts";
import { isStandardStream } from "./host-streams.ts";
import { type HostPlaceNote, refusal } from "./snapshot-format.ts";

/** Lists those of a process. @throws WeftError ERR_SNAPSHOT for what cannot be found again */
export function listHostPlaces(
  { memory, mounts, vfs }: Kernel,
  { local }: Host,
  { process, program }: RunningProcess,
): HostPlaceNote[] {
  const owner = `process ${Record_.id.get(memory, process)} (${program.name})`;
  const notes: HostPlaceNote[] = [];
  const isHosts = (inode: number) =>
    inode !== 0 && Inode.filesystem.get(memory, inode) === FilesystemId.hostfs;
  const add = (
    kind: HostPlaceNote["kind"],
    record: number,
    mount: number,
    place: number,
    what: string,
  ) => {
    let top = firstMount(memory, mounts);
    while (top !== 0 && top !== mount) top = Mount.next.get(memory, top);
    const below = top === 0 ? undefined : local?.pathBelow(memory, mount, place, kind === "file");
    if (below === undefined)
      throw refusal(`snapshot: ${owner} ${what} of the host that cannot be found again`);
    const path = `${mountPath(memory, mount)}/${below}`
      .replace(/\/+/g, "/")
      .replace(/(.)\/$/, "$1");
    notes.push({ kind, record, path, owner });
  };
  for (const [kind, field] of [
    ["working", Record_.workingDirectory],
    ["root", Record_.rootDirectory],
  ] as const) {
    const inode = field.get(memory, process);
    if (isHosts(inode))
      add(kind, process, Inode.mount.get(memory, inode), inode, "is in a directory");
  }
  const table = Record_.files.get(memory, process);
  for (const { fd } of readDescriptors(memory, table, 0)) {
    const file = FileEntry.file.get(memory, entryOf(memory, table, fd));
    // One that cannot be settled has a host's descriptor and no kind that is looked for.
    vfs.settle(file);
    const inode = OpenFile.inode.get(memory, file);
    const what = `has as descriptor ${fd} a file`;
    if (isHosts(inode)) add("directory", file, Inode.mount.get(memory, inode), inode, what);
    else if (OpenFile.operations.get(memory, file) === OperationsId.hostFile)
      add("file", file, OpenFile.state.get(memory, file), file, what);
    else if (OpenFile.host.get(memory, file) !== 0 && !isStandardStream(memory, file))
      throw refusal(`snapshot: ${owner} ${what} of the host that cannot be found again`);
  }
  return notes;
}

/** Opens them again, in mounts that are there again. Nothing runs yet. @throws WeftError ERR_SNAPSHOT, which names all that is not there */
export function reopenHostPlaces(
  { memory }: Kernel,
  tree: GuestTree,
  notes: readonly HostPlaceNote[],
): void {
  const missing = new Set<string>();
  for (const { path, owner } of notes) {
    try {
      tree.stat(path);
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
      missing.add(`${JSON.stringify(path)} of ${owner} (${error.errno})`);
    }
  }
  if (missing.size > 0)
    throw refusal(
      `the snapshot needs files of the host that are not there: ${[...missing].join(", ")}`,
    );
  for (const { kind, record, path } of notes) {
    // What the records had is no more: it was another host program's.
    if (kind === "working") Record_.workingDirectory.set(memory, record, tree.findDirectory(path));
    else if (kind === "root") Record_.rootDirectory.set(memory, record, tree.findDirectory(path));
    else if (kind === "directory") OpenFile.inode.set(memory, record, tree.findDirectory(path));
    else {
      const access = OpenFile.access.get(memory, record);
      const made = tree.open(path, access, OpenFile.flags.load(memory, record));
      for (const field of [OpenFile.host, OpenFile.state, OpenFile.state2])
        field.set(memory, record, field.get(memory, made));
      // The record has taken over all that it had.
      OpenFile.free(memory, made);
    }
  }
}
