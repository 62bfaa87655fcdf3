/** What options must be. A mistake is told by the option's name before anything is made, also to who writes JavaScript. */
import { WeftError } from "./errors.ts";
import type { MachineOptions, SpawnOptions } from "./options.ts";

/** For each option: whether a value has sense, and what has. Only options that are given are looked at. */
type Checks<Options> = {
  readonly [Name in keyof Options]?: readonly [(value: never) => boolean, string];
};

const atLeast =
  (least: number) =>
  (value: unknown): boolean =>
    typeof value === "number" && value >= least;

const isText = (value: unknown): boolean => typeof value === "string";

const WORDS = ["pipe", "inherit", "null", "terminal"];
const output = [(value: string) => WORDS.includes(value), `one of ${WORDS.join(", ")}`] as const;
const count = [atLeast(1), "a number, 1 or more"] as const;

const ofMachine: Checks<MachineOptions> = {
  maxThreads: count,
  maxProcesses: count,
  maxMemory: count,
  maxKernelMemory: count,
};

const ofSpawn: Checks<SpawnOptions> = {
  args: [(value: unknown) => Array.isArray(value) && value.every(isText), "a list of strings"],
  name: [isText, "a string"],
  cwd: [(value: unknown) => String(value).startsWith("/"), "an absolute path"],
  stdin: [
    (value: string | { text?: unknown } | null) =>
      typeof value === "string"
        ? WORDS.includes(value)
        : value instanceof Uint8Array ||
          isText(value?.text) ||
          Symbol.asyncIterator in Object(value),
    `${output[1]}, { text }, a Uint8Array, a stream`,
  ],
  stdout: output,
  stderr: output,
  timeout: [atLeast(0), "milliseconds"],
  maxBuffer: [atLeast(0), "bytes"],
  signal: [(value: unknown) => "aborted" in Object(value), "an AbortSignal"],
  trace: [
    (value: { descriptor?: unknown } | null) =>
      typeof value === "function" || atLeast(0)(value?.descriptor),
    "a function or { descriptor }",
  ],
};

function check<Options extends object>(options: Options, checks: Checks<Options>): void {
  for (const name in checks) {
    const value = options[name as keyof Options];
    const [hasSense, wanted] = checks[name as keyof Options]!;
    if (value !== undefined && !hasSense(value as never))
      throw new WeftError("ERR_OPTION", `${name}: must be ${wanted}`);
  }
}

/** @throws WeftError: ERR_OPTION */
export const checkMachineOptions = (options: MachineOptions): void => check(options, ofMachine);

/** @throws WeftError: ERR_OPTION */
export const checkSpawnOptions = (options: SpawnOptions): void => check(options, ofSpawn);
