/**
 * What a process begins with: descriptors 0, 1, 2, its preopened directories, and the file its trace is written to.
 */
import { Filetype } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import type { Host } from "../hosts/port.ts";
import {
  ALL_RIGHTS,
  installFile,
  type Kernel,
  KernelRoot,
  Process as Record_,
  setPreopen,
} from "../kernel/index.ts";
import { loadLateParts } from "../threads/late-parts.ts";
import type { TraceTarget } from "../threads/messages.ts";
import { dropFile, dropInode, keepFile, Open } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import type { FurtherParts } from "./further-parts.ts";
import type { GuestTree } from "./guest-tree.ts";
import { type ByteSink, Input } from "./input.ts";
import type { InputSource, OutputTarget, SpawnOptions } from "./options.ts";
import { type ByteSource, Output } from "./output.ts";
import { TRACE } from "./pipe-ends.ts";
import type { InitialTerminal } from "./terminal-files.ts";

/** Makes streams between a process and the host program: the guest's open file, with a count, and the host program's end. Throws ERR_LIMIT. */
export interface StreamMaker {
  /** Whether somebody can type while a process runs. */
  readonly servesTerminals: boolean;
  openInput(record: number): { file: number; sink: ByteSink };
  /** For descriptor 1, 2, or `TRACE`. */
  openOutput(record: number, descriptor: number): { file: number; source: ByteSource };
}

/** The host program's side of what was opened. */
export interface InitialFiles {
  /** For the option "pipe". */
  readonly stdin: Input | undefined;
  /** The same, and where it is fed from a source. */
  readonly fed?: Input | undefined;
  readonly stdout: ByteSource | undefined;
  readonly stderr: ByteSource | undefined;
  /** The record of the process's terminal, whose count belongs to the process, and what is shown of the outputs that go there. */
  readonly terminal: number | undefined;
  readonly shown: ByteSource | undefined;
  /** Whether standard input is what is typed at the terminal. */
  readonly isTyped: boolean;
  readonly trace: TraceTarget | undefined;
  /** Resolves when all lines of the trace were delivered. Rejects with what the callback throws. */
  readonly traced: Promise<void>;
}

/** Directories of the root that are preopened for programs of preview 1 at most. */
const MOST_PREOPENS = 256;

/** What the files of a process are opened with. */
export interface Surroundings {
  readonly kernel: Kernel;
  readonly host: Host;
  readonly tree: GuestTree;
  readonly streams: StreamMaker;
  /** For a process with a terminal. */
  readonly further?: FurtherParts | undefined;
}

/**
 * Opens all of it.
 *
 * @param record a process that has not started; what is installed in it goes with it, also where this fails
 * @throws WeftError: ERR_LIMIT, ERR_HOST
 */
export function openInitialFiles(
  around: Surroundings,
  record: number,
  options: SpawnOptions & { readonly isWasix: boolean },
): InitialFiles {
  const streams = openStreams(around, record, options);
  openPreopens(around, record, options.isWasix);
  return { ...streams, ...openTrace(around, record, options.trace) };
}

/** Installs an open file at the lowest free descriptor. A file that is not positive could not be opened. */
function install({ kernel }: Surroundings, record: number, file: number, what: string): void {
  const { memory, vfs } = kernel;
  const fd =
    file <= 0 ? -1 : installFile(memory, Record_.files.get(memory, record), file, ALL_RIGHTS);
  if (fd >= 0) return;
  if (file > 0) dropFile(vfs, file);
  throw noRoom(what);
}

const noRoom = (what: string) =>
  new WeftError("ERR_LIMIT", `no room for ${what} (option maxKernelMemory)`);

/** Whether a process with these options has a terminal: then the machine needs its further parts. */
export const wantsTerminal = ({ terminal, stdin, stdout, stderr }: SpawnOptions): boolean =>
  terminal !== undefined || [stdin, stdout, stderr].includes("terminal");

/** Whether a process with these options opens files by their paths, as a program does that looks files up. */
export const wantsPaths = ({ cwd, stdout, stderr }: SpawnOptions): boolean =>
  cwd !== undefined || [stdout, stderr].includes("null");

function openStreams(
  around: Surroundings,
  record: number,
  options: SpawnOptions,
): Omit<InitialFiles, "trace" | "traced"> {
  const hasTerminal = options.terminal !== undefined;
  const source = options.stdin ?? (hasTerminal ? "terminal" : "null");
  const targets = [options.stdout, options.stderr].map(
    (target): OutputTarget => target ?? (hasTerminal ? "terminal" : "pipe"),
  );
  const isTyped = source === "terminal";
  const made = wantsTerminal(options)
    ? around.further?.openTerminal(around, record, options.terminal ?? {}, targets)
    : undefined;
  const input = openStdin(around, record, source, made);
  const stdout = openOutput(around, record, 1, targets[0], made?.output ?? 0);
  const stderr = openOutput(around, record, 2, targets[1], made?.output ?? 0);
  return {
    stdin: source === "pipe" ? input : undefined,
    fed: input,
    stdout,
    stderr,
    terminal: made?.terminal,
    shown: made?.shown,
    isTyped,
  };
}

