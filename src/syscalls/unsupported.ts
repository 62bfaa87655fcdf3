/** Calls that cannot be served, beyond the plain ones that the table answers with an errno alone: those that must write something. */
import { Errno } from "../abi/errno.ts";
import type { SyscallContext } from "./context.ts";

/** Puts a message with a NUL after it into the guest's buffer, cut to fit. */
function writeMessage(context: SyscallContext, buffer: number, room: number, text: string): void {
  const { guest } = context;
  room >>>= 0;
  if (room === 0) return;
  const bytes = new TextEncoder().encode(text).subarray(0, room - 1);
  guest.u8.set(bytes, buffer >>> 0);
  guest.u8[(buffer >>> 0) + bytes.length] = 0;
}

/** Answers EUNKNOWN and says why in the guest's buffer, as the reference does in a static program: no library can be loaded. */
export function dlopen(
  context: SyscallContext,
  path: number,
  length: number,
  _flags: number,
  message: number,
  room: number,
  _libraryPath: number,
  _libraryPathLength: number,
  _result: number,
): number {
  const { guest } = context;
  if (!guest.has(path, length >>> 0) || !guest.has(message, room >>> 0)) return Errno.EMEMVIOLATION;
  const name = guest.text(path, length) ?? "(no UTF-8)";
  writeMessage(context, message, room, `${name}: libraries cannot be loaded at run time`);
  return Errno.EUNKNOWN;
}

/** Answers EUNKNOWN and says why in the guest's buffer: there is no library to look in. */
export function dlsym(
  context: SyscallContext,
  _handle: number,
  symbol: number,
  length: number,
  message: number,
  room: number,
  _result: number,
): number {
  const { guest } = context;
  if (!guest.has(symbol, length >>> 0) || !guest.has(message, room >>> 0)) {
    return Errno.EMEMVIOLATION;
  }
  const name = guest.text(symbol, length) ?? "(no UTF-8)";
  writeMessage(context, message, room, `${name}: libraries cannot be loaded at run time`);
  return Errno.EUNKNOWN;
}
