/**
 * What was thrown out of a guest, before anybody puts it into words: those are a part of their own (`trap-description.ts`), which a worker need not have. What it cannot
 * tell it leaves to the host program, in the text of the process's end.
 */
import type { CodeEdits, describeThrown } from "./trap-description.ts";

/** The parts of a thrown value as text; `tag` tells a WebAssembly.Exception, whose class old engines do not name. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly tag: string;
}

/** Characters kept of a text: stacks may be deep, and names are the guest's. */
const MOST_KEPT = 100_000;

/** Reads a thrown value. Never throws, whatever was thrown. */
export function readThrown(error: unknown): Thrown {
  try {
    const tag = Object.prototype.toString.call(error);
    const text = (value: unknown) => String(value).slice(0, MOST_KEPT);
    if (typeof error === "object" && error !== null) {
      const { name, message, stack } = error as Record<string, unknown>;
      return { name: text(name), message: text(message), stack: text(stack ?? ""), tag };
    }
    return { name: "", message: text(error), stack: "", tag };
  } catch {
    return { name: "", message: "a value that cannot be shown was thrown", stack: "", tag: "" };
  }
}

let describe: typeof describeThrown | undefined;

/** Gives this agent what puts traps into words. Those that run programs with stop points or asyncify must have it: the host program does not know those changes. */
export function provideTrapDescription(given: typeof describeThrown): void {
  describe = given;
}

/** A trap without words begins with this. No other message does. */
export const RAW_TRAP = "\0";

/** Tells what was thrown: in words, after others that say where; or raw, for `describeRawTrap`. */
export function tellTrap(where: string, error: unknown, edits: CodeEdits): string {
  const thrown = readThrown(error);
  return describe === undefined
    ? RAW_TRAP + JSON.stringify([where, thrown, edits.renewal])
    : where + describe(thrown, edits).text;
}
