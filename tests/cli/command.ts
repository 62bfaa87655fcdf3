/** Running the bundled command as a child process, for the tests of the command. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The command's file. Tests run from build/tests/cli. */
export const command = fileURLToPath(new URL("../../../dist/cli.cjs", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Which Node. Default: the one that runs the tests. */
  readonly node?: string;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when standard output holds this text. Rejects when it ends without. */
  printed(text: string): Promise<void>;
}

/** Starts the command. Its standard input stays open unless it is given. */
export function start(words: readonly string[], options: RunOptions = {}): Running {
  const spawnOptions: SpawnOptions = {
    stdio: "pipe",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { PATH: process.env.PATH, ...options.env },
  };
  const child = spawn(options.node ?? process.execPath, [command, ...words], spawnOptions);
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    watchers.forEach((watch) => watch());
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // It may end without reading what it is given.
  child.stdin!.on("error", () => {});
  if (options.stdin !== undefined) child.stdin!.end(options.stdin);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const printed = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const watch = () => {
        if (!stdout.includes(text)) return;
        watchers.delete(watch);
        resolve();
      };
      watchers.add(watch);
      watch();
      void ended.then(({ stderr: said }) =>
        reject(new Error(`ended without printing ${text}: ${said}`)),
      );
    });
  return { child, ended, printed };
}

/** Runs the command to its end; standard input is empty unless it is given. */
export function run(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return start(words, { stdin: "", ...options }).ended;
}

/** Makes a directory that is gone after the action. */
export async function withDirectory<T>(action: (path: string) => Promise<T>): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), "weft-cli-"));
  try {
    return await action(path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}
