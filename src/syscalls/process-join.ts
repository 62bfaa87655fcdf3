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
} from "../kernel/index.ts";
import { WOULD_BLOCK } from "../vfs/index.ts";
import { FOREVER, type Outcome, type Waiting, waitOn } from "./block.ts";
import type { SyscallContext } from "./context.ts";

const EVERY_FLAG = JoinFlags.NON_BLOCKING | JoinFlags.WAKE_STOPPED;

/**
 * Waits until a child has ended, takes it out of the table, and writes its pid and how it ended: the exit code, or the signal.
 *
 * @param pid an option: no pid, or 0, for any child. Afterwards the child's, or, in non-blocking mode, 0 where none has ended
 * @returns ECHILD where there is no such child, EINTR after a signal's handler ran, EINVAL, EMEMVIOLATION
 */
export function proc_join(
  context: SyscallContext,
  pid: number,
  flags: number,
  status: number,
): Outcome {
  const { guest, kernel, process } = context;
  if (!guest.has(pid, OptionPid.$size) || !guest.has(status, JoinStatus.$size))
    return Errno.EMEMVIOLATION;
  const tag = guest.u8[(pid >>> 0) + OptionPid.tag];
  if ((tag !== Option.NONE && tag !== Option.SOME) || (flags & ~EVERY_FLAG) !== 0)
    return Errno.EINVAL;
  const wanted = tag === Option.SOME ? guest.view.getUint32((pid >>> 0) + OptionPid.some, true) : 0;
  const child = takeEndedChild(kernel, process, wanted);
  if (child === NO_CHILD) return Errno.ECHILD;
  if (child === NONE_ENDED && (flags & JoinFlags.NON_BLOCKING) === 0)
    return context.wait(join(context, wanted, pid, status));
  writeEnd(context, child, pid, status);
  return 0;
}

function* join(
  context: SyscallContext,
  wanted: number,
  pid: number,
  status: number,
): Waiting<number> {
  const { guest, kernel, process } = context;
  let child = NONE_ENDED;
  const attempt = () => {
    child = takeEndedChild(kernel, process, wanted);
    return child === NONE_ENDED ? WOULD_BLOCK : 0;
  };
  const queue = Process.changes.at(process);
  const answer = yield* waitOn(context, queue, ProcessChange.children, FOREVER, attempt);
  // The handler that cut it short may be the one of SIGCHLD.
  if (answer !== 0 && attempt() !== 0) return answer;
  if (child === NO_CHILD) return Errno.ECHILD;
  guest.refreshIfDetached();
  writeEnd(context, child, pid, status);
  return 0;
}

/** Writes how a child ended, or that none has, and drops the child's count. */
function writeEnd(context: SyscallContext, child: number, pid: number, status: number): void {
  const { guest, kernel, memory } = context;
  const isEnded = child !== NONE_ENDED;
  guest.u8[(pid >>> 0) + OptionPid.tag] = Option.SOME;
  const id = isEnded ? Process.id.get(memory, child) : 0;
  guest.view.setUint32((pid >>> 0) + OptionPid.some, id, true);
  const at = status >>> 0;
  guest.u8.fill(0, at, at + JoinStatus.$size);
  guest.u8[at + JoinStatus.tag] = JoinStatusType.NOTHING;
  if (!isEnded) return;
  const reason = Process.endReason.get(memory, child);
  if (reason === EndReason.killed || reason === EndReason.signalled) {
    guest.u8[at + JoinStatus.tag] = JoinStatusType.EXIT_SIGNAL;
    const signal = Process.endDetail.get(memory, child);
    guest.u8[at + JoinStatus.exit_signal_signal] = signal;
  } else {
    guest.u8[at + JoinStatus.tag] = JoinStatusType.EXIT_NORMAL;
    const code = Process.exitCode.get(memory, child);
    guest.view.setUint16(at + JoinStatus.exit_normal, code & 0xffff, true);
  }
  dropProcess(kernel, child);
}