function openStdin(
  around: Surroundings,
  record: number,
  source: InputSource,
  made: InitialTerminal | undefined,
): Input | undefined {
  if (source === "inherit") {
    install(around, record, inherit(around, 0, 1), "stdin");
    return undefined;
  }
  if (source === "terminal") {
    install(around, record, made?.openInput() ?? 0, "stdin");
    return undefined;
  }
  const { file, sink } = around.streams.openInput(record);
  install(around, record, file, "stdin");
  const input = new Input(sink);
  if (source === "null") input.close();
  else if (source !== "pipe") void feed(input, source);
  return input;
}

function openOutput(
  around: Surroundings,
  record: number,
  descriptor: 1 | 2,
  target: OutputTarget,
  shown: number,
): ByteSource | undefined {
  const what = descriptor === 1 ? "stdout" : "stderr";
  if (target === "terminal") {
    install(around, record, keepFile(around.kernel.memory, shown), what);
    return undefined;
  }
  if (target === "inherit") {
    install(around, record, inherit(around, descriptor, 2), what);
    return undefined;
  }
  if (target === "null") {
    install(around, record, around.tree.open("/dev/null", Open.write), what);
    return undefined;
  }
  const { file, source } = around.streams.openOutput(record, descriptor);
  install(around, record, file, what);
  return source;
}

/** Opens a stream of the host program: an open file with one count, or 0. @throws WeftError: ERR_HOST */
export function inherit({ kernel, host }: Surroundings, descriptor: number, access: 1 | 2): number {
  if (host.local === undefined)
    throw new WeftError("ERR_HOST", 'this host has no standard streams to "inherit"');
  return host.local.openStream(kernel.vfs, descriptor, access);
}

/**
 * Opens the directories that the C library finds its way by. `/` is descriptor 3. The library of preview 1 has no working directory and takes the last
 * preopened `.` for relative paths, but drops the leading slash of absolute ones first, so that `.` would catch these as well: with another working
 * directory than `/`, each directory in the root is preopened too and, having the longer name, wins.
 */
function openPreopens({ kernel, tree }: Surroundings, record: number, isWasix: boolean): void {
  const { memory, vfs } = kernel;
  const table = Record_.files.get(memory, record);
  const root = KernelRoot.rootInode.get(memory, kernel.root);
  const working = Record_.workingDirectory.get(memory, record);
  preopen(kernel, table, "/", root);
  if (isWasix || working === root) return;
  for (const { name, type } of tree.list("/").slice(0, MOST_PREOPENS)) {
    if (type !== Filetype.DIRECTORY && type !== Filetype.SYMBOLIC_LINK) continue;
    let directory: number;
    try {
      directory = tree.findDirectory("/" + name);
    } catch {
      // A link to something else, or a directory that may not be opened: nothing is reached through it.
      continue;
    }
    try {
      preopen(kernel, table, "/" + name, directory);
    } finally {
      dropInode(vfs, directory);
    }
  }
  preopen(kernel, table, ".", working);
}

function preopen({ memory, vfs }: Kernel, table: number, name: string, directory: number): void {
  const file = vfs.filesystemOf(directory).openDirectory(vfs, directory, 0);
  const fd = file < 0 ? file : installFile(memory, table, file, ALL_RIGHTS);
  if (fd < 0 && file > 0) dropFile(vfs, file);
  if (fd === -Errno.ENOMEM) throw noRoom(`the directory ${name}`);
  if (fd < 0) {
    const errno = loadLateParts().errnoName(-fd);
    throw new WeftError("ERR_LIMIT", `the directory ${name} cannot be opened: ${errno}`);
  }
  setPreopen(memory, table, fd, new TextEncoder().encode(name));
}

function openTrace(
  { kernel, host, streams }: Surroundings,
  record: number,
  trace: SpawnOptions["trace"],
): Pick<InitialFiles, "trace" | "traced"> {
  if (trace === undefined) return { trace: undefined, traced: Promise.resolve() };
  if (typeof trace === "object") {
    if (host.local === undefined)
      throw new WeftError("ERR_HOST", "this host has no descriptors to trace to");
    const file = host.local.openStream(kernel.vfs, trace.descriptor, 2);
    return { trace: { file }, traced: Promise.resolve() };
  }
  const { file, source } = streams.openOutput(record, TRACE);
  const traced = deliverLines(new Output(source, Infinity, () => {}), trace);
  // The error goes to those who wait for the process.
  traced.catch(() => {});
  return { trace: { file }, traced };
}

async function deliverLines(output: Output, deliver: (line: string) => void): Promise<void> {
  for await (const line of output.lines()) deliver(line);
}

/** Writes a source to an input and ends it; a program that stops reading is no error. One of the source goes to those who wait for the process. */
async function feed(input: Input, source: Exclude<InputSource, string>): Promise<void> {
  try {
    if (source instanceof Uint8Array) await input.write(source);
    else if ("text" in source) await input.write(source.text);
    else
      for await (const chunk of source as unknown as AsyncIterable<Uint8Array>)
        await input.write(chunk);
  } catch (error) {
    // Of a program that reads no more, what is left is for nobody.
    if ((error as WeftError | undefined)?.errno !== "EPIPE")
      input.failure = error ?? new Error("it gave no reason");
  } finally {
    input.close();
  }
}
