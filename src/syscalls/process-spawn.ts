/** Starting other programs as children: `proc_spawn*` (`abi/semantics.md` §6). */
import { Disposition, ProcSpawnFdOpName, Signal } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { Lookupflags } from "../abi/flags.ts";
import { ProcSpawnFdOp, SignalDisposition } from "../abi/layouts.ts";
import { ProcSpawnFdOp64 } from "../abi/wide-layouts.ts";
import {
  ALL_RIGHTS,
  closeDescriptor,
  createChild,
  dropProcess,
  duplicateTo,
  entryOf,
  FileEntry,
  giveUpProcess,
  installFile,
  letGo,
  type PackedStrings,
  Process,
  readWorkingDirectory,
  removeChild,
  setNextProgram,
} from "../kernel/index.ts";
import { dropFile, dropInode } from "../vfs/index.ts";
import type { Outcome, Waiting } from "./block.ts";
import type { SyscallContext } from "./context.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { EVERY_FDFLAG, openLast, requestOf } from "./path-open.ts";
import { loadProgram } from "./program-load.ts";
import { findNamed, type FoundProgram, type NamedProgram } from "./program-search.ts";
import { makeLists, readEnvironment, readLines, readStrings } from "./program-strings.ts";
import { chdir, fchdir } from "./working-directory.ts";

/** Most operations on descriptors for one child. */
const MOST_OPERATIONS = 65536;

/**
 * Starts a program as a child, and writes its pid. Arguments and environment are lines (`readLines`, `readEnvironment`); an empty environment means the
 * caller's, on which the C library's `system` depends.
 *
 * @param search whether to look for a name without a slash in the directories of `path`, with colons between; where that is empty, in the usual ones
 * @returns once the program has been compiled and is about to run. Errors: EMEMVIOLATION, EINVAL (an environment without `=`, an unknown operation), E2BIG,
 *   EAGAIN (too many processes), what an operation on descriptors answers, what `findProgram` and `loadProgram` answer. The pid may be written then, too
 */
export function proc_spawn2(
  context: SyscallContext,
  name: number,
  nameLength: number,
  lines: number,
  linesLength: number,
  environment: number,
  environmentLength: number,
  operations: number,
  operationCount: number,
  dispositions: number,
  dispositionCount: number,
  search: number,
  path: number,
  pathLength: number,
  result: number,
): Outcome {
  return spawn(
    context,
    { name, nameLength, search, path, pathLength, result },
    readLines(context, lines, linesLength),
    environmentLength === 0 ? undefined : readEnvironment(context, environment, environmentLength),
    { start: operations, count: operationCount >>> 0 },
    { start: dispositions, count: dispositionCount >>> 0 },
  );
}

/** The same with arrays of pointers to strings, which may be empty and may hold any byte. */
export function proc_spawn3(
  context: SyscallContext,
  name: number,
  nameLength: number,
  strings: number,
  stringCount: number,
  environment: number,
  environmentCount: number,
  operations: number,
  operationCount: number,
  dispositions: number,
  dispositionCount: number,
  search: number,
  path: number,
  pathLength: number,
  result: number,
): Outcome {
  return spawn(
    context,
    { name, nameLength, search, path, pathLength, result },
    readStrings(context, strings, stringCount),
    environment === 0 ? undefined : readStrings(context, environment, environmentCount),
    { start: operations, count: operationCount >>> 0 },
    { start: dispositions, count: dispositionCount >>> 0 },
  );
}

/** A list of records in the guest's memory. */
interface Listed {
  start: number;
  count: number;
}

function spawn(
  context: SyscallContext,
  named: NamedProgram & { result: number },
  given: PackedStrings | number,
  environment: PackedStrings | undefined | number,
  operations: Listed,
  dispositions: Listed,
): Outcome {
  const { guest, kernel, memory } = context;
  const { result } = named;
  if (
    !guest.has(result, 4) ||
    !guest.has(operations.start, operations.count * operationLayout(guest).$size) ||
    !guest.has(dispositions.start, dispositions.count * SignalDisposition.$size)
  )
    return Errno.EMEMVIOLATION;
  if (operations.count > MOST_OPERATIONS) return Errno.E2BIG;
  if (typeof given === "number") return -given;
  if (typeof environment === "number") return -environment;
  const child = createChild(kernel, context.process);
  if (child < 0) return -child;
  guest.view.setUint32(result >>> 0, Process.id.get(memory, child), true);
  const program = context.actAs(child, () => {
    const refused = performAll(context, operations);
    return refused === 0 ? findNamed(context, named, given) : -refused;
  });
  if (typeof program === "number") return abandonChild(context, child, -program);
  setDispositions(context, child, dispositions);
  return context.wait(startProgram(context, child, program, environment));
}

