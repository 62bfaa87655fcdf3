/** Opens the terminal that a process begins with. */
import { Filetype } from "../abi/enums.ts";
import {
  createTerminal,
  isTerminal,
  openTerminal as openTerminalFile,
  Process as Record_,
} from "../kernel/index.ts";
import { dropFile, Open, OpenFile } from "../vfs/index.ts";
import { WeftError } from "./errors.ts";
import { inherit, type Surroundings } from "./initial-files.ts";
import type { OutputTarget, TerminalOptions } from "./options.ts";
import type { ByteSource } from "./output.ts";

/** A process's terminal. */
export interface InitialTerminal {
  /** The record, whose count belongs to the process. */
  readonly terminal: number;
  /** The open file that shows it, or 0, without a count. */
  readonly output: number;
  /** What is shown, where an output goes to the terminal. */
  readonly shown: ByteSource | undefined;
  /** Opens it for what is typed: an open file with one count, or 0 when the kernel heap is full. */
  openInput(): number;
}

/**
 * Makes a process's terminal. What shows it is a pipe where an output goes there, or else the first output that is a terminal of the host.
 *
 * @throws WeftError: ERR_HOST, ERR_LIMIT
 */
export function openTerminal(
  around: Surroundings,
  record: number,
  size: TerminalOptions,
  targets: readonly OutputTarget[],
): InitialTerminal {
  const { memory, vfs } = around.kernel;
  if (!around.streams.servesTerminals)
    throw new WeftError("ERR_HOST", "terminal: it needs a page that is isolated, with two headers");
  let output = 0;
  let shown: ByteSource | undefined;
  if (targets.includes("terminal")) {
    const { file, source } = around.streams.openOutput(record, 1);
    OpenFile.type.set(memory, file, Filetype.CHARACTER_DEVICE);
    output = file;
    shown = source;
  } else {
    for (const descriptor of [1, 2] as const) {
      if (output !== 0 || targets[descriptor - 1] !== "inherit") continue;
      const file = inherit(around, descriptor, 2);
      if (file > 0 && isTerminal(vfs, file)) output = file;
      else if (file > 0) dropFile(vfs, file);
    }
  }
  const whole = { columns: 80, rows: 24, width: 0, height: 0, ...size };
  const terminal = createTerminal(memory, whole, output);
  if (terminal === 0) {
    if (output !== 0) dropFile(vfs, output);
    throw new WeftError("ERR_LIMIT", "no room for a terminal (option maxKernelMemory)");
  }
  Record_.terminal.set(memory, record, terminal);
  const openInput = () => openTerminalFile(memory, terminal, Open.read, 0);
  return { terminal, output, shown, openInput };
}
