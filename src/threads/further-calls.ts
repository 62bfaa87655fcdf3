/**
 * The calls that few programs make, with the kernel objects that only those make (epoll sets, event objects), terminals, and what takes
 * stacks apart.
 *
 * A part of its own: an agent is given it before it runs a program that needs it, and every agent of a machine that begins to serve a process after that,
 * because a process may have descriptors from another. The host's agent is given it first: it closes what processes leave behind.
 */
import { installDevfs } from "../fs/devfs/driver.ts";
import { installEpoll } from "../kernel/epoll-file.ts";
import { EventOperations } from "../kernel/event-file.ts";
import { type Kernel, openOwnTerminal, TerminalOperations } from "../kernel/index.ts";
import { furtherServices } from "../syscalls/further-table.ts";
import { describeThrown } from "../loader/trap-description.ts";
import { provideTrapDescription } from "../loader/trap.ts";
import { provideFurtherServices } from "../syscalls/table.ts";
import { OperationsId } from "../vfs/index.ts";
import { DeepSleep, wakeSleeper } from "./deep-sleep.ts";
import { CrewForkPort } from "./fork.ts";
import { sleepWatching } from "./idle-carrier.ts";
import { hasReadySleeper, takeSleeperLocked } from "./sleepers.ts";
import { Unwinding } from "./unwinding.ts";
import { provideUnwinding } from "./unwinding-slot.ts";

/** Gives an agent all of it. */
export function installFurtherCalls({ vfs, randomness }: Kernel): void {
  provideFurtherServices(furtherServices);
  vfs.addOperations(OperationsId.event, new EventOperations());
  installEpoll(vfs);
  vfs.addOperations(OperationsId.terminal, new TerminalOperations());
  installDevfs(vfs, randomness, openOwnTerminal);
  provideTrapDescription(describeThrown);
  provideUnwinding({
    Unwinding,
    CrewForkPort,
    DeepSleep,
    wakeSleeper,
    hasReadySleeper,
    sleepWatching,
    takeSleeperLocked,
  });
}
