/** A process as the host program sees it: one that it has started, or that comes from a snapshot. */
import type { Host } from "../hosts/port.ts";
import { type Kernel, Process as Record_ } from "../kernel/index.ts";
import type { FurtherParts } from "./further-parts.ts";
import type { InitialFiles } from "./initial-files.ts";
import { Input } from "./input.ts";
import type { SpawnOptions } from "./options.ts";
import { type ByteSource, Output } from "./output.ts";
import { Process } from "./process.ts";

/** Bytes that an output keeps until they are read, unless an option says otherwise. */
const MAX_BUFFER = 64 * 2 ** 20;

/** What it needs of its machine; `further` where it has a terminal. */
export interface ProcessSurroundings {
  readonly kernel: Kernel;
  readonly loadTrapWords: Host["loadTrapWords"];
  readonly further: FurtherParts | undefined;
}

/**
 * Makes it.
 *
 * @param record with a count that is taken over, as are those of the terminal and of the ends of streams; @param name what messages call it;
 *   @param served resolves when the process has ended
 */
export function makeProcess(
  { kernel, loadTrapWords, further }: ProcessSurroundings,
  record: number,
  name: string,
  files: InitialFiles,
  served: Promise<void>,
  { check = false, timeout, signal, maxBuffer = MAX_BUFFER }: SpawnOptions,
): Process {
  let process: Process | undefined = undefined;
  const overflow = () => process?.overflow(maxBuffer);
  const output = (source: ByteSource | undefined) =>
    source === undefined ? undefined : new Output(source, maxBuffer, overflow);
  const terminal =
    files.terminal === undefined
      ? undefined
      : new further!.Terminal(
          kernel,
          files.terminal,
          files.shown,
          (source) => output(source)!,
          (number) => process?.interrupt(number),
        );
  process = new Process(
    kernel,
    record,
    Record_.id.get(kernel.memory, record),
    terminal !== undefined && files.isTyped ? new Input(terminal.asSink()) : files.stdin,
    output(files.stdout),
    output(files.stderr),
    terminal,
    served,
    files.traced,
    { check, timeout, signal, name, loadTrapWords, fed: files.fed },
  );
  return process;
}
