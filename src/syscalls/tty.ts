/** The terminal of the process: `tty_get`, `tty_set`. */
import { Errno } from "../abi/errno.ts";
import { Signal } from "../abi/enums.ts";
import { Tty } from "../abi/layouts.ts";
import {
  areModesTold,
  isTerminal,
  Process,
  readTerminalState,
  resizeTerminal,
  sendSignal,
  setTerminalModes,
  Terminal,
  TerminalChange,
  TerminalMode,
} from "../kernel/index.ts";
import { dropFile, WOULD_BLOCK } from "../vfs/index.ts";
import { type Outcome, type Waiting, waitOn } from "./block.ts";
import type { SyscallContext } from "./context.ts";
import { notePending } from "./pending-work.ts";

/** Whether a descriptor is a terminal. */
function isTerminalAt(context: SyscallContext, fd: number): boolean {
  const file = context.lookup(fd, 0);
  if (file < 0) return false;
  const answer = isTerminal(context.vfs, file);
  dropFile(context.vfs, file);
  return answer;
}

/** Describes the terminal. ENOTSUP without one (`abi/semantics.md` §8). */
export function tty_get(context: SyscallContext, result: number): number {
  const { guest, memory } = context;
  if (!guest.has(result, Tty.$size)) return Errno.EMEMVIOLATION;
  const terminal = Process.terminal.get(memory, context.process);
  if (terminal === 0) return Errno.ENOTSUP;
  const { modes, columns, rows, width, height } = readTerminalState(memory, terminal);
  const at = result >>> 0;
  guest.u8.fill(0, at, at + Tty.$size);
  guest.view.setUint32(at + Tty.cols, columns, true);
  guest.view.setUint32(at + Tty.rows, rows, true);
  guest.view.setUint32(at + Tty.width, width, true);
  guest.view.setUint32(at + Tty.height, height, true);
  guest.u8[at + Tty.stdin_tty] = Number(isTerminalAt(context, 0));
  guest.u8[at + Tty.stdout_tty] = Number(isTerminalAt(context, 1));
  guest.u8[at + Tty.stderr_tty] = Number(isTerminalAt(context, 2));
  guest.u8[at + Tty.echo] = Number((modes & TerminalMode.echo) !== 0);
  guest.u8[at + Tty.line_buffered] = Number((modes & TerminalMode.lines) !== 0);
  guest.u8[at + Tty.line_feeds] = Number((modes & TerminalMode.lineFeeds) !== 0);
  return 0;
}

/** How long a change of modes waits for the host, in milliseconds: it may itself be waiting for the program. */
const LONGEST_TELLING = 1000;

/**
 * Changes the terminal's modes, and its size as the program sees it: SIGWINCH where that is another. ENOTSUP without one.
 *
 * Where the host shows what is typed itself, it has to know before the program goes on: a password that is typed at once would be seen.
 */
export function tty_set(context: SyscallContext, pointer: number): Outcome {
  const { guest, kernel, memory, process } = context;
  if (!guest.has(pointer, Tty.$size)) return Errno.EMEMVIOLATION;
  const terminal = Process.terminal.get(memory, process);
  if (terminal === 0) return Errno.ENOTSUP;
  const at = pointer >>> 0;
  const flag = (offset: number, mode: number) => (guest.u8[at + offset] === 0 ? 0 : mode);
  setTerminalModes(
    memory,
    terminal,
    flag(Tty.echo, TerminalMode.echo) |
      flag(Tty.line_buffered, TerminalMode.lines) |
      flag(Tty.line_feeds, TerminalMode.lineFeeds),
  );
  const isOther = resizeTerminal(memory, terminal, {
    columns: guest.view.getUint32(at + Tty.cols, true),
    rows: guest.view.getUint32(at + Tty.rows, true),
    width: guest.view.getUint32(at + Tty.width, true),
    height: guest.view.getUint32(at + Tty.height, true),
  });
  if (isOther) sendSignal(kernel, process, Signal.WINCH);
  notePending(context);
  if (!context.canWaitForHost || areModesTold(memory, terminal)) return 0;
  return context.wait(waitUntilTold(context, terminal));
}

function* waitUntilTold(context: SyscallContext, terminal: number): Waiting<number> {
  const { memory } = context;
  const deadline = context.beginWait() + LONGEST_TELLING;
  yield* waitOn(context, Terminal.waiters.at(terminal), TerminalChange.told, deadline, () =>
    areModesTold(memory, terminal) ? 0 : WOULD_BLOCK,
  );
  return 0;
}
