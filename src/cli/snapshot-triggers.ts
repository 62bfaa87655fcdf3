/** When snapshots are taken besides those that the program asks for: `--snapshot-on`, with the names that wasmer has for it. */
import type { MachineEvent, Process } from "../api/command.ts";
import { usageFailure } from "./options.ts";
import { findNearest, printable } from "./terminal-text.ts";

/** What each of them waits for. */
const TRIGGERS = {
  explicit: "the program calls proc_snapshot: always",
  idle: "all its threads have begun to wait",
  "first-stdin": "it reads its input for the first time",
  "first-sigint": "Ctrl-C comes for the first time",
  sigint: "Ctrl-C comes",
  sigtstp: "Ctrl-Z comes",
  sigalrm: "this command is sent SIGALRM",
  "periodic-interval": "time has passed",
} as const;

export type SnapshotTrigger = keyof typeof TRIGGERS;

/** Those of wasmer's that mean nothing here. */
const MISSING: Readonly<Record<string, string>> = {
  "first-environ": "the environment is there from the beginning",
  "first-listen": "there are no sockets yet",
  "non-deterministic-call": "every call counts as one",
  bootstrap: "running the program from its file is the same",
  transaction: "there are none",
  sigstop: "no program gets that signal; take sigtstp",
};

/** How long all threads must wait, in milliseconds, until the program counts as idle. */
const IDLE = 100;

/** Reads the value of the option: one of them, or several with commas. @throws Failure */
export function readTriggers(text: string): SnapshotTrigger[] {
  return text.split(",").map((word) => {
    const name = word.trim().toLowerCase();
    if (Object.hasOwn(TRIGGERS, name)) return name as SnapshotTrigger;
    const wrong = `--snapshot-on ${printable(word)}`;
    if (Object.hasOwn(MISSING, name))
      throw usageFailure("run", `${wrong}: Weft has no such snapshots: ${MISSING[name]}.`);
    const names = Object.keys(TRIGGERS);
    const nearest = findNearest(name, names);
    const hint = nearest === undefined ? `Write ${names.join(", ")}.` : `Did you mean ${nearest}?`;
    throw usageFailure("run", `${wrong}: there is no such event. ${hint}`);
  });
}

/** What watches for them while a program runs. */
export class SnapshotTriggers {
  private readonly wanted: Set<SnapshotTrigger>;

  /** @param period milliseconds between those of the kind "periodic-interval"; @param take takes a snapshot; never rejects; @param isLoading whether a program is being made ready */
  constructor(
    triggers: readonly SnapshotTrigger[],
    private readonly period: number,
    private readonly take: () => Promise<void>,
    private readonly isLoading: () => boolean,
  ) {
    this.wanted = new Set(triggers);
  }

  /** Whether a signal that this command gets is none for the program. */
  takesSignal(signal: NodeJS.Signals): boolean {
    if (signal !== "SIGINT") return false;
    const isTaken = this.wanted.has("sigint") || this.wanted.delete("first-sigint");
    if (isTaken) void this.take();
    return isTaken;
  }

  /** The program has asked for input, and has got none. */
  async beforeInput(): Promise<void> {
    if (this.wanted.has("first-stdin")) await this.take();
  }

  /** The program runs. */
  follow(guest: Process, onEvent: (listener: (event: MachineEvent) => void) => () => void): void {
    const ends: (() => void)[] = [];
    if (this.wanted.has("periodic-interval")) {
      const timer = setInterval(() => void this.take(), this.period);
      ends.push(() => clearInterval(timer));
    }
    for (const [name, signal] of [
      ["sigtstp", "SIGTSTP"],
      ["sigalrm", "SIGALRM"],
    ] as const)
      if (this.wanted.has(name)) process.on(signal, () => void this.take());
    if (this.wanted.has("idle")) ends.push(this.followIdle(onEvent));
    void guest.exiting().finally(() => ends.forEach((end) => end()));
  }

  /** Takes one whenever all threads have come to wait. What threads do to be in a snapshot does not count. */
  private followIdle(onEvent: (listener: (event: MachineEvent) => void) => () => void): () => void {
    const awake = new Set<number>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isSettling = false;
    const rest = () => {
      // The thread that asked for it waits, and so may all others.
      if (this.isLoading()) timer = setTimeout(rest, IDLE);
      else if (isSettling) isSettling = false;
      else void this.take().then(() => void (isSettling = true));
    };
    const end = onEvent((event) => {
      if (event.type === "thread-slept" || event.type === "thread-finished")
        awake.delete(event.tid);
      else if (event.type === "thread-created" || event.type === "thread-woken")
        awake.add(event.tid);
      else return;
      clearTimeout(timer);
      if (awake.size === 0) timer = setTimeout(rest, IDLE);
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }
}
