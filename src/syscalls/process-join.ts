/** Waiting for children: `proc_join` (`abi/semantics.md` §6, waitpid(2)). */
import { JoinStatusType, Option } from "../abi/enums.ts";
import { Errno } from "../abi/errno.ts";
import { JoinFlags } from "../abi/flags.ts";
import { JoinStatus, OptionPid } from "../abi/layouts.ts";
import {
  dropProcess,
  EndReason,
  NO_CHILD,
  NONE_ENDED,
  Process,
  ProcessChange,
  takeEndedChild,
  takeStoppedChild,
} from "../kernel/index.ts";
import { WOULD_BLOCK } from "../vfs/index.ts";
import { FOREVER, type Outcome, RUN_HANDLERS, type Waiting, waitOn } from "./block.ts";
import type { SyscallContext } from "./context.ts";
import { notePending } from "./pending-work.ts";

const EVERY_FLAG = JoinFlags.NON_BLOCKING | JoinFlags.WAKE_STOPPED;

/**
 * Waits until a child has ended, takes it out of the table, and writes its pid and how it ended: the exit code, or the signal. With the flag for it, also
 * until a child was stopped. Signals do not cut it short: shells built with the C library cannot tell that from having no children.
 *
 * @param pid an option: no pid, or 0, for any child. Afterwards the child's, or, in non-blocking mode, 0 where none has ended
 * @returns ECHILD where there is no such child, EINVAL, EMEMVIOLATION
 */
export function proc_join(
  context: SyscallContext,
  pid: number,
  flags: number,
  status: number,
): Outcome {
  const { guest } = context;
  if (!guest.has(pid, OptionPid.$size) || !guest.has(status, JoinStatus.$size))
    return Errno.EMEMVIOLATION;
  const tag = guest.u8[(pid >>> 0) + OptionPid.tag];
  if ((tag !== Option.NONE && tag !== Option.SOME) || (flags & ~EVERY_FLAG) !== 0)
    return Errno.EINVAL;
  const wanted = tag === Option.SOME ? guest.view.getUint32((pid >>> 0) + OptionPid.some, true) : 0;
  const found = find(context, wanted, flags);
  if (found.child === NONE_ENDED && (flags & JoinFlags.NON_BLOCKING) === 0)
    return context.wait(join(context, wanted, flags, pid, status));
  return writeFound(context, found, pid, status);
}

/** A child with a count, NO_CHILD or NONE_ENDED; and whether it was stopped rather than has ended. */
interface Found {
  readonly child: number;
  readonly isStopped: boolean;
}

function find({ kernel, process }: SyscallContext, pid: number, flags: number): Found {
  const child = takeEndedChild(kernel, process, pid);
  if (child !== NONE_ENDED || (flags & JoinFlags.WAKE_STOPPED) === 0)
    return { child, isStopped: false };
  return { child: takeStoppedChild(kernel, process, pid), isStopped: true };
}

function* join(
  context: SyscallContext,
  wanted: number,
  flags: number,
  pid: number,
  status: number,
): Waiting<number> {
  const { guest, process } = context;
  let found: Found = { child: NONE_ENDED, isStopped: false };
  const attempt = () => {
    found = find(context, wanted, flags);
    return found.child === NONE_ENDED ? WOULD_BLOCK : 0;
  };
  const queue = Process.changes.at(process);
  while ((yield* waitOn(context, queue, ProcessChange.children, FOREVER, attempt)) !== 0)
    yield RUN_HANDLERS;
  guest.refreshIfDetached();
  return writeFound(context, found, pid, status);
}

/** Writes how a child ended, or that none has, and drops the child's count. Ends the call. */
function writeFound(
  context: SyscallContext,
  { child, isStopped }: Found,
  pid: number,
  status: number,
): number {
  const { guest, kernel, memory } = context;
  if (child === NO_CHILD) return Errno.ECHILD;
  const at = status >>> 0;
  guest.u8.fill(0, at, at + JoinStatus.$size);
  guest.u8[(pid >>> 0) + OptionPid.tag] = Option.SOME;
  const id = child === NONE_ENDED ? 0 : Process.id.get(memory, child);
  guest.view.setUint32((pid >>> 0) + OptionPid.some, id, true);
  if (child === NONE_ENDED) return 0;
  const reason = Process.endReason.get(memory, child);
  if (isStopped) {
    guest.u8[at + JoinStatus.tag] = JoinStatusType.STOPPED;
    guest.u8[at + JoinStatus.stopped] = Process.stopSignal.load(memory, child);
  } else if (reason === EndReason.killed || reason === EndReason.signalled) {
    guest.u8[at + JoinStatus.tag] = JoinStatusType.EXIT_SIGNAL;
    guest.u8[at + JoinStatus.exit_signal_signal] = Process.endDetail.get(memory, child);
  } else {
    guest.u8[at + JoinStatus.tag] = JoinStatusType.EXIT_NORMAL;
    const code = Process.exitCode.get(memory, child);
    guest.view.setUint16(at + JoinStatus.exit_normal, code & 0xff, true);
  }
  dropProcess(kernel, child);
  // SIGCHLD came before it could be found. The process may end here: nothing is held any more.
  notePending(context);
  return 0;
}
