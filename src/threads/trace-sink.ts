/** Trace lines as bytes of an open file: a descriptor of the host, or a pipe that the host program reads. */
import type { Kernel } from "../kernel/index.ts";
import type { TraceSink } from "../syscalls/trace.ts";
import { AT_OFFSET, Transfer } from "../vfs/index.ts";

/** Makes a sink that writes each line to an open file. Lines that it cannot take at once are dropped: a trace must not change what the guest sees. */
export function traceSinkOf(kernel: Kernel, file: number): TraceSink {
  const transfer = new Transfer();
  const encoder = new TextEncoder();
  return (line: string) => {
    const bytes = encoder.encode(line + "\n");
    transfer.single(bytes, 0, bytes.length);
    kernel.vfs.operationsOf(file).write(kernel.vfs, file, transfer, AT_OFFSET);
  };
}
