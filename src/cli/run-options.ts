/** The options of `weft run`: from words to what a machine and a process are made of. */
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { archive, type MachineOptions, type Mountable, overlay } from "../api/command.ts";
import { type GivenOption, type OptionDefinition, usageFailure } from "./options.ts";
import { readGivenFile } from "./given-file.ts";
import { readTriggers, type SnapshotTrigger } from "./snapshot-triggers.ts";
import { printable } from "./terminal-text.ts";

/** The options that `weft run` takes. */
export const runOptions: readonly OptionDefinition[] = [
  { name: "env", value: "required" },
  { name: "forward-host-env", value: "none" },
  { name: "dir", value: "required" },
  { name: "volume", value: "required" },
  { name: "mapdir", value: "required" },
  { name: "overlay", value: "required" },
  { name: "cwd", value: "required" },
  { name: "argv0", value: "required" },
  { name: "timeout", value: "required" },
  { name: "max-threads", value: "required" },
  { name: "max-memory", value: "required" },
  { name: "journal", value: "required" },
  { name: "snapshot", value: "required" },
  { name: "snapshot-on", value: "required" },
  { name: "snapshot-period", value: "required" },
  { name: "stop-after-snapshot", value: "none" },
  { name: "restore", value: "required" },
  { name: "trace", value: "optional" },
  { name: "quiet", short: "q", value: "none" },
  { name: "help", short: "h", value: "none" },
];

/** What a run is asked to be. */
export interface RunSettings {
  env: Record<string, string>;
  /** By path in the guest. */
  mounts: Record<string, Mountable>;
  cwd: string | undefined;
  argv0: string | undefined;
  /** Milliseconds. */
  timeout: number | undefined;
  maxThreads: number | undefined;
  /** Bytes. */
  maxMemory: number | undefined;
  /** Paths of files in which the machine is kept. */
  journal: string | undefined;
  snapshot: string | undefined;
  snapshotOn: readonly SnapshotTrigger[];
  /** Milliseconds. */
  snapshotPeriod: number | undefined;
  stopAfterSnapshot: boolean;
  /** The snapshot to go on from. */
  restore: { readonly bytes: Uint8Array } | undefined;
  /** Where to: a file's path, or "" for standard error. */
  trace: string | undefined;
  quiet: boolean;
}

/**
 * Reads the options of a run.
 *
 * @param environment of the host, for `--env NAME` and `--forward-host-env`
 * @throws Failure naming the option and what it takes
 */
export function readRunSettings(
  options: readonly GivenOption[],
  environment: Readonly<Record<string, string | undefined>>,
): RunSettings {
  const settings: RunSettings = {
    env: {},
    mounts: {},
    cwd: undefined,
    argv0: undefined,
    timeout: undefined,
    maxThreads: undefined,
    maxMemory: undefined,
    journal: undefined,
    snapshot: undefined,
    snapshotOn: [],
    snapshotPeriod: undefined,
    stopAfterSnapshot: false,
    restore: undefined,
    trace: undefined,
    quiet: false,
  };
  /** Host directories that were mounted under their own path. */
  const same: string[] = [];
  for (const { name, value = "" } of options) {
    switch (name) {
      case "env":
        addVariable(settings.env, value, environment);
        break;
      case "forward-host-env":
        for (const [key, text] of Object.entries(environment)) {
          if (text !== undefined) settings.env[key] ??= text;
        }
        break;
      case "dir":
      case "volume":
        addMount(settings.mounts, same, name, value);
        break;
      case "mapdir":
        addMappedDirectory(settings.mounts, value);
        break;
      case "overlay":
        addOverlay(settings.mounts, value);
        break;
      case "cwd":
        if (!value.startsWith("/")) {
          throw usageFailure(
            "run",
            `--cwd ${printable(value)}: a path in the guest starts with /.`,
          );
        }
        settings.cwd = value;
        break;
      case "argv0":
        settings.argv0 = value;
        break;
      case "timeout":
        settings.timeout = readSeconds(value) * 1000;
        break;
      case "max-threads":
        settings.maxThreads = readCount(name, value);
        break;
      case "max-memory":
        settings.maxMemory = readSize(value);
        break;
      case "journal":
        settings.journal = value;
        break;
      case "snapshot":
        if (statSync(dirname(value), { throwIfNoEntry: false })?.isDirectory() !== true)
          throw usageFailure("run", `--snapshot ${printable(value)}: there is no such directory.`);
        settings.snapshot = value;
        break;
      case "snapshot-on":
        settings.snapshotOn = [...settings.snapshotOn, ...readTriggers(value)];
        break;
      case "snapshot-period":
        settings.snapshotPeriod = readCount(name, value);
        settings.snapshotOn = [...settings.snapshotOn, "periodic-interval"];
        break;
      case "stop-after-snapshot":
        settings.stopAfterSnapshot = true;
        break;
      case "restore":
        settings.restore = { bytes: readGivenFile(value) };
        break;
      case "trace":
        settings.trace = value;
        break;
      case "quiet":
        settings.quiet = true;
        break;
    }
  }
  checkKeeping(settings, options);
  settings.cwd ??= chooseWorkingDirectory(same);
  return settings;
}

