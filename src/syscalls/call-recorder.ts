/**
 * Recording calls for a journal: each call that changes what a process has open, where it is, or what is in files, when it has succeeded.
 *
 * Calls that give something up are recorded before they are made: another thread may take what they let go of, and its call must come later in the journal.
 * All others are recorded before their caller goes on, so that whatever follows from a call comes after it.
 */
import { WIDE_MODULE } from "../abi/call-types.ts";
import { EpollEvent, Tty } from "../abi/layouts.ts";
import { findSignature, type Parameter, type Signature } from "../abi/signatures.ts";
import { EndReason, exitProcess, Process, Thread } from "../kernel/index.ts";
import type { Outcome } from "./block.ts";
import { encodeCall } from "./call-record.ts";
import type { SyscallContext } from "./context.ts";
import { UNWINDS } from "./port.ts";
import type { Syscall, SyscallHandler } from "./service.ts";

/** Writes a record; 0, or the errno by which that failed. */
export type WriteRecord = (bytes: Uint8Array) => number;

/** Recorded before they are made. */
const GIVES_UP: ReadonlySet<string> = new Set([
  "fd_close",
  "fd_renumber",
  "path_remove_directory",
  "path_rename",
  "path_unlink_file",
]);

/** Recorded when they have succeeded. */
const CHANGES: ReadonlySet<string> = new Set([
  "chdir",
  "clock_time_set",
  "epoll_create",
  "epoll_ctl",
  "fd_advise",
  "fd_allocate",
  "fd_dup",
  "fd_dup2",
  "fd_event",
  "fd_fdflags_set",
  "fd_fdstat_set_flags",
  "fd_fdstat_set_rights",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "fd_pipe",
  "fd_pwrite",
  "fd_read",
  "fd_seek",
  "fd_write",
  "path_create_directory",
  "path_filestat_set_times",
  "path_link",
  "path_open",
  "path_open2",
  "path_symlink",
  "port_addr_add",
  "port_addr_clear",
  "port_addr_remove",
  "port_bridge",
  "port_dhcp_acquire",
  "port_gateway_set",
  "port_route_add",
  "port_route_clear",
  "port_route_remove",
  "port_unbridge",
  "sock_accept",
  "sock_accept_v2",
  "sock_bind",
  "sock_connect",
  "sock_join_multicast_v4",
  "sock_join_multicast_v6",
  "sock_leave_multicast_v4",
  "sock_leave_multicast_v6",
  "sock_listen",
  "sock_open",
  "sock_pair",
  "sock_send",
  "sock_send_file",
  "sock_send_to",
  "sock_set_opt_flag",
  "sock_set_opt_size",
  "sock_set_opt_time",
  "sock_shutdown",
  "tty_set",
]);

/** What a process ends with whose call could not be recorded (`abi/semantics.md` §13). */
const NO_JOURNAL = 21;

/** The signature of a call: those of 64-bit memories have the same. */
export function signatureOf(module: string, name: string): Signature | undefined {
  return findSignature(module === WIDE_MODULE ? "wasix_32v1" : module, name);
}

/** What a pointer leads to, by its type; undefined for what is no pointer. */
export function pointeeOf({ type }: Parameter): string | undefined {
  return /^pointer<(.*)>$/.exec(type)?.[1];
}

/** Bytes of structures that calls are given. */
const STRUCTURES: Readonly<Record<string, number>> = {
  epoll_event: EpollEvent.$size,
  tty: Tty.$size,
};

/** The handler that records a call; the call's own where nothing of it is recorded. */
export function recordCalls(write: WriteRecord): (syscall: Syscall) => SyscallHandler {
  return (syscall) => {
    const { module, name } = syscall;
    const isBefore = GIVES_UP.has(name);
    if (!isBefore && !CHANGES.has(name)) return syscall.handler;
    const signature = signatureOf(module, name);
    if (signature === undefined) return syscall.handler;
    const handler = syscall.handler as (
      context: SyscallContext,
      ...args: (number | bigint)[]
    ) => Outcome;
    const note = (context: SyscallContext, args: readonly (number | bigint)[]) =>
      writeCall(context, signature, `${module}.${name}`, args, write, !isBefore);
    if (isBefore) {
      return (context: SyscallContext, ...args: (number | bigint)[]) => {
        note(context, args);
        return handler(context, ...args);
      };
    }
    return (context: SyscallContext, ...args: (number | bigint)[]) => {
      const outer = context.onEnd;
      // A suspended stack's call takes this along.
      context.onEnd = (result) => {
        if (result === 0) note(context, args);
        outer?.(result);
      };
      let result: Outcome;
      try {
        result = handler(context, ...args);
      } finally {
        context.onEnd = outer;
      }
      // A call whose stack was taken apart is made again.
      if (result === 0) note(context, args);
      return result === UNWINDS ? UNWINDS : result;
    };
  };
}

