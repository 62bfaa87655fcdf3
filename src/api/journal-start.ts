/** What a machine that keeps a journal is made of: loaded by those only, in Node. */
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
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WeftError("ERR_OPTION", `journal: ${reason}`, { cause });
  }
  const journal = Journal.open(file, path);
  const { onSnapshot, files, ...rest } = options;
  const { snapshot } = journal;
  return {
    journal,
    restoration: snapshot && (await openSnapshot(snapshot, options)),
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
