/**
 * Running a program in workers while this thread's event loop looks after it: feeds its standard input, keeps its time limit, passes signals on, and
 * keeps the terminal as the program wants it.
 *
 * No worker ever reads a pipe or a terminal itself: nothing could end such a read. Input is taken from its source only when the program asks for
 * some for the first time, so that a program that reads nothing takes nothing away from what runs after it.
 *
 * The terminal edits lines, shows them and turns keys into signals itself as long as the program wants lines with echo. When it wants anything
 * else, the terminal is made raw and Weft's own line discipline does what the program's modes say.
 */
import { fstatSync } from "node:fs";
import { constants } from "node:os";
import type {
  CommandMachine,
  Input,
  Process,
  ProcessResult,
  SpawnOptions,
  Terminal,
  TerminalModes,
  TerminalOptions,
} from "../api/command.ts";
import { mayBeAtTerminal } from "./at-terminal.ts";
import { complain } from "./output.ts";
import { failureOf } from "./failure.ts";

/** How long a program may take to leave after a signal, in milliseconds. */
const PATIENCE = 100;

/** How long after its end threads that are held up in a call of the host may take, in milliseconds. */
const LONGEST_CALL = 2000;

/** Signals that the program gets. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** What is said of a file that a program wanted to run: the program itself learns ENOEXEC. */
function programRefused(path: string, cause: unknown): string {
  return `cannot run ${path}: ${cause instanceof Error ? cause.message : String(cause)}`;
}

/** Tells how to build a program so that it can fork. */
function forkRefused(name: string, isIt: boolean): string {
  const who = isIt ? name : `a program that ${name} started`;
  return `${who} cannot fork, since it does not carry asyncify. Give it that: weft instrument program.wasm out.wasm`;
}

/** A program that is run under supervision. */
export interface SupervisedRun {
  readonly name: string;
  /** Starts it with these streams, or goes on with it. */
  start(streams: SpawnOptions): Promise<Process>;
  /** See `CommandMachine`. */
  onRefused: CommandMachine["onRefused"];
  /** Whether a signal that this command gets is none for the program. */
  takesSignal?(signal: NodeJS.Signals): boolean;
  /** The program has asked for input for the first time: resolves when it may have some. */
  beforeInput?(): Promise<void>;
}

/** Runs a program to its end. */
export async function runSupervised(run: SupervisedRun): Promise<ProcessResult> {
  try {
    const terminals = mayBeAtTerminal() ? await findTerminals() : [];
    const source = inputSource(terminals);
    let pid = 0;
    // Before it begins: it may soon be over.
    run.onRefused((event) => {
      const isIt = pid === 0 || event.pid === pid;
      if (event.type === "fork-refused") complain(forkRefused(run.name, isIt));
      else if (event.type === "thread-refused")
        complain(`thread ${event.tid} of process ${event.pid} got no thread: ${event.reason}`);
      else complain(programRefused(event.path, event.cause));
    });
    const guest = await run.start({
      stdin: source,
      stdout: "inherit",
      stderr: "inherit",
      ...(terminals.length > 0 ? { terminal: windowSize(terminals) } : {}),
    });
    pid = guest.pid;
    const received = passSignals(guest, run);
    if (guest.terminal !== undefined) followWindow(guest.terminal, terminals);
    if (source === "terminal" && guest.terminal !== undefined)
      void serveTerminal(guest.terminal, run);
    else if (guest.stdin !== undefined) void feed(guest.stdin, run);
    // Not `wait`: workers that are still starting need not come up before this process may end.
    const result = await Promise.race([guest.exited(), guest.exiting().then(endHeldUp)]);
    releaseTerminal();
    const signal = received() ?? typedSignal(guest, result);
    if (signal !== undefined && result.signal === constants.signals[signal]) {
      endBySignal(signal);
      await new Promise<never>(() => {});
    }
    return result;
  } catch (error) {
    releaseTerminal();
    throw failureOf(error);
  }
}

/**
 * Passes on what this process is sent. A program that handles signals decides for itself what they do; any other is ended, and this process by the same
 * signal soon after, whatever workers are doing.
 *
 * @returns what tells the last signal that came
 */
function passSignals(guest: Process, run: SupervisedRun): () => NodeJS.Signals | undefined {
  let last: NodeJS.Signals | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (run.takesSignal?.(signal) === true) return;
      last = signal;
      // What is typed is for every process of the program, as a terminal has it.
      if (signal === "SIGINT" || signal === "SIGQUIT") guest.interrupt(constants.signals[signal]);
      else guest.signal(signal);
      void guest.exiting().then((result) => {
        if (last !== signal || result.signal !== constants.signals[signal]) return;
        const end = () => endBySignal(signal);
        setTimeout(end, PATIENCE);
        guest.exited().then(end, end);
      });
    });
  }
  return () => last;
}

