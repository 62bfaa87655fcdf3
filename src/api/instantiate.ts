/** Instantiating a program on the calling thread: `Machine.instantiate`. A part of its own. */
import type { Host } from "../hosts/port.ts";
import { HostThread } from "../threads/host-thread.ts";
import type { Launch } from "../threads/port.ts";
import { GuestInstance, givenNames, type InstantiateOptions } from "./guest-instance.ts";
import type { BytesSource, LoadedProgram, SpawnOptions } from "./options.ts";
import type { Process } from "./process.ts";
import { programError, readSource } from "./program.ts";

/** What it needs of the machine. */
export interface InstantiatingMachine {
  readonly host: Host;
  /** Most pages of a program's memory. */
  readonly pages: number;
  launch(
    loaded: LoadedProgram,
    options: SpawnOptions,
    adjust: (launch: Launch) => Launch,
  ): Promise<Process>;
  hostThreadOf(record: number): HostThread | undefined;
}

/** See `Machine.instantiate`. */
export async function instantiate(
  machine: InstantiatingMachine,
  source: BytesSource,
  options: InstantiateOptions,
): Promise<GuestInstance> {
  const { host, pages } = machine;
  const { imports = {}, threadImports, onMessage, ...others } = options;
  const { bytes, name } = await readSource(host, source);
  let program;
  try {
    program = await host.load(bytes, name, pages, givenNames(imports));
  } catch (cause) {
    throw programError(name, cause);
  }
  let memory: WebAssembly.Memory | undefined;
  const process = await machine.launch({ name, program }, others, (launch) => {
    ({ memory } = launch);
    const here = {
      Thread: HostThread,
      imports,
      threadImports: threadImports && String(threadImports),
      onMessage: onMessage ?? (() => {}),
    };
    return { ...launch, here };
  });
  try {
    const thread = machine.hostThreadOf(process.record);
    return new GuestInstance(thread!.instantiate(), memory, program.module, process);
  } catch (error) {
    process.kill();
    throw error;
  }
}
