/**
 * Running a program that needs no more than every machine has, on the calling thread: what the command loads first (`cli/plain.ts`), and often all that it loads.
 *
 * There is no machine behind it: a kernel with its files, one process, and then the end of the host program.
 */
import { createNodeHost } from "../hosts/node/host.ts";
import { Process as Record_ } from "../kernel/index.ts";
import { compileSync, MOST_PAGES, readProgram } from "../loader/program.ts";
import { RAW_TRAP } from "../loader/trap.ts";
import { panic } from "../shm/index.ts";
import { isFurtherCall, isPathCall } from "../syscalls/table.ts";
import { runInPlace } from "../threads/run-in-place.ts";
import { booting } from "./beginning.ts";
import { GuestTree } from "./guest-tree.ts";
import { openInitialFiles, type StreamMaker } from "./initial-files.ts";
import { guestMemoryFor } from "./launch.ts";
import { createRecord } from "./process-record.ts";
import { type ProcessResult, takeResult } from "./process-result.ts";

export type { ProcessResult };
export { os } from "../hosts/node/builtin.ts";

const unused = () => panic("plain run: all streams are the host program's");
const NO_STREAMS: StreamMaker = { servesTerminals: false, openInput: unused, openOutput: unused };

/** A call by which a program may come to know terminals or signals, which only an event loop can serve. */
const SIGNALS = "callback_signal";
/** The call that tells how many processors there are; files of `/proc` do, too. */
const PARALLELISM = "thread_parallelism";

/**
 * Makes a program ready to be run so.
 *
 * @param title what messages call it; @param mayBeAtTerminal whether a standard stream may be a terminal
 * @returns what runs it to its end; undefined where it needs more, or cannot be run at all: the whole command then finds out which
 */
export function preparePlainRun(
  bytes: Uint8Array,
  title: string,
  strings: { readonly name: string; readonly args: readonly string[] },
  mayBeAtTerminal: () => boolean,
): (() => ProcessResult | Promise<ProcessResult>) | undefined {
  try {
    const found = readProgram(bytes, title, MOST_PAGES);
    const { imports, importsThreadSpawn } = found.description;
    const isPlain = imports.every(
      ({ kind, module, name }) =>
        kind !== "function" ||
        (!isFurtherCall(module, name) && (name !== SIGNALS || !mayBeAtTerminal())),
    );
    if (!isPlain || importsThreadSpawn) return undefined;
    const program = compileSync(found, title, MOST_PAGES);
    const memory = guestMemoryFor({ name: title, program });
    // Asking takes as long as a twentieth of the run, and only few programs can find the answer.
    const asksCores = imports.some(({ name }) => name === PARALLELISM || isPathCall(name));
    const host = createNodeHost(undefined, asksCores ? undefined : 1);
    const kernel = booting.makeKernel(host, {});
    const tree = new GuestTree(kernel);
    booting.makeTree(kernel, tree, {}, undefined);
    const record = createRecord(kernel, tree, title, strings);
    const around = { kernel, host, tree, streams: NO_STREAMS };
    const { isWasix } = program;
    openInitialFiles(around, record, {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      isWasix,
    });
    const pid = Record_.id.get(kernel.memory, record);
    return () => {
      if (!runInPlace(kernel, record, program, memory, host.workers.parallelism, undefined))
        panic("plain run: the kernel heap is too small");
      const result = takeResult(kernel, record, pid);
      const { message } = result;
      if (message?.startsWith(RAW_TRAP) !== true) return result;
      return host.loadTrapWords().then((inWords) => ({ ...result, message: inWords(message) }));
    };
  } catch {
    return undefined;
  }
}
