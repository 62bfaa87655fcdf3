/** What a machine that keeps a journal is made of. Only such machines load it, in Node. */
import { FileClaimed } from "../hosts/node/file-claim.ts";
import { openJournalFile } from "../hosts/node/journal-file.ts";
import { WeftError } from "./errors.ts";
import { Journal } from "./journal.ts";
import type { MachineOptions } from "./options.ts";
import { openSnapshot, type Restoration } from "./restore.ts";

/** A journal, the snapshot that it holds, and the options for the machine. */
export interface JournalStart {
  readonly journal: Journal;
  readonly restoration: Restoration | undefined;
  readonly others: MachineOptions;
}

/** Opens a journal. Snapshots that programs ask for go into it. @throws WeftError: ERR_OPTION, ERR_JOURNAL, ERR_SNAPSHOT */
export async function openJournal(options: MachineOptions, path: string): Promise<JournalStart> {
  let file;
  try {
    file = openJournalFile(path);
  } catch (cause) {
    if (cause instanceof FileClaimed) {
      const message = `the journal ${path} is kept by another machine, ${cause.message}`;
      throw new WeftError("ERR_JOURNAL", message, { cause });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WeftError("ERR_OPTION", `journal: ${reason}`, { cause });
  }
  const journal = Journal.open(file, path);
  const { onSnapshot, files, ...rest } = options;
  const { snapshot } = journal;
  let restoration: Restoration | undefined;
  try {
    restoration = snapshot && (await openSnapshot(snapshot, options));
  } catch (error) {
    journal.giveUpFile();
    throw error;
  }
  return {
    journal,
    restoration,
    others: {
      ...rest,
      // They are in the snapshot.
      ...(files === undefined || snapshot !== undefined ? {} : { files }),
      onSnapshot: async (bytes) => {
        journal.keep(bytes);
        await onSnapshot?.(bytes);
      },
    },
  };
}
