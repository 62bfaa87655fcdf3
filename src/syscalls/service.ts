/** What serves a system call, and how well: the rows of the tables. */
import type { Outcome } from "./block.ts";
import type { SyscallContext } from "./context.ts";

/** Serves a call: the context, then the guest's arguments as numbers, or big integers where the ABI has 64 bits. Answers an errno, now or later. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- callback_signal answers nothing, and exits do not return
export type SyscallHandler = (context: SyscallContext, ...args: never[]) => Outcome | void;

/** How much of a call works: all of it, less than all (the note says what), or it only answers an errno. */
export type Support = "full" | "partial" | "none";

/** One import. */
export interface Syscall {
  readonly module: string;
  readonly name: string;
  readonly handler: SyscallHandler;
  readonly support: Support;
  /** What is missing or different, for people. */
  readonly note?: string;
  /** Whether it may sleep until something happens: such a call can be suspended. */
  readonly blocks: boolean;
}

/** What serves a name, wherever it is imported from. */
export interface Service {
  readonly handler: SyscallHandler;
  readonly support: Support;
  readonly note?: string;
  readonly blocks?: boolean;
}

export const full = (handler: SyscallHandler): Service => ({ handler, support: "full" });
export const blocking = (handler: SyscallHandler): Service => ({
  handler,
  support: "full",
  blocks: true,
});
export const partial = (handler: SyscallHandler, note: string): Service => ({
  handler,
  support: "partial",
  note,
});
export const none = (handler: SyscallHandler, note: string): Service => ({
  handler,
  support: "none",
  note,
});
export const refused = (errno: number, note: string): Service => none(() => errno, note);

/** Services by name. */
export type ServiceTable = Readonly<Record<string, Service>>;

/** Those of each module: the first table that has a name counts. Agents that make one table of several at their start leave a lot of garbage. */
export type Services = Readonly<Record<string, readonly ServiceTable[]>>;
