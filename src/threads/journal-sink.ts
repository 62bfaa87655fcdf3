/** Where calls are recorded: the journal's open file, which the calling thread appends to itself. */
import { type Kernel, KernelRoot } from "../kernel/index.ts";
import { recordCalls } from "../syscalls/call-recorder.ts";
import type { CallRecorder } from "../syscalls/recording.ts";
import { Errno } from "../abi/errno.ts";
import { AT_OFFSET, Transfer } from "../vfs/index.ts";
import { FrameKind, makeFrame } from "./journal-frames.ts";

/** Makes what records the calls of a machine that keeps a journal, for one agent. */
export function journalRecorder(kernel: Kernel): CallRecorder {
  const { memory, root, vfs } = kernel;
  const transfer = new Transfer();
  return recordCalls((bytes) => {
    const file = KernelRoot.journal.get(memory, root);
    const frame = makeFrame(FrameKind.call, bytes);
    transfer.single(frame, 0, frame.length);
    const written = vfs.operationsOf(file).write(vfs, file, transfer, AT_OFFSET);
    if (written === frame.length) return 0;
    return written < 0 ? -written : Errno.ENOSPC;
  });
}
