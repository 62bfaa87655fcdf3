/** What a process of a loaded program is started with. */
import { mayLeaveCarriers } from "../loader/program.ts";
import { createGuestMemory } from "../loader/program-memory.ts";
import type { Launch } from "../threads/port.ts";
import { WeftError } from "./errors.ts";
import type { LoadedProgram } from "./options.ts";

/** Threads that a process may have, unless an option says otherwise: where each needs a worker, and where they share them. */
const MAX_THREADS = 512;
const MAX_THREADS_SHARING = 16_384;

/**
 * Makes the start of a process.
 *
 * @param maxThreads as the machine's option; @param spare carriers to have ready for its threads; @param memory of the program, a new one by default
 * @throws WeftError: ERR_LIMIT
 */
export function launchOf(
  loaded: LoadedProgram,
  maxThreads: number | undefined,
  spare = loaded.program.importsThreadSpawn ? 1 : 0,
  memory = guestMemoryFor(loaded),
): Launch {
  const { program, shareable } = loaded;
  const needsWorkers = shareable === undefined && !mayLeaveCarriers(program);
  return {
    program,
    memory,
    options: {
      threads: maxThreads ?? (needsWorkers ? MAX_THREADS : MAX_THREADS_SHARING),
      workers: maxThreads ?? MAX_THREADS,
      spare,
      shareable,
    },
  };
}

/**
 * Makes the memory that a program's instances share. Undefined where it is not shared: such a one cannot be sent to a worker, and the one that runs the program
 * makes it.
 *
 * @throws WeftError: ERR_LIMIT
 */
export function guestMemoryFor({ program }: LoadedProgram): WebAssembly.Memory | undefined {
  if (!program.hasSharedMemory) return undefined;
  try {
    return createGuestMemory(program);
  } catch (cause) {
    throw new WeftError("ERR_LIMIT", cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
}
