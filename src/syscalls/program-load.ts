/** Asking the host for a program, and waiting until it has it: see `kernel/program-request.ts`. */
import { Errno } from "../abi/errno.ts";
import {
  askForProgram,
  dropRequest,
  KernelRoot,
  makeContent,
  Pending,
  ProgramRequest,
  RequestState,
  submitRequest,
  Thread,
} from "../kernel/index.ts";
import { subscribe, unsubscribe } from "../shm/index.ts";
import { dropFile } from "../vfs/index.ts";
import { FOREVER, type Waiting } from "./block.ts";
import type { SyscallContext } from "./context.ts";
import { PROCESS_EXIT } from "./control.ts";
import type { FoundProgram } from "./program-search.ts";
import { LARGEST_PART } from "./result.ts";

/** Largest program that is loaded, in bytes (what V8 compiles). */
const LARGEST_PROGRAM = 2 ** 30;

/**
 * Has the host load a program, and start it in a child; or keep it ready for the place of the asking process's own. Takes over the count of the file.
 * Handlers of signals run when the call ends.
 *
 * @param process the one that the program is for
 * @returns 0, or the host's number of a program that it keeps ready. Negated: ENOEXEC (no module, or one that cannot be linked), ENOMEM, EAGAIN, ENOTSUP (a
 *   machine that starts no programs), and what reading answers
 */
export function* loadProgram(
  context: SyscallContext,
  process: number,
  { file, path, identity, size }: FoundProgram,
): Waiting<number> {
  const { kernel, memory, thread, vfs } = context;
  if (KernelRoot.startsPrograms.get(memory, kernel.root) === 0) {
    dropFile(vfs, file);
    return -Errno.ENOTSUP;
  }
  const request = askForProgram(kernel, { asker: context.owner, process, file, path, identity });
  if (request === 0) return -Errno.ENOMEM;
  Thread.heldRequest.set(memory, thread, request);
  try {
    for (;;) {
      yield* waitForHost(context, request);
      if (ProgramRequest.state.load(memory, request) === RequestState.answered)
        return ProgramRequest.result.load(memory, request) | 0;
      const refused = readContent(context, request, file, size);
      if (refused !== 0) return -refused;
      submitRequest(kernel, request);
    }
  } finally {
    Thread.heldRequest.set(memory, thread, 0);
    dropRequest(kernel, request);
  }
}

function* waitForHost(context: SyscallContext, request: number): Waiting<void> {
  const { memory, thread } = context;
  const isOpen = () => {
    const state = ProgramRequest.state.load(memory, request);
    return state === RequestState.asked || state === RequestState.taken;
  };
  const entry = Thread.waitEntry.at(thread);
  subscribe(memory, ProgramRequest.changes.at(request), entry, thread, 1);
  try {
    while (isOpen()) {
      yield FOREVER;
      // Signals wait for the end of the call: what was begun cannot be taken back.
      if ((Thread.pending.load(memory, thread) & Pending.exit) !== 0) throw PROCESS_EXIT;
    }
  } finally {
    unsubscribe(memory, entry);
  }
}

/** Reads a program's bytes into its request. An errno. */
function readContent(
  { memory, vfs, transfer }: SyscallContext,
  request: number,
  file: number,
  size: number,
): number {
  if (size > LARGEST_PROGRAM) return Errno.EFBIG;
  const content = makeContent(memory, request, size);
  if (content === 0) return Errno.ENOMEM;
  const operations = vfs.operationsOf(file);
  for (let done = 0; done < size;) {
    const part = Math.min(LARGEST_PART, size - done);
    const answer = operations.read(
      vfs,
      file,
      transfer.single(memory.u8, content + done, part),
      done,
    );
    if (answer < 0) return -answer;
    // The file was cut meanwhile: what is left is no module, which the host will find.
    if (answer === 0) break;
    done += answer;
  }
  return 0;
}
