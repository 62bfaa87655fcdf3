/**
 * Another program in the place of one: `proc_exec*` (`abi/semantics.md` §6). Nothing is changed before the host has the new program ready; then every
 * thread leaves, and it starts under the same pid. A child that shares its parent's memory (`proc_fork_env`) gets its program as a process of its own, and the
 * call returns 0, to the parent.
 */
import { Errno, errnoName } from "../abi/errno.ts";
import {
  beginReplacement,
  childOfCaller,
  dropProcess,
  dropStringList,
  EndReason,
  exitProcess,
  leaveChild,
  type PackedStrings,
  Pending,
  setNextProgram,
  Thread,
} from "../kernel/index.ts";
import { dropFile } from "../vfs/index.ts";
import { type Outcome, RUN_HANDLERS, type Waiting } from "./block.ts";
import type { SyscallContext } from "./context.ts";
import { PROCESS_EXIT } from "./control.ts";
import { goOnAsParent } from "./fork-return.ts";
import { loadProgram } from "./program-load.ts";
import { findNamed, type FoundProgram, type NamedProgram } from "./program-search.ts";
import { hasHandler } from "./signal-delivery.ts";
import { makeLists, readEnvironment, readLines, readStrings } from "./program-strings.ts";

/** Replaces the program, with the environment as it is. Does not return: what cannot be replaced ends the process with code 45 (ENOEXEC) and a message. */
export function proc_exec(
  context: SyscallContext,
  name: number,
  nameLength: number,
  lines: number,
  linesLength: number,
): Outcome {
  return execOrEnd(
    context,
    { name, nameLength, search: 0, path: 0, pathLength: 0 },
    readLines(context, lines, linesLength),
    undefined,
  );
}

/** The same with an environment. */
export function proc_exec2(
  context: SyscallContext,
  name: number,
  nameLength: number,
  lines: number,
  linesLength: number,
  environment: number,
  environmentLength: number,
): Outcome {
  return execOrEnd(
    context,
    { name, nameLength, search: 0, path: 0, pathLength: 0 },
    readLines(context, lines, linesLength),
    environment === 0 ? undefined : readEnvironment(context, environment, environmentLength),
  );
}

/**
 * Replaces the program. Arguments and environment are lines (`readLines`, `readEnvironment`); a null environment means the one that the process has.
 *
 * @param search whether to look for a name without a slash in the directories of `path`, with colons between; where that is empty, in the usual ones
 * @returns only where it fails, or to the parent of a child that shares its memory. Errors: EMEMVIOLATION, EINVAL (an environment without `=`), E2BIG, what
 *   `findProgram` and `loadProgram` answer
 */
export function proc_exec3(
  context: SyscallContext,
  name: number,
  nameLength: number,
  lines: number,
  linesLength: number,
  environment: number,
  environmentLength: number,
  search: number,
  path: number,
  pathLength: number,
): Outcome {
  return exec(
    context,
    { name, nameLength, search, path, pathLength },
    readLines(context, lines, linesLength),
    environment === 0 ? undefined : readEnvironment(context, environment, environmentLength),
  );
}

/** The same with arrays of pointers to strings, which may be empty and may hold any byte. */
export function proc_exec4(
  context: SyscallContext,
  name: number,
  nameLength: number,
  strings: number,
  stringCount: number,
  environment: number,
  environmentCount: number,
  search: number,
  path: number,
  pathLength: number,
): Outcome {
  return exec(
    context,
    { name, nameLength, search, path, pathLength },
    readStrings(context, strings, stringCount),
    environment === 0 ? undefined : readStrings(context, environment, environmentCount),
  );
}

function exec(
  context: SyscallContext,
  named: NamedProgram,
  given: PackedStrings | number,
  environment: PackedStrings | undefined | number,
): Outcome {
  if (typeof given === "number") return -given;
  if (typeof environment === "number") return -environment;
  const program = findNamed(context, named, given);
  if (typeof program === "number") return -program;
  return context.wait(replaceProgram(context, program, environment));
}

/** The same for calls that have no way to tell of a failure. */
function execOrEnd(
  context: SyscallContext,
  named: NamedProgram,
  given: PackedStrings | number,
  environment: PackedStrings | undefined | number,
): Outcome {
  const answer = exec(context, named, given, environment);
  const name = context.guest.text(named.name, named.nameLength) ?? "(unreadable name)";
  const end = (errno: number): number => {
    if (errno === 0) return 0;
    const message = `proc_exec: "${name}" cannot be run: ${errnoName(errno)}`;
    exitProcess(context.kernel, context.owner, Errno.ENOEXEC, EndReason.failed, 0, message);
    throw PROCESS_EXIT;
  };
  return typeof answer === "number" ? end(answer) : answer.then(end);
}

function* replaceProgram(
  context: SyscallContext,
  program: FoundProgram,
  environment: PackedStrings | undefined,
): Waiting<number> {
  const { kernel, memory, process, thread, vfs } = context;
  const lists = makeLists(memory, program.arguments, environment);
  if (typeof lists === "number") {
    dropFile(vfs, program.file);
    return lists;
  }
  let isGiven = false;
  try {
    const child = childOfCaller(memory, thread);
    if (child !== 0) {
      setNextProgram(kernel, child, 0, lists.arguments, lists.environment);
      isGiven = true;
    }
    const answer = yield* loadProgram(context, process, program);
    if (answer < 0) return -answer;
    if (child !== 0) {
      leaveChild(kernel, thread);
      context.become(context.owner);
      dropProcess(kernel, child);
      goOnAsParent(context);
      return 0;
    }
    // Signals that came for this program are for its handlers, which are about to go.
    while (hasHandler(context)) yield RUN_HANDLERS;
    isGiven = beginReplacement(kernel, process, answer, lists.arguments, lists.environment);
  } finally {
    if (!isGiven) {
      dropStringList(memory, lists.arguments);
      dropStringList(memory, lists.environment);
    }
  }
  // Also where another thread was quicker: then this one is to leave for that one's program.
  Thread.pending.or(memory, thread, Pending.exit);
  throw PROCESS_EXIT;
}
