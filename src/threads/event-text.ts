/**
 * Events as lines of a trace:
 *
 *     [1.2] +++ started
 *     [1.2] +++ finished with 0
 *     [1] +++ process ended with 0
 *
 * Only agents that trace need this: see `trace-sink.ts`.
 */
import { EventKind, type KernelEvent } from "../kernel/index.ts";
import { describeRawTrap } from "../loader/trap-description.ts";
import { RAW_TRAP } from "../loader/trap.ts";

const EVENT_WORDS: Readonly<Record<number, string>> = {
  [EventKind.processEnded]: "process ended with",
  [EventKind.threadCreated]: "created",
  [EventKind.threadStarted]: "started",
  [EventKind.threadFinished]: "finished with",
  [EventKind.taint]: "tainted:",
  [EventKind.forkRefused]: "fork refused",
  [EventKind.threadSlept]: "sleeps",
  [EventKind.threadWoken]: "awake",
  [EventKind.threadRefused]: "thread refused:",
  [EventKind.entryMissing]: "thread refused:",
};

/** Shows an event. A text of several lines, as a trap's is, has a line for each. */
export function formatEvent({ kind, pid, tid, detail, text }: KernelEvent): string {
  const who = `[${tid === 0 ? pid : `${pid}.${tid}`}] +++`;
  const words = EVENT_WORDS[kind];
  const told = text.startsWith(RAW_TRAP) ? describeRawTrap(text) : text;
  const rest = text === "" && /with$/.test(words) ? String(detail | 0) : told;
  return `${who} ${words} ${rest}`.trimEnd().replaceAll("\n", `\n${who} `);
}
