/**
 * The library as the command uses it: everything at once, on the calling thread. The command is one file for a quick start, so nothing of it is loaded on
 * demand.
 */
import { createHostDirectories } from "../hosts/node/host-directories.ts";
import { createNodeHost } from "../hosts/node/host.ts";
import { EventKind, Process as Record_ } from "../kernel/index.ts";
import { furtherReading } from "../loader/further-reading.ts";
import { compileProgramSync, needsSuspension, provideFurtherReading } from "../loader/program.ts";
import { describeThrown } from "../loader/trap-description.ts";
import { provideTrapDescription } from "../loader/trap.ts";
import { formatCall } from "../syscalls/call-text.ts";
import { provideCallFormatter } from "../syscalls/trace.ts";
import { installFurtherCalls } from "../threads/further-calls.ts";
import { runInPlace } from "../threads/run-in-place.ts";
import { formatEvent } from "../threads/event-text.ts";
import { provideEventFormatter, traceSinkOf } from "../threads/trace-sink.ts";
import { dropFile } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import { furtherParts } from "./further-parts.ts";
import { isRefusal, type Refusal } from "./machine-event.ts";
import { MachineFiles } from "./files.ts";
import type { GuestTree } from "./guest-tree.ts";
import { guestMemoryFor } from "./launch.ts";
import { createRecord } from "./process-record.ts";
import { BaseMachine } from "./machine.ts";
import { createMountMaker } from "./mount-maker.ts";
import type { LoadedProgram, MachineOptions, SpawnOptions } from "./options.ts";
import { type ProcessResult, takeResult } from "./process-result.ts";
import { pagesOf, programError, withSharing } from "./program.ts";

export * from "./index.ts";
export { isRefusal } from "./machine-event.ts";
export {
  inspectProgram,
  listProvidedImports,
  type InspectedImport,
  type Inspection,
} from "./inspection.ts";

/** A machine that is made at once, and runs programs without threads on the calling thread. */
export class CommandMachine extends BaseMachine {
  /** Boots a machine. @throws WeftError: ERR_OPTION, ERR_MOUNT */
  static createSync(options: MachineOptions = {}): CommandMachine {
    const mountsAny = Object.keys(options.mounts ?? {}).length > 0;
    const directories = mountsAny ? createHostDirectories() : undefined;
    return new CommandMachine(createNodeHost(directories), options, createMountMaker);
  }

  /** @internal */
  protected override makeFiles(tree: GuestTree): MachineFiles {
    return new MachineFiles(tree);
  }

  /** @internal */
  protected override loadSnapshots(): never {
    throw new WeftError("ERR_HOST", "snapshot: machines of commands that run at once have none");
  }

  /** @internal */
  protected override loadFurtherParts() {
    return Promise.resolve(furtherParts);
  }

  /** The same as `load` for bytes, at once: compiling a large program blocks the caller. */
  loadSync(bytes: Uint8Array, name = "program.wasm"): LoadedProgram {
    try {
      const pages = pagesOf(this.options.maxMemory);
      provideFurtherReading(furtherReading);
      provideTrapDescription(describeThrown);
      const program = compileProgramSync(bytes, name, pages);
      return withSharing(this.host, bytes, pages, { name, program });
    } catch (cause) {
      throw programError(name, cause);
    }
  }

  /**
   * Calls `listener` when a program wants to fork without asyncify, to make a thread without an entry for it, or to run a file that is no program. Other events
   * stay as cheap as they are.
   */
  onRefused(listener: (event: Refusal) => void): void {
    this.listeners.add(
      (event) => {
        if (isRefusal(event)) listener(event);
      },
      (1 << EventKind.forkRefused) | (1 << EventKind.entryMissing),
    );
  }

  /** Whether a program is one for `runSync`: it imports nothing that makes threads, asks the host's event loop, or, where they work, makes contexts. */
  canRunSync({ program }: LoadedProgram): boolean {
    return !program.importsThreadSpawn && !program.asksHost && !needsSuspension(program, false);
  }

  /**
   * Runs a program on the calling thread, which it blocks until the program has ended: for commands. The program may make no threads and start no
   * programs (that fails), and only the end of the host program ends one that computes for ever; `pipe`, `timeout` and `signal` are not for it.
   */
  runSync(loaded: LoadedProgram, options: SpawnOptions = {}): ProcessResult {
    this.mustBeOpen();
    if (options.timeout !== undefined || options.signal !== undefined) {
      throw new WeftError(
        "ERR_OPTION",
        "runSync: timeout and signal need spawn or run, where another thread can end the program",
      );
    }
    const { kernel } = this;
    const { memory } = kernel;
    const guestMemory = guestMemoryFor(loaded);
    const record = createRecord(this.kernel, this.tree, loaded.name, options);
    if (loaded.program.needsFurtherCalls) installFurtherCalls(kernel);
    const { trace } = this.openFiles(
      record,
      { stdin: "inherit", stdout: "inherit", stderr: "inherit", ...options },
      loaded,
    );
    const pid = Record_.id.get(memory, record);
    if (trace !== undefined) {
      provideCallFormatter(formatCall);
      provideEventFormatter(formatEvent);
    }
    const ran = runInPlace(
      kernel,
      record,
      loaded.program,
      guestMemory,
      this.host.workers.parallelism,
      trace === undefined ? undefined : traceSinkOf(kernel, trace.file),
    );
    if (trace !== undefined) dropFile(kernel.vfs, trace.file);
    if (!ran) throw this.abandon(record, 1);
    return takeResult(kernel, record, pid);
  }
}