/** The signal by which a key of a terminal that is read here ended the program: the system did not send it to this process. */
function typedSignal(guest: Process, { signal }: ProcessResult): NodeJS.Signals | undefined {
  if (guest.terminal === undefined) return undefined;
  return (["SIGINT", "SIGQUIT"] as const).find((name) => constants.signals[name] === signal);
}

/**
 * Ends this process the hard way some time after the program's end: if it comes to that, a thread does not return from a call of the host, such as a write
 * to a terminal that was stopped. Node would wait for it for ever.
 */
async function endHeldUp(result: ProcessResult): Promise<never> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, LONGEST_CALL);
  });
  complain(
    `the program ended with exit code ${result.exitCode}, but a thread of it does not return from a call of the system: ending by SIGKILL.`,
  );
  process.kill(process.pid, "SIGKILL");
  return new Promise<never>(() => {});
}

/** The standard streams that are terminals. */
async function findTerminals(): Promise<number[]> {
  const { isatty } = await import("node:tty");
  return [0, 1, 2].filter((descriptor) => isatty(descriptor));
}

/** Files and devices that are no terminal answer at once, so a worker may read them; the rest goes through this thread. */
function inputSource(terminals: readonly number[]): "inherit" | "terminal" | "pipe" {
  if (terminals.includes(0)) return "terminal";
  try {
    const stat = fstatSync(0);
    return stat.isFile() || stat.isCharacterDevice() ? "inherit" : "pipe";
  } catch {
    return "inherit";
  }
}

/** An output that is a terminal. */
function shownOn(terminals: readonly number[]): NodeJS.WriteStream | undefined {
  if (terminals.includes(1)) return process.stdout;
  return terminals.includes(2) ? process.stderr : undefined;
}

/** The size of the terminal's window, as far as it is known. */
function windowSize(terminals: readonly number[]): TerminalOptions {
  const stream = shownOn(terminals);
  return stream === undefined ? {} : { columns: stream.columns, rows: stream.rows };
}

/** Tells the program of the size of the window, which may be another than the one it was begun in, and of every new one. */
function followWindow(terminal: Terminal, terminals: readonly number[]): void {
  const stream = shownOn(terminals);
  if (stream === undefined) return;
  const tell = () => terminal.resize(stream.columns, stream.rows);
  tell();
  stream.on("resize", tell);
}

/** The input that was made raw, while it is. */
let rawInput: NodeJS.ReadStream | undefined;

/** Moves what is typed to the program, from the moment it first asks, and keeps the terminal in the mode that it wants. */
async function serveTerminal(terminal: Terminal, run: SupervisedRun): Promise<void> {
  const { stdin } = process;
  let startReading: () => void;
  // Keys that are signals must be seen, whether the program reads or not.
  const isRaw = new Promise<void>((resolve) => {
    startReading = resolve;
  });
  const follow = ({ echo, lineBuffered }: TerminalModes) => {
    const wantsRaw = !echo || !lineBuffered;
    if (wantsRaw === (rawInput !== undefined)) return;
    stdin.setRawMode(wantsRaw);
    rawInput = wantsRaw ? stdin : undefined;
    if (wantsRaw) startReading();
  };
  terminal.onModes(follow);
  follow(terminal.modes);
  const hasEnded = (await Promise.race([terminal.wanted(), isRaw])) === false;
  if (hasEnded) return;
  await run.beforeInput?.();
  try {
    for await (const chunk of stdin) {
      const bytes = chunk as Uint8Array;
      await (rawInput !== undefined ? terminal.type(bytes) : terminal.send(bytes));
    }
  } catch {
    // The source failed: the input is over.
  }
  await terminal.end();
}

/** Leaves the terminal as it was found. */
export function releaseTerminal(): void {
  rawInput?.setRawMode(false);
  rawInput = undefined;
}

/** Moves standard input to the program, as fast as it reads, from the moment it first asks. */
async function feed(input: Input, run: SupervisedRun): Promise<void> {
  if (!(await input.wanted())) return;
  await run.beforeInput?.();
  try {
    for await (const chunk of process.stdin) await input.write(chunk as Uint8Array);
  } catch {
    // The program reads no more, or the source failed: either way the input is over.
  }
  await input.end();
}

/** Ends this process by a signal's default action: at once, whatever workers are doing, and so that a shell sees it. */
function endBySignal(signal: NodeJS.Signals): void {
  releaseTerminal();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // The signal may be blocked or ignored here, as nohup does with SIGHUP.
  setTimeout(() => process.exit(128 + constants.signals[signal]), PATIENCE);
}
