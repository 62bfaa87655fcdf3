/** The library in Node. */
import { createNodeHost } from "../hosts/node/host.ts";
import { Process as Record_ } from "../kernel/index.ts";
import { compileProgramSync } from "../loader/program.ts";
import { runInPlace } from "../threads/run-in-place.ts";
import { traceSinkOf } from "../threads/trace-sink.ts";
import { dropFile } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import { BaseMachine } from "./machine.ts";
import type { LoadedProgram, MachineOptions, SpawnOptions } from "./options.ts";
import { type ProcessResult, takeResult } from "./process.ts";
import { pagesOf, programError } from "./program.ts";

export * from "./index.ts";
export {
  inspectProgram,
  listProvidedImports,
  type InspectedExport,
  type InspectedImport,
  type Inspection,
  type ModuleKind,
  type ProvidedImport,
} from "./inspection.ts";

/**
 * A machine: a kernel with files and processes.
 *
 *     import { Machine } from "weft";
 *
 *     await using machine = await Machine.create({ mounts: { "/work": "." } });
 *     const { stdout, exitCode } = await machine.run("hello.wasm", { args: ["world"] });
 */
export class Machine extends BaseMachine {
  /**
   * Boots a machine.
   *
   * @throws WeftError: ERR_OPTION, ERR_MOUNT
   */
  static async create(options: MachineOptions = {}): Promise<Machine> {
    return new Machine(createNodeHost(), options);
  }

  /** The same at once, for commands: see `runSync`. */
  static createSync(options: MachineOptions = {}): Machine {
    return new Machine(createNodeHost(), options);
  }

  /** The same as `load` for bytes, at once: compiling a large program blocks the caller. */
  loadSync(bytes: Uint8Array, name = "program.wasm"): LoadedProgram {
    try {
      return { name, program: compileProgramSync(bytes, name, pagesOf(this.options.maxMemory)) };
    } catch (cause) {
      throw programError(name, cause);
    }
  }

  /**
   * Runs a program on the calling thread, which it blocks until the program has ended: for commands. The program may not make threads (its
   * spawns fail), and only the end of the host program ends one that computes for ever; `pipe`, `timeout` and `signal` are not for it.
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
    const guestMemory = this.guestMemoryFor(loaded);
    const record = this.createRecord(loaded, options);
    const { trace } = this.openFiles(
      record,
      { stdin: "inherit", stdout: "inherit", stderr: "inherit", ...options },
      loaded,
    );
    const pid = Record_.id.get(memory, record);
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
