/** Session: a process that the host program started, and all that descend from it. */
import { listIds } from "./id-table.ts";
import type { Kernel } from "./kernel.ts";
import { dropProcess, findProcess, isEnding, Process, processKeys } from "./process.ts";
import { exitProcess } from "./process-end.ts";

/**
 * Calls `visit` for each process of a session whose end is not decided. It has a count meanwhile.
 *
 * @param session pid of the process that the host program started, which may have ended
 * @returns how many there were
 */
export function visitSession(
  kernel: Kernel,
  session: number,
  visit: (process: number) => void,
): number {
  const { memory, processTable } = kernel;
  let count = 0;
  for (const id of listIds(memory, processTable, processKeys)) {
    const process = findProcess(kernel, id);
    if (process === 0) continue;
    if (Process.session.get(memory, process) === session && !isEnding(memory, process)) {
      visit(process);
      count++;
    }
    dropProcess(kernel, process);
  }
  return count;
}

/** Ends all processes of a session. Parameters as `exitProcess`. */
export function exitSession(
  kernel: Kernel,
  session: number,
  exitCode: number,
  reason: number,
  detail: number,
): void {
  // A process that was about to have a child may have had it meanwhile. One whose end is decided has none any more.
  while (
    visitSession(kernel, session, (process) => {
      exitProcess(kernel, process, exitCode, reason, detail);
    }) > 0
  );
}
