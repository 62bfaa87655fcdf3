/** What the library tells of a machine as it happens: `Machine.onEvent`. */
import { EventKind, type KernelEvent } from "../kernel/index.ts";

/** Something that happened in a machine. */
export type MachineEvent =
  | {
      readonly type: "thread-created" | "thread-started" | "thread-slept" | "thread-woken";
      readonly pid: number;
      readonly tid: number;
    }
  | {
      readonly type: "thread-finished";
      readonly pid: number;
      readonly tid: number;
      readonly exitCode: number;
    }
  | { readonly type: "process-ended"; readonly pid: number; readonly exitCode: number }
  /** Something happened after which the program is not to be trusted: a trap, a non-zero exit code. */
  | {
      readonly type: "taint";
      readonly pid: number;
      readonly tid: number;
      readonly exitCode: number;
      /** "exit code 3", or the trap with the guest's stack, as in the process's message. */
      readonly reason: string;
    }
  /** A thread asked for another and got EACCES, at a limit or as the process ends, or ENOTCAPABLE, where the program has no entry for it. */
  | {
      readonly type: "thread-refused";
      readonly pid: number;
      readonly tid: number;
      readonly reason: string;
    }
  /** A program wanted to run a file that cannot be run: it got ENOEXEC. */
  | {
      readonly type: "program-refused";
      readonly pid: number;
      readonly path: string;
      readonly cause: unknown;
    }
  /** A program without asyncify wanted to fork: it got ENOTSUP. `weft instrument`, or `instrumentProgram`, gives it asyncify. Once for each process. */
  | { readonly type: "fork-refused"; readonly pid: number; readonly tid: number }
  /** A program asked for a snapshot that could not be taken: its call answered EAGAIN. */
  | {
      readonly type: "snapshot-failed";
      /** 0: all of them wait for it. */
      readonly pid: 0;
      readonly cause: unknown;
    }
  /** A filesystem of the user's own threw what is no errno, or answered what makes no sense: the program got EIO. Or the browser keeps no more of `opfs()`. */
  | {
      readonly type: "filesystem-error";
      /** 0: which program asked is not known. */
      readonly pid: 0;
      /** Name of the method, or "keep". */
      readonly operation: string;
      /** In the filesystem; for "keep" the name of the store. */
      readonly path: string;
      readonly cause: unknown;
    };

const EVENT_TYPES: Readonly<Record<number, MachineEvent["type"]>> = {
  [EventKind.threadCreated]: "thread-created",
  [EventKind.threadStarted]: "thread-started",
  [EventKind.threadFinished]: "thread-finished",
  [EventKind.processEnded]: "process-ended",
  [EventKind.taint]: "taint",
  [EventKind.forkRefused]: "fork-refused",
  [EventKind.threadSlept]: "thread-slept",
  [EventKind.threadWoken]: "thread-woken",
  [EventKind.threadRefused]: "thread-refused",
  [EventKind.entryMissing]: "thread-refused",
};

/** What a program was refused for a reason that people want to know. */
export type Refusal = MachineEvent & {
  type: "fork-refused" | "program-refused" | "thread-refused";
};

/** Whether an event tells of such a refusal. */
export function isRefusal(event: MachineEvent): event is Refusal {
  return event.type.endsWith("-refused");
}

/** What a listener is told of. */
export interface EventOptions {
  /** Also when each call of a thread begins and ends to wait: `thread-slept`, `thread-woken`. Default false: there are many. */
  waits?: boolean;
}

/** An event of the kernel as the library tells it. */
export function eventOf({ kind, pid, tid, detail, text }: KernelEvent): MachineEvent {
  const event = { type: EVENT_TYPES[kind], pid, tid, exitCode: detail };
  return (text === "" ? event : { ...event, reason: text }) as MachineEvent;
}
