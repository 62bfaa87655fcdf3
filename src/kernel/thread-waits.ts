/**
 * What a sleeping call holds, given back in its place: a suspended stack is lost with the agent that it belongs to, and the call's own clean-up with it.
 */
import { Parked, Parker, unsubscribe, WaitEntry } from "../shm/index.ts";
import { dropFile } from "../vfs/index.ts";
import { leaveFutex } from "./futex.ts";
import { type Kernel, KernelRoot } from "./kernel.ts";
import { giveUpProcess } from "./process-end.ts";
import { dropRequest, ProgramRequest } from "./program-request.ts";
import { childOfCaller, dropThread, Thread } from "./thread.ts";

/**
 * Takes a thread out of what its call waits for, for the call will be made again. What that goes on with it keeps: its place in a futex's line, which tells
 * whether it was woken, and the file that it was for.
 */
export function releaseRegistrations(kernel: Kernel, thread: number): void {
  const { memory, vfs } = kernel;
  unsubscribe(memory, Thread.waitEntry.at(thread));
  for (;;) {
    const entry = Thread.heldEntries.get(memory, thread);
    if (entry === 0) break;
    Thread.heldEntries.set(memory, thread, WaitEntry.nextHeld.get(memory, entry));
    unsubscribe(memory, entry);
    dropFile(vfs, WaitEntry.file.get(memory, entry));
    WaitEntry.free(memory, entry);
  }
  const joined = Thread.heldThread.get(memory, thread);
  Thread.heldThread.set(memory, thread, 0);
  if (joined !== 0) dropThread(kernel, joined);
}

/** Gives back what the call of a thread holds that will never run again, and makes wake-ups of it go nowhere. */
export function abandonWaits(kernel: Kernel, thread: number): void {
  const { memory, vfs } = kernel;
  Parker.word.exchange(memory, thread, Parked.woken);
  releaseRegistrations(kernel, thread);
  leaveFutex(memory, KernelRoot.futexes.at(kernel.root), Thread.futexWaiter.at(thread));
  const file = Thread.heldFile.get(memory, thread);
  if (file !== 0) dropFile(vfs, file);
  const request = Thread.heldRequest.get(memory, thread);
  if (request === 0) return;
  const process = ProgramRequest.process.get(memory, request);
  // A child that it was starting; one as which it calls goes with the thread.
  if (process !== Thread.process.get(memory, thread) && childOfCaller(memory, thread) === 0)
    giveUpProcess(kernel, process);
  dropRequest(kernel, request);
}
