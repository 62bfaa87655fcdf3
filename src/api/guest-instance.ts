/** Programs that are instantiated rather than run: the host program calls their exports. */
import type { GivenImports } from "../loader/instance.ts";
import type { GivenNames } from "../loader/program.ts";
import type { SpawnOptions } from "./options.ts";
import type { Process } from "./process.ts";

export type { GivenImports as FunctionImports } from "../loader/instance.ts";
export type { ThreadImports, ThreadImportsContext } from "../threads/worker.ts";

/** Options of `Machine.instantiate`: those of a process, and what the program is given beside WASI and WASIX. */
export interface InstantiateOptions extends Omit<SpawnOptions, "timeout" | "signal" | "check"> {
  /** Functions for imports that are neither WASI's nor WASIX's. */
  readonly imports?: GivenImports;
  /**
   * A module that workers import: its default export gets a `ThreadImportsContext` and answers the `ThreadImports` of that worker. Without it, a thread that
   * calls one of `imports` traps.
   */
  readonly threadImports?: string | URL;
  /** Takes what the module of `threadImports` posts. */
  readonly onMessage?: (value: unknown) => void;
}

/** The names of given functions, as `module.name`. */
export function givenNames(imports: GivenImports): GivenNames {
  return new Set(
    Object.entries(imports).flatMap(([module, functions]) =>
      Object.keys(functions).map((name) => `${module}.${name}`),
    ),
  );
}

/** An instance on the calling thread, whose process lives until it is closed, calls `proc_exit`, or is killed. */
export class GuestInstance {
  /** @internal */
  constructor(
    /** What the engine made, for libraries that ask for it. */
    readonly instance: WebAssembly.Instance,
    /** The memory that the program imports, shared with its threads. */
    readonly memory: WebAssembly.Memory | undefined,
    readonly module: WebAssembly.Module,
    /** Its process: streams, signals, the end. */
    readonly process: Process,
  ) {}

  /** The instance's exports. Once the process has ended, their calls of the kernel throw. */
  get exports(): WebAssembly.Exports {
    return this.instance.exports;
  }

  /** Ends the process with its threads. Resolves when nothing runs for it any more. Not from within a call of the instance. */
  async close(): Promise<void> {
    this.process.exit();
    await this.process.wait();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