function writeCall(
  context: SyscallContext,
  signature: Signature,
  call: string,
  args: readonly (number | bigint)[],
  write: WriteRecord,
  isMade: boolean,
): void {
  const { kernel, memory, process, thread, vfs } = context;
  const answers = readAnswers(context, signature, args);
  const tid = Thread.id.get(memory, thread);
  const failure = write(
    encodeCall({
      pid: Process.id.get(memory, process),
      parent: Process.parent.get(memory, process),
      tid,
      // The time that the call gave to files, where it gave any: replayed at that, it gives the same.
      time: isMade && vfs.nowMilliseconds > 0 ? vfs.nowMilliseconds : vfs.clock.milliseconds(),
      call,
      args: args.map((argument) => BigInt(argument)),
      given: readGiven(context, signature, args, answers),
      answers,
    }),
  );
  if (failure === 0) return;
  const message = `the journal cannot be written: error ${failure}`;
  exitProcess(kernel, context.owner, NO_JOURNAL, EndReason.failed, tid, message);
}

/** The bytes that a call was given by pointers. What lies outside of the memory is left out: the call then fails as it did. */
function readGiven(
  { guest }: SyscallContext,
  { parameters }: Signature,
  args: readonly (number | bigint)[],
  answers: ReadonlyMap<number, number>,
): Map<number, Uint8Array> {
  const given = new Map<number, Uint8Array>();
  parameters.forEach((parameter, index) => {
    const target = pointeeOf(parameter);
    if (target === undefined || parameter.direction !== "in") return;
    const pointer = Number(args[index]) >>> 0;
    const count = Number(args[index + 1] ?? 0) >>> 0;
    if (target === "ciovec") {
      const moved = [...answers.values()][0] ?? 0;
      return void given.set(index, readBuffers(guest, pointer, count, moved));
    }
    const length = target === "u8" ? count : (STRUCTURES[target] ?? 0);
    if (length > 0 && pointer !== 0 && guest.has(pointer, length))
      given.set(index, guest.u8.slice(pointer, pointer + length));
  });
  return given;
}

/** The first bytes of a list of buffers. */
function readBuffers(
  guest: SyscallContext["guest"],
  list: number,
  count: number,
  moved: number,
): Uint8Array {
  const bytes = new Uint8Array(moved);
  let done = 0;
  for (let at = list; count > 0 && done < moved; count--, at += 2 * guest.pointerBytes) {
    if (!guest.has(at, 2 * guest.pointerBytes)) break;
    const start = guest.pointerAt(at);
    const length = Math.min(guest.pointerAt(at + guest.pointerBytes), moved - done);
    if (!guest.has(start, length)) break;
    bytes.set(guest.u8.subarray(start, start + length), done);
    done += length;
  }
  return bytes.subarray(0, done);
}

/** The numbers that a call wrote behind pointers. Before it was made there are none. */
function readAnswers(
  { guest }: SyscallContext,
  { name, parameters }: Signature,
  args: readonly (number | bigint)[],
): Map<number, number> {
  const answers = new Map<number, number>();
  if (GIVES_UP.has(name)) return answers;
  parameters.forEach((parameter, index) => {
    if (parameter.direction !== "out") return;
    const target = pointeeOf(parameter);
    const pointer = Number(args[index]) >>> 0;
    if (!guest.has(pointer, 8)) return;
    if (target === "fd") answers.set(index, guest.view.getUint32(pointer, true));
    else if (target === "size") answers.set(index, guest.pointerAt(pointer));
    else if (target === "filesize")
      answers.set(index, Number(guest.view.getBigUint64(pointer, true)));
  });
  return answers;
}
