/** The terminal: `tty_get`, `tty_set`. */
import { Errno } from "../abi/errno.ts";
import { Tty } from "../abi/layouts.ts";
import type { SyscallContext } from "./context.ts";
import { errnoOf } from "./result.ts";

/** Describes the terminal. ENOTSUP without one (`abi/semantics.md` §8). */
export function tty_get(context: SyscallContext, result: number): number {
  const { guest, terminal } = context;
  if (!guest.has(result, Tty.$size)) return Errno.EMEMVIOLATION;
  if (terminal === undefined) return Errno.ENOTSUP;
  const state = terminal.get();
  const at = result >>> 0;
  guest.u8.fill(0, at, at + Tty.$size);
  guest.view.setUint32(at + Tty.cols, state.columns, true);
  guest.view.setUint32(at + Tty.rows, state.rows, true);
  guest.view.setUint32(at + Tty.width, state.width, true);
  guest.view.setUint32(at + Tty.height, state.height, true);
  guest.u8[at + Tty.stdin_tty] = Number(state.stdin);
  guest.u8[at + Tty.stdout_tty] = Number(state.stdout);
  guest.u8[at + Tty.stderr_tty] = Number(state.stderr);
  guest.u8[at + Tty.echo] = Number(state.echo);
  guest.u8[at + Tty.line_buffered] = Number(state.lineBuffered);
  guest.u8[at + Tty.line_feeds] = Number(state.lineFeeds);
  return 0;
}

/** Changes the terminal's modes. ENOTSUP without one. */
export function tty_set(context: SyscallContext, pointer: number): number {
  const { guest, terminal } = context;
  if (!guest.has(pointer, Tty.$size)) return Errno.EMEMVIOLATION;
  if (terminal === undefined) return Errno.ENOTSUP;
  const at = pointer >>> 0;
  return errnoOf(
    terminal.set({
      columns: guest.view.getUint32(at + Tty.cols, true),
      rows: guest.view.getUint32(at + Tty.rows, true),
      width: guest.view.getUint32(at + Tty.width, true),
      height: guest.view.getUint32(at + Tty.height, true),
      stdin: guest.u8[at + Tty.stdin_tty] !== 0,
      stdout: guest.u8[at + Tty.stdout_tty] !== 0,
      stderr: guest.u8[at + Tty.stderr_tty] !== 0,
      echo: guest.u8[at + Tty.echo] !== 0,
      lineBuffered: guest.u8[at + Tty.line_buffered] !== 0,
      lineFeeds: guest.u8[at + Tty.line_feeds] !== 0,
    }),
  );
}
