/** Fits epoll sets to open files: a set can be polled and watched like anything else, and neither read nor written. */
import { FileOperations, OpenFile, OperationsId, Readiness, type Vfs } from "../vfs/index.ts";
import { closeEpoll, forgetWatches } from "./epoll.ts";
import { takeEpollEvents } from "./epoll-events.ts";
import { epollQueue } from "./epoll-watch.ts";

class EpollOperations extends FileOperations {
  override readiness(vfs: Vfs, file: number): number {
    return takeEpollEvents(vfs, OpenFile.state.get(vfs.memory, file), 1) > 0 ? Readiness.read : 0;
  }

  override waitQueueOf(vfs: Vfs, file: number): number {
    return epollQueue(vfs.memory, OpenFile.state.get(vfs.memory, file));
  }

  override release(vfs: Vfs, file: number): void {
    closeEpoll(vfs.memory, OpenFile.state.get(vfs.memory, file));
  }
}

/** Gives an agent the code for epoll. Every agent does so once. */
export function installEpoll(vfs: Vfs): void {
  vfs.addOperations(OperationsId.epoll, new EpollOperations());
  vfs.forgetWatches = forgetWatches;
}
