/** Fits pipes to open files: one end of a pipe behind a descriptor. */
import { Fdflags } from "../abi/flags.ts";
import { FileOperations, OpenFile, type Transfer, type Vfs } from "../vfs/index.ts";
import { closePipeEnd, Pipe, pipeReadiness, readPipe, writePipe } from "./pipe.ts";

export class PipeOperations extends FileOperations {
  override read(vfs: Vfs, file: number, into: Transfer): number {
    return readPipe(vfs.memory, OpenFile.state.get(vfs.memory, file), into);
  }
  override write(vfs: Vfs, file: number, from: Transfer): number {
    const { memory } = vfs;
    const waits = (OpenFile.flags.load(memory, file) & Fdflags.NONBLOCK) === 0;
    return writePipe(memory, OpenFile.state.get(memory, file), from, waits);
  }
  override readiness(vfs: Vfs, file: number): number {
    const { memory } = vfs;
    return pipeReadiness(
      memory,
      OpenFile.state.get(memory, file),
      OpenFile.access.get(memory, file),
    );
  }
  override available(vfs: Vfs, file: number): number {
    return Pipe.length.get(vfs.memory, OpenFile.state.get(vfs.memory, file));
  }
  override waitQueueOf(vfs: Vfs, file: number): number {
    return Pipe.waiters.at(OpenFile.state.get(vfs.memory, file));
  }
  override release(vfs: Vfs, file: number): void {
    const { memory } = vfs;
    const pipe = OpenFile.state.get(memory, file);
    if (pipe !== 0) closePipeEnd(memory, pipe, OpenFile.access.get(memory, file));
  }
}
