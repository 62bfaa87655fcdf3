/** A process that comes from a snapshot, as the host program sees it. */
import { Process as Record_ } from "../kernel/index.ts";
import { Input } from "./input.ts";
import { Output } from "./output.ts";
import { Process } from "./process.ts";
import type { ResumingMachine } from "./restore.ts";

/** Most bytes kept of each output that nobody reads. */
const MOST_KEPT = 64 * 2 ** 20;

/**
 * Makes it.
 *
 * @param record with a count that is taken over; @param name what messages call it; @param streams the open files of the host program's ends of its three streams, or
 *   0; @param served resolves when it has ended
 */
export function makeProcess(
  { kernel, pipes, loadTrapWords }: ResumingMachine,
  record: number,
  name: string,
  [stdin, stdout, stderr]: readonly number[],
  served: Promise<void>,
): Process {
  let process: Process | undefined = undefined;
  const output = (file: number) =>
    file === 0 ? undefined : new Output(pipes.takeOutput(file), MOST_KEPT, () => process?.kill());
  process = new Process(
    kernel,
    record,
    Record_.id.get(kernel.memory, record),
    stdin === 0 ? undefined : new Input(pipes.takeInput(stdin)),
    output(stdout),
    output(stderr),
    undefined,
    served,
    Promise.resolve(),
    { check: false, timeout: undefined, signal: undefined, name, loadTrapWords },
  );
  return process;
}
