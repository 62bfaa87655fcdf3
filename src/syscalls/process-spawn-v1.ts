/** The oldest way to start a program as a child: `proc_spawn` (`abi/semantics.md` §6). */
import { StdioMode } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { ProcessHandles } from "../abi/layouts.ts";
import {
  closeDescriptor,
  createChild,
  duplicateTo,
  installFile,
  openPipe,
  Process,
} from "../kernel/index.ts";
import { dropFile } from "../vfs/index.ts";
import type { Outcome } from "./block.ts";
import type { SyscallContext } from "./context.ts";
import { READ_END, WRITE_END } from "./fd-create.ts";
import { abandonChild, startProgram } from "./process-spawn.ts";
import { findNamed } from "./program-search.ts";
import { readLines } from "./program-strings.ts";
import { chdir } from "./working-directory.ts";

/** Where the handles of the standard streams stand in `ProcessHandles`. */
const HANDLES = [
  [ProcessHandles.stdin_tag, ProcessHandles.stdin_some],
  [ProcessHandles.stdout_tag, ProcessHandles.stdout_some],
  [ProcessHandles.stderr_tag, ProcessHandles.stderr_some],
] as const;

/**
 * Starts a program as a child, looked for in the usual directories where its name has no slash, with the environment of the caller. A stream is the
 * caller's, closed, or a pipe, whose other end is a descriptor of the caller. Writes the child's pid and those descriptors.
 *
 * @returns errors as `proc_spawn2`; ENOTSUP for another root directory or preopened directories; EMFILE
 */
export function proc_spawn(
  context: SyscallContext,
  name: number,
  nameLength: number,
  chroot: number,
  lines: number,
  linesLength: number,
  _preopens: number,
  preopensLength: number,
  stdin: number,
  stdout: number,
  stderr: number,
  workingDirectory: number,
  workingDirectoryLength: number,
  result: number,
): Outcome {
  const { guest, kernel, memory } = context;
  if (!guest.has(result, ProcessHandles.$size)) return Errno.EMEMVIOLATION;
  if (chroot !== 0 || preopensLength !== 0) return Errno.ENOTSUP;
  const given = readLines(context, lines, linesLength);
  if (typeof given === "number") return -given;
  const child = createChild(kernel, context.process);
  if (child < 0) return -child;
  const named = { name, nameLength, search: 1, path: 0, pathLength: 0 };
  const program = context.actAs(child, () => {
    const refused =
      workingDirectoryLength === 0 ? 0 : chdir(context, workingDirectory, workingDirectoryLength);
    return refused === 0 ? findNamed(context, named, given) : -refused;
  });
  if (typeof program === "number") return abandonChild(context, child, -program);
  const streams = openStreams(context, child, [stdin, stdout, stderr]);
  if (typeof streams === "number") {
    dropFile(context.vfs, program.file);
    return abandonChild(context, child, streams);
  }
  guest.u8.fill(0, result >>> 0, (result >>> 0) + ProcessHandles.$size);
  guest.view.setUint32((result >>> 0) + ProcessHandles.pid, Process.id.get(memory, child), true);
  for (const [descriptor, [tag, some]] of HANDLES.entries()) {
    const end = streams[descriptor];
    guest.u8[(result >>> 0) + tag] = end < 0 ? 0 : 1;
    guest.view.setInt32((result >>> 0) + some, end, true);
  }
  const close = (errno: number): number => {
    if (errno !== 0) closeAll(context, streams);
    return errno;
  };
  const answer = context.wait(startProgram(context, child, program, undefined));
  return typeof answer === "number" ? close(answer) : answer.then(close);
}

/** Gives a child its standard streams; the caller's ends of pipes, -1 for none. An errno, and nothing is left open with the caller. */
function openStreams(
  context: SyscallContext,
  child: number,
  modes: readonly number[],
): number[] | number {
  const { memory, vfs } = context;
  const files = Process.files.get(memory, child);
  const ends: number[] = [];
  for (const [descriptor, mode] of modes.entries()) {
    let end = -1;
    if (mode === StdioMode.PIPED) end = openPipeFor(context, files, descriptor);
    else if (mode === StdioMode.NULL || mode === StdioMode.LOG)
      closeDescriptor(vfs, files, descriptor);
    else if (mode !== StdioMode.INHERIT) end = -Errno.EINVAL;
    if (end < -1) {
      closeAll(context, ends);
      return -end;
    }
    ends.push(end);
  }
  return ends;
}

/** Makes a descriptor of a child one end of a new pipe; the descriptor of the caller's end, or a negated errno. */
function openPipeFor(context: SyscallContext, files: number, descriptor: number): number {
  const { memory, vfs } = context;
  const ends = openPipe(vfs);
  if (ends === undefined) return -Errno.ENOMEM;
  const [reader, writer] = ends;
  const isInput = descriptor === 0;
  const [theirs, theirRights] = isInput ? [reader, READ_END] : [writer, WRITE_END];
  const [ours, ourRights] = isInput ? [writer, WRITE_END] : [reader, READ_END];
  const given = installFile(memory, files, theirs, theirRights);
  if (given < 0) {
    dropFile(vfs, theirs);
    dropFile(vfs, ours);
    return given;
  }
  if (given !== descriptor) {
    const moved = duplicateTo(vfs, files, given, descriptor);
    closeDescriptor(vfs, files, given);
    if (moved < 0) {
      dropFile(vfs, ours);
      return moved;
    }
  }
  const kept = installFile(memory, context.files, ours, ourRights);
  if (kept < 0) dropFile(vfs, ours);
  return kept;
}

function closeAll({ files, vfs }: SyscallContext, descriptors: readonly number[]): void {
  for (const descriptor of descriptors)
    if (descriptor >= 0) closeDescriptor(vfs, files, descriptor);
}
