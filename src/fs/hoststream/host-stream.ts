/**
 * Host stream: a descriptor of the host program (its standard streams) behind a descriptor of the guest. The calling thread reads and writes it
 * itself. The host program owns the descriptor: closing the guest's closes nothing.
 */
import {
  FileOperations,
  makeOpenFile,
  OpenFile,
  OperationsId,
  type Transfer,
  type Vfs,
} from "../../vfs/index.ts";
import type { HostStreams } from "./port.ts";

export class HostStreamOperations extends FileOperations {
  constructor(private readonly streams: HostStreams) {
    super();
  }

  override read(vfs: Vfs, file: number, into: Transfer): number {
    return this.move(vfs, file, into, false);
  }

  override write(vfs: Vfs, file: number, from: Transfer): number {
    return this.move(vfs, file, from, true);
  }

  /** One host call for each buffer from the transfer's cursor on, until one comes back short. */
  private move(vfs: Vfs, file: number, transfer: Transfer, out: boolean): number {
    const descriptor = OpenFile.host.get(vfs.memory, file) - 1;
    let moved = 0;
    while (transfer.done < transfer.total) {
      const start = transfer.pieceStart();
      const length = transfer.pieceLength();
      const count = out
        ? this.streams.write(descriptor, transfer.bytes, start, length)
        : this.streams.read(descriptor, transfer.bytes, start, length);
      if (count < 0) return moved > 0 ? moved : count;
      moved += count;
      transfer.skip(count);
      if (count < length) break;
    }
    return moved;
  }
}

/** Opens a descriptor of the host program for a guest; an open file with one count, or 0 when the kernel heap is full. */
export function openHostStream(
  vfs: Vfs,
  streams: HostStreams,
  descriptor: number,
  access: 1 | 2 | 3,
): number {
  const file = makeOpenFile(
    vfs.memory,
    OperationsId.hostStream,
    streams.typeOf(descriptor),
    access,
    0,
  );
  if (file !== 0) OpenFile.host.set(vfs.memory, file, descriptor + 1);
  return file;
}