/** What the options of snapshots and journals need, and what they exclude. */
function checkKeeping(settings: RunSettings, options: readonly GivenOption[]): void {
  const { journal, snapshot, restore } = settings;
  const given = (...names: string[]) => options.find(({ name }) => names.includes(name))?.name;
  const other = given("snapshot", "restore");
  if (journal !== undefined && other !== undefined)
    throw usageFailure("run", `--journal keeps snapshots itself: it does not go with --${other}.`);
  const detail = given("snapshot-on", "snapshot-period", "stop-after-snapshot");
  if (journal === undefined && snapshot === undefined && detail !== undefined)
    throw usageFailure("run", `--${detail}: where to? Give --snapshot FILE or --journal FILE.`);
  const before = given("env", "forward-host-env", "cwd", "argv0", "trace");
  if (restore !== undefined && before !== undefined)
    throw usageFailure(
      "run",
      `--${before} is for a program that begins: that of --restore goes on.`,
    );
}

/** What a machine for the run is made of. */
export function machineOptionsOf({ mounts, maxThreads, maxMemory }: RunSettings): MachineOptions {
  return {
    mounts,
    ...(maxThreads === undefined ? {} : { maxThreads }),
    ...(maxMemory === undefined ? {} : { maxMemory }),
  };
}

/** `NAME=VALUE`, or `NAME` alone for the host's value; a variable that the host does not have is left out. */
function addVariable(
  env: Record<string, string>,
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === "") {
    throw usageFailure(
      "run",
      `--env ${printable(text)}: write NAME=VALUE, or NAME for the value it has here.`,
    );
  }
  const value = equals < 0 ? environment[name] : text.slice(equals + 1);
  if (value !== undefined) env[name] = value;
}

/** What a path of this machine is mounted as: a directory, or the files in an archive. */
function sourceOf(path: string, readOnly: boolean): Mountable {
  const hostPath = resolve(path);
  const isFile = statSync(hostPath, { throwIfNoEntry: false })?.isFile() === true;
  return isFile ? archive(hostPath) : { hostPath, readOnly };
}

/** `HOST`, `HOST:GUEST`, `HOST:GUEST:ro`, `HOST:GUEST:rw`. */
function addMount(
  mounts: Record<string, Mountable>,
  same: string[],
  option: string,
  text: string,
): void {
  const parts = text.split(":");
  const mode = parts.length > 1 && /^r[ow]$/.test(parts.at(-1)!) ? parts.pop() : "rw";
  const [host, guest] = parts;
  const wrong = (what: string) =>
    usageFailure(
      "run",
      `--${option} ${printable(text)}: ${what} Write HOST:GUEST or HOST:GUEST:ro.`,
    );
  if (parts.length > 2) throw wrong("there are too many colons.");
  if (host === "") throw wrong("the directory of this machine is missing.");
  if (guest === undefined && option === "volume") throw wrong("the path in the guest is missing.");
  if (guest !== undefined && !guest.startsWith("/"))
    throw wrong("the path in the guest must start with /.");
  const hostPath = resolve(host);
  if (guest === undefined) same.push(hostPath);
  mounts[guest ?? hostPath] = sourceOf(hostPath, mode === "ro");
}

/** `GUEST:HOST`, as wasmer has it. */
function addMappedDirectory(mounts: Record<string, Mountable>, text: string): void {
  const colon = text.indexOf(":");
  const guest = text.slice(0, Math.max(colon, 0));
  const host = text.slice(colon + 1);
  if (colon < 0 || !guest.startsWith("/") || host === "") {
    throw usageFailure(
      "run",
      `--mapdir ${printable(text)}: write GUEST:HOST, where GUEST starts with /.`,
    );
  }
  mounts[guest] = sourceOf(host, false);
}

/** `HOST[,HOST…]:GUEST`, `HOST[,HOST…]:GUEST:CHANGES`. */
function addOverlay(mounts: Record<string, Mountable>, text: string): void {
  const [hosts, guest, changes, ...more] = text.split(":");
  const lower = hosts.split(",");
  if (
    lower.includes("") ||
    guest === undefined ||
    !guest.startsWith("/") ||
    changes === "" ||
    more.length > 0
  ) {
    throw usageFailure(
      "run",
      `--overlay ${printable(text)}: write HOST:GUEST or HOST,HOST:GUEST:CHANGES, where GUEST starts with /.`,
    );
  }
  mounts[guest] = overlay({
    lower: lower.map((path) => sourceOf(path, true)),
    ...(changes === undefined ? {} : { upper: resolve(changes) }),
  });
}

/** The host's working directory where the guest has it too, so that relative paths mean the same; else the root. */
function chooseWorkingDirectory(same: readonly string[]): string | undefined {
  const here = process.cwd();
  const isInside = (path: string, directory: string) =>
    path === directory || path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
  return same.some((path) => isInside(here, path) || isInside(path, here)) ? here : undefined;
}

function readSeconds(text: string): number {
  const seconds = /^\d+(?:\.\d+)?s?$/.test(text) ? parseFloat(text) : 0;
  // More than this many milliseconds are no timer of Node.
  if (seconds <= 0 || seconds * 1000 >= 2 ** 31) {
    throw usageFailure(
      "run",
      `--timeout ${printable(text)}: write a number of seconds above 0, such as 10 or 0.5, below 2147483.`,
    );
  }
  return seconds;
}

function readCount(option: string, text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 2 ** 30) {
    throw usageFailure("run", `--${option} ${printable(text)}: write a whole number of 1 or more.`);
  }
  return count;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** `512MiB`, `512M`, `1g`, or bytes. The units are powers of 1024. */
function readSize(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = number === undefined ? 0 : Math.floor(Number(number) * UNITS[unit.toLowerCase()]);
  if (bytes < 65536) {
    throw usageFailure(
      "run",
      `--max-memory ${printable(text)}: write a size of 64KiB or more, such as 512MiB or 2GiB.`,
    );
  }
  return bytes;
}
