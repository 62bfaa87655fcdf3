/**
 * Running a process on a copy of the kernel heap: the worker's half of a page that may not share memory. `copy-runner.ts` is the page's.
 *
 * The copy is this worker's alone while the process runs. Its standard streams are messages; everything else it changes is in the heap that
 * goes back at the end.
 */
import { Errno } from "../../abi/errno.ts";
import { Filetype } from "../../abi/enums.ts";
import { HostStreamOperations } from "../../fs/hoststream/host-stream.ts";
import type { HostStreams } from "../../fs/hoststream/port.ts";
import { attachKernel } from "../../kernel/index.ts";
import { createGuestMemory } from "../../loader/program-memory.ts";
import { attachSnapshot, takeSnapshot } from "../../shm/index.ts";
import { addDrivers } from "../../threads/boot.ts";
import { installFurtherCalls } from "../../threads/further-calls.ts";
import { installMountDrivers } from "../../threads/mount-drivers.ts";
import { runLoneThread } from "../../threads/run-in-place.ts";
import { traceSinkOf } from "../../threads/trace-sink.ts";
import { OperationsId } from "../../vfs/index.ts";
import { BrowserClock } from "./clock.ts";
import type { AgentMessage, RunMessage } from "./messages.ts";
import { browserRandomness } from "./random.ts";

/** Standard input from bytes that are there, outputs to the page. */
class MessageStreams implements HostStreams {
  private taken = 0;

  constructor(
    private readonly input: Uint8Array,
    private readonly post: (message: AgentMessage) => void,
  ) {}

  read(descriptor: number, bytes: Uint8Array, start: number, length: number): number {
    if (descriptor !== 0) return -Errno.EBADF;
    const piece = this.input.subarray(this.taken, this.taken + length);
    bytes.set(piece, start);
    this.taken += piece.length;
    return piece.length;
  }

  write(descriptor: number, bytes: Uint8Array, start: number, length: number): number {
    this.post({ kind: "output", descriptor, bytes: bytes.slice(start, start + length) });
    return length;
  }

  typeOf(): number {
    return Filetype.UNKNOWN;
  }
}

/** Memory of the last heap, used again: each new one reserves address space until it is collected. */
let room: WebAssembly.Memory | undefined;

/** Runs a process to its end and sends the heap back. @throws KernelPanic only */
export function runOnCopy(
  message: RunMessage,
  post: (message: AgentMessage, transfer?: Transferable[]) => void,
): void {
  const memory = attachSnapshot(message.snapshot, true, room);
  room = memory.memory;
  const kernel = attachKernel(memory, new BrowserClock(), browserRandomness);
  const streams = new MessageStreams(message.input, post);
  addDrivers(kernel, {
    install: (kernel) => {
      installMountDrivers(kernel);
      installFurtherCalls(kernel);
      kernel.vfs.addOperations(OperationsId.hostStream, new HostStreamOperations(streams));
    },
  });
  const { lone, program, trace } = message;
  runLoneThread(
    kernel,
    lone,
    program,
    createGuestMemory(program),
    1,
    trace === undefined ? undefined : traceSinkOf(kernel, trace.file),
  );
  const snapshot = takeSnapshot(memory);
  post({ kind: "ran", snapshot }, [snapshot]);
}
