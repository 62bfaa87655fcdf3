/**
 * Archives: a tar or zip archive as a tree that can be read.
 *
 * Mounting reads the archive's index into a tree in memory (`tree-builder.ts`) whose files say where in the archive their bytes are (`../tmpfs/packed.ts`);
 * the archive itself stays what it is, an open file, and is read when a file is (`file.ts`). It must not change while it is mounted: a program that
 * reads it then gets EIO where it was shortened, and nonsense where it was rewritten.
 */
import { dropFile, Mount, OperationsId, type Vfs } from "../../vfs/index.ts";
import { archiveOf, createPackedTmpfs, destroyTmpfs } from "../tmpfs/index.ts";
import { ArchiveError } from "./archive-error.ts";
import { ArchiveFile } from "./file.ts";
import { ArchiveReader } from "./reader.ts";
import { isTar, readTar } from "./tar.ts";
import { TreeBuilder } from "./tree-builder.ts";
import { isZip, readZip } from "./zip.ts";

export { ArchiveError };

/** Gives an agent the code for archives. Every agent does so once, before it meets one; files in memory must be known too. */
export function installArchivefs(vfs: Vfs): void {
  vfs.addOperations(OperationsId.archiveFile, new ArchiveFile());
}

/**
 * Makes a mount of an archive, ready for `addMount`; it is undone by `destroyTmpfs`.
 *
 * @param archive open for reading, and its count is taken over, also by a failure; or its bytes, which are copied
 * @throws ArchiveError that tells what is wrong with it
 */
export function createArchivefs(vfs: Vfs, archive: number | Uint8Array): number {
  const mount = createPackedTmpfs(vfs, archive);
  if (mount === 0) {
    if (typeof archive === "number") dropFile(vfs, archive);
    throw new ArchiveError("the kernel's memory is full", "ENOSPC");
  }
  try {
    const reader = new ArchiveReader(vfs, archiveOf(vfs.memory, Mount.root.get(vfs.memory, mount)));
    const tree = new TreeBuilder(vfs, mount);
    // What begins as a tar archive is one, also where a zip archive is its last file.
    if (isTar(reader)) readTar(reader, tree);
    else if (isZip(reader)) readZip(reader, tree);
    else throw new ArchiveError(whatElse(reader));
    tree.finish();
  } catch (error) {
    destroyTmpfs(vfs, mount);
    throw error;
  }
  return mount;
}

/** Says what an archive of no known kind may be. */
function whatElse(reader: ArchiveReader): string {
  const [a, b, c] = reader.read(0, Math.min(3, reader.size));
  if (a === 0x1f && b === 0x8b)
    return "it is compressed by gzip: decompress it first, as compressed it can only be read from its start";
  if (
    (a === 0x42 && b === 0x5a) ||
    (a === 0xfd && b === 0x37) ||
    (a === 0x28 && b === 0xb5 && c === 0x2f)
  ) {
    return "it is compressed: decompress it first, as compressed it can only be read from its start";
  }
  return reader.size === 0
    ? "it is empty"
    : "it is neither a tar nor a zip archive, or it is cut off";
}
