/** How processes end, as the host program is told. */
import { dropProcess, endMessage, EndReason, type Kernel, Process } from "../kernel/index.ts";

/** How a process ended. */
export interface ProcessResult {
  readonly pid: number;
  readonly exitCode: number;
  /** Whether the exit code is 0. */
  readonly ok: boolean;
  /** Number of the signal that ended it, when one did. */
  readonly signal: number | undefined;
  /** Why, when it did not simply exit: a trap with its thread and the guest's stack, a limit. */
  readonly message: string | undefined;
  /** Whether the option `timeout` ended it, or the `AbortSignal`. */
  readonly timedOut: boolean;
  readonly aborted: boolean;
  /** What was written and read by nobody else; empty for outputs that went elsewhere. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Reads how a process ended from its record, and drops the caller's count of it. */
export function takeResult(kernel: Kernel, record: number, pid: number): ProcessResult {
  const result = describeEnd(kernel, record, pid);
  dropProcess(kernel, record);
  return result;
}

/** Reads it, and keeps the count. */
export function describeEnd(kernel: Kernel, record: number, pid: number): ProcessResult {
  const { memory } = kernel;
  const reason = Process.endReason.get(memory, record);
  const exitCode = Process.exitCode.get(memory, record) | 0;
  return {
    pid,
    exitCode,
    ok: exitCode === 0,
    signal:
      reason === EndReason.signalled || reason === EndReason.killed
        ? Process.endDetail.get(memory, record)
        : undefined,
    message: endMessage(memory, record),
    timedOut: false,
    aborted: false,
    stdout: "",
    stderr: "",
  };
}