/** Has a child started, whose count is taken over. An errno, with which the child is given back. */
export function* startProgram(
  context: SyscallContext,
  child: number,
  program: FoundProgram,
  environment: PackedStrings | undefined,
): Waiting<number> {
  const { kernel, memory, vfs } = context;
  const lists = makeLists(memory, program.arguments, environment);
  if (typeof lists === "number") {
    dropFile(vfs, program.file);
    return abandonChild(context, child, lists);
  }
  setNextProgram(kernel, child, 0, lists.arguments, lists.environment);
  let answer: number = -Errno.EINTR;
  try {
    answer = yield* loadProgram(context, child, program);
  } finally {
    if (answer === 0) {
      letGo(kernel, child);
      dropProcess(kernel, child);
    } else abandonChild(context, child, 0);
  }
  return -answer;
}

/** Gives back a child that will not run, whose count is taken over. Passes the errno on. */
export function abandonChild(
  { kernel, process }: SyscallContext,
  child: number,
  errno: number,
): number {
  // First of all: a parent hears nothing of a child that it never had.
  removeChild(kernel, process, child);
  giveUpProcess(kernel, child);
  return errno;
}

/** Tells a child which signals its program is to ignore and which not; the others stay as with its parent. */
function setDispositions(
  { guest, memory }: SyscallContext,
  child: number,
  { start, count }: Listed,
): void {
  let ignored = Process.ignoredSignals.get(memory, child);
  for (let index = 0; index < count; index++) {
    const at = (start >>> 0) + index * SignalDisposition.$size;
    const signal = guest.u8[at + SignalDisposition.sig];
    if (signal < 1 || signal > Signal.SYS) continue;
    const isIgnored = guest.u8[at + SignalDisposition.disp] === Disposition.IGNORE;
    ignored = isIgnored ? ignored | (1 << signal) : ignored & ~(1 << signal);
  }
  Process.ignoredSignals.set(memory, child, ignored);
}

/** Performs a child's operations on descriptors in their order, as the child. The errno of the first that fails. */
function performAll(context: SyscallContext, { start, count }: Listed): number {
  for (let index = 0; index < count; index++) {
    const errno = perform(context, (start >>> 0) + index * operationLayout(context.guest).$size);
    if (errno !== 0) return errno;
  }
  return 0;
}

function operationLayout({
  pointerBytes,
}: GuestMemory): typeof ProcSpawnFdOp | typeof ProcSpawnFdOp64 {
  return pointerBytes === 8 ? ProcSpawnFdOp64 : ProcSpawnFdOp;
}

function perform(context: SyscallContext, at: number): number {
  const { files, guest, memory, vfs } = context;
  const layout = operationLayout(guest);
  const fd = guest.view.getUint32(at + layout.fd, true);
  const path = guest.pointerAt(at + layout.path);
  const length = guest.pointerAt(at + layout.path_len);
  switch (guest.u8[at + layout.cmd]) {
    case ProcSpawnFdOpName.CLOSE:
      // What a program begins with stays its way to its files.
      return -closeDescriptor(vfs, files, fd, true);
    case ProcSpawnFdOpName.DUP2: {
      const from = guest.view.getUint32(at + layout.src_fd, true);
      const answer = duplicateTo(vfs, files, from, fd);
      if (answer < 0) return -answer;
      // To itself: for the new program it stays open (posix_spawn_file_actions_adddup2(3)).
      if (from === fd) FileEntry.flags.set(memory, entryOf(memory, files, fd), 0);
      return 0;
    }
    case ProcSpawnFdOpName.OPEN:
      return openAs(context, at, fd, path, length);
    case ProcSpawnFdOpName.CHDIR:
      return chdir(context, path, length);
    case ProcSpawnFdOpName.FCHDIR:
      return fchdir(context, fd);
    default:
      return Errno.EINVAL;
  }
}

/** Opens a path as a certain descriptor, which is closed first where it is open. */
function openAs(
  context: SyscallContext,
  at: number,
  fd: number,
  path: number,
  length: number,
): number {
  const { files, guest, memory, process, vfs, walk } = context;
  if (!guest.has(path, length)) return Errno.EMEMVIOLATION;
  const { view } = guest;
  const layout = operationLayout(guest);
  const low = view.getUint32(at + layout.fs_rights_base, true);
  const request = requestOf(view.getUint16(at + layout.oflags, true), low);
  const follow = (view.getUint32(at + layout.dirflags, true) & Lookupflags.SYMLINK_FOLLOW) !== 0;
  const flags = view.getUint16(at + layout.fdflags, true) & EVERY_FDFLAG;
  const { directory } = readWorkingDirectory(memory, process);
  const root = Process.rootDirectory.get(memory, process);
  let answer = walk.begin(root, directory, guest.u8, path, length);
  dropInode(vfs, directory);
  if (answer === 0) answer = openLast(context, walk, request, follow, flags);
  walk.end();
  if (answer < 0) return -answer;
  const file = answer;
  const inheriting = view.getUint32(at + layout.fs_rights_inheriting, true);
  const rights = { ...ALL_RIGHTS, low, inheritingLow: inheriting };
  const opened = installFile(memory, files, file, rights);
  if (opened < 0) {
    dropFile(vfs, file);
    return -opened;
  }
  if (opened === fd) return 0;
  const moved = duplicateTo(vfs, files, opened, fd);
  closeDescriptor(vfs, files, opened);
  return moved < 0 ? -moved : 0;
}
