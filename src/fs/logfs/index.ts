/**
 * Files in memory that a store keeps: what programs change is noted in the heap (`journal.ts`), an agent writes the notes to a log in the store (`keeper.ts`,
 * `log.ts`), and when the files are mounted again they are made from it (`replay.ts`). Calls are as quick as in memory, and wait for the store only where a
 * program asks for that (`fsync`) or changes more than the store takes.
 *
 * What a tab that is closed in mid-write leaves is what the files were at some moment shortly before, never anything else; what was synced is in it.
 */
import { FilesystemId, Mount, OperationsId, type Vfs } from "../../vfs/index.ts";
import { createTmpfs, destroyTmpfs } from "../tmpfs/index.ts";
import { TmpfsInode } from "../tmpfs/inode.ts";
import { TmpfsTree } from "../tmpfs/tree.ts";
import { LoggedDirectory, LoggedFile } from "./file.ts";
import { Logfs } from "./filesystem.ts";
import { STAMP_BYTES, writeStamp } from "./image.ts";
import { beginChange, endChange, freeChunks, Journal, note, takeBatchLocked } from "./journal.ts";
import type { LogState } from "./keeper.ts";
import { BATCH_HEAD, parseLog } from "./log.ts";
import { Change } from "./record.ts";
import { LogError, Replay } from "./replay.ts";

export { closeJournal, failJournal, Journal } from "./journal.ts";
export { Keeper, type LogState } from "./keeper.ts";
export type { LogFile } from "./log.ts";
export { LogError, LogSpaceError } from "./replay.ts";

/** Gives an agent the code. */
export function installLogfs(vfs: Vfs): void {
  vfs.addFilesystem(FilesystemId.logfs, new Logfs());
  vfs.addOperations(OperationsId.loggedFile, new LoggedFile());
  vfs.addOperations(OperationsId.loggedDirectory, new LoggedDirectory());
}

/** A mount made from a store, and where its keeper goes on. */
export interface LogMount {
  readonly mount: number;
  readonly state: LogState;
}

/**
 * Makes the files that the two logs of a store hold: none where both are empty.
 *
 * @returns undefined when the kernel heap has no room for a mount; @throws LogError; LogSpaceError when it has none for the files
 */
export function createLogfs(
  vfs: Vfs,
  logs: readonly [Uint8Array, Uint8Array],
): LogMount | undefined {
  const { memory } = vfs;
  const parsed = logs.map(parseLog);
  const [first, second] = parsed;
  const current =
    second.isComplete && !(first.isComplete && first.generation > second.generation) ? 1 : 0;
  const log = parsed[current];
  // A store whose very first batch was cut off holds nothing.
  if (!log.isComplete && logs.some(({ length }) => length > BATCH_HEAD))
    throw new LogError("none of its logs is sound");
  const journal = Journal.allocate(memory);
  const mount = journal === 0 ? 0 : createTmpfs(vfs, { filesystem: FilesystemId.logfs });
  if (mount === 0) {
    if (journal !== 0) Journal.free(memory, journal);
    return undefined;
  }
  Journal.batch.set(memory, journal, 1);
  TmpfsTree.journal.set(memory, Mount.state.get(memory, mount), journal);
  if (!log.isComplete) noteRoot(vfs, mount, journal);
  const replay = new Replay(memory, mount);
  try {
    for (const batch of log.batches) replay.play(batch);
    replay.end();
  } catch (error) {
    replay.end();
    destroyLogfs(vfs, mount);
    throw error;
  }
  const { generation, end, imageEnd } = log;
  const batches = log.batches.length;
  return { mount, state: { current, generation, batches, end, imageEnd } };
}

/** Notes the times of a new root: everything else gets its times by what is done. */
function noteRoot(vfs: Vfs, mount: number, journal: number): void {
  const { memory } = vfs;
  if (beginChange(vfs, journal, STAMP_BYTES, true) < 0) return;
  const root = Mount.root.get(memory, mount);
  const at = note(vfs, journal, Change.stamp, STAMP_BYTES, TmpfsInode.number.get(memory, root));
  writeStamp(memory, root, new DataView(memory.u8.buffer, at));
  endChange(memory, journal);
}

/** Frees a filesystem whose keeper has left, as `destroyTmpfs` does. */
export function destroyLogfs(vfs: Vfs, mount: number): void {
  const { memory } = vfs;
  const journal = TmpfsTree.journal.get(memory, Mount.state.get(memory, mount));
  destroyTmpfs(vfs, mount);
  Journal.lock.acquire(memory, journal);
  const { chunks } = takeBatchLocked(memory, journal);
  Journal.lock.release(memory, journal);
  freeChunks(memory, journal, chunks);
  Journal.free(memory, journal);
}
