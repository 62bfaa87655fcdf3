/**
 * Family: processes and their children.
 *
 * A child is in its parent's list from its making until the parent has read how it ended (`takeEndedChild`); a child that has ended meanwhile is a zombie:
 * nothing of it is left but its record and its number. The children of a process that ends are nobody's: no one waits for them, and they go when they end.
 *
 * Lock: `KernelRoot.family`, rank Family, for all lists, `parentProcess` and the step to `ended` of the whole machine: they change at a process's begin and end
 * only.
 */
import { Signal } from "../abi/enums.ts";
import type { KernelMemory } from "../shm/index.ts";
import { wakeQueue } from "../shm/index.ts";
import { removeId } from "./id-table.ts";
import { type Kernel, KernelRoot } from "./kernel.ts";
import {
  dropProcess,
  isEnding,
  keepProcess,
  markEndedLocked,
  Process,
  ProcessChange,
  ProcessState,
  processKeys,
} from "./process.ts";
import { handlesSignals, queueProcessSignal } from "./signal-queue.ts";

/**
 * Puts a process among the children of another. The list takes a count of it.
 *
 * @returns false when the parent is ending: then the child must end, too
 */
export function addChild({ memory, root }: Kernel, parent: number, child: number): boolean {
  KernelRoot.family.acquire(memory, root);
  const accepted = !isEnding(memory, parent);
  if (accepted) linkLocked(memory, parent, child);
  KernelRoot.family.release(memory, root);
  return accepted;
}

function linkLocked(memory: KernelMemory, parent: number, child: number): void {
  keepProcess(memory, child);
  const first = Process.firstChild.get(memory, parent);
  Process.parent.set(memory, child, Process.id.get(memory, parent));
  Process.parentProcess.set(memory, child, parent);
  Process.nextChild.set(memory, child, first);
  if (first !== 0) Process.previousChild.set(memory, first, child);
  Process.firstChild.set(memory, parent, child);
}

/** Takes a child out of its parent's list; the list's count goes to the caller. A zombie gives up its number. */
function unlinkLocked(kernel: Kernel, parent: number, child: number): void {
  const { memory } = kernel;
  if (Process.state.load(memory, child) === ProcessState.ended)
    removeId(memory, kernel.processTable, processKeys, child);
  const next = Process.nextChild.get(memory, child);
  const previous = Process.previousChild.get(memory, child);
  if (previous === 0) Process.firstChild.set(memory, parent, next);
  else Process.nextChild.set(memory, previous, next);
  if (next !== 0) Process.previousChild.set(memory, next, previous);
  Process.parentProcess.set(memory, child, 0);
  Process.nextChild.set(memory, child, 0);
  Process.previousChild.set(memory, child, 0);
}

/** Takes back what `addChild` did, for a child that never ran. */
export function removeChild(kernel: Kernel, parent: number, child: number): void {
  const { memory, root } = kernel;
  KernelRoot.family.acquire(memory, root);
  const isChild = Process.parentProcess.get(memory, child) === parent;
  if (isChild) unlinkLocked(kernel, parent, child);
  KernelRoot.family.release(memory, root);
  if (isChild) dropProcess(kernel, child);
}

/** What `takeEndedChild` answers where there is no such child, and where none has ended. */
export const NO_CHILD = -1;
/** There is such a child, and it runs. */
export const NONE_ENDED = 0;

/**
 * Takes a child that has ended out of its parent's list, the one that was made first. Its count goes to the caller.
 *
 * @param pid of one child, or 0 for any
 * @returns its address, NO_CHILD or NONE_ENDED
 */
export function takeEndedChild(kernel: Kernel, parent: number, pid: number): number {
  const { memory, root } = kernel;
  KernelRoot.family.acquire(memory, root);
  let answer = NO_CHILD;
  for (
    let child = Process.firstChild.get(memory, parent);
    child !== 0;
    child = Process.nextChild.get(memory, child)
  ) {
    if (pid !== 0 && Process.id.get(memory, child) !== pid) continue;
    if (Process.state.load(memory, child) === ProcessState.ended) answer = child;
    else if (answer === NO_CHILD) answer = NONE_ENDED;
  }
  if (answer > 0) unlinkLocked(kernel, parent, answer);
  KernelRoot.family.release(memory, root);
  return answer;
}

/**
 * Finds a child that was stopped and of which the parent does not know yet; then it does.
 *
 * @param pid of one child, or 0 for any
 * @returns its address with a count, or 0
 */
export function takeStoppedChild({ memory, root }: Kernel, parent: number, pid: number): number {
  KernelRoot.family.acquire(memory, root);
  const isWanted = (child: number) =>
    (pid === 0 || Process.id.get(memory, child) === pid) &&
    Process.stopUnread.exchange(memory, child, 0) !== 0;
  let child = Process.firstChild.get(memory, parent);
  while (child !== 0 && !isWanted(child)) child = Process.nextChild.get(memory, child);
  if (child !== 0) keepProcess(memory, child);
  KernelRoot.family.release(memory, root);
  return child;
}

/** A process has ended: its children are nobody's from now on. */
export function leaveChildren(kernel: Kernel, process: number): void {
  const { memory, root } = kernel;
  for (;;) {
    KernelRoot.family.acquire(memory, root);
    const child = Process.firstChild.get(memory, process);
    if (child !== 0) {
      unlinkLocked(kernel, process, child);
      Process.parent.set(memory, child, 0);
    }
    KernelRoot.family.release(memory, root);
    if (child === 0) return;
    dropProcess(kernel, child);
  }
}

/** A process has ended, or was stopped: sends SIGCHLD to its parent, where it has one, and wakes it. */
export function tellParent(kernel: Kernel, process: number, hasEnded: boolean): void {
  const { memory, root } = kernel;
  KernelRoot.family.acquire(memory, root);
  if (hasEnded) markEndedLocked(kernel, process);
  const parent = Process.parentProcess.get(memory, process);
  if (parent !== 0) {
    keepProcess(memory, parent);
    // Before anybody can read of it: a parent that reads of it has the signal, too. A program without handlers ignores it.
    if (handlesSignals(memory, parent)) queueProcessSignal(memory, parent, Signal.CHLD);
  }
  KernelRoot.family.release(memory, root);
  if (parent === 0) return;
  wakeQueue(memory, Process.changes.at(parent), ProcessChange.children);
  dropProcess(kernel, parent);
}
