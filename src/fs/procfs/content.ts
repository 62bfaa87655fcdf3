/**
 * What the files and links of `/proc` hold: made from the kernel's records at the moment of asking. Nothing of the host shows but what the machine was
 * given: its limits, and how many threads can run at once. Formats as proc(5); what the kernel does not know is left out, or 0 where a field must stand.
 */
import { Errno } from "../../abi/errno.ts";
import {
  dropProcess,
  dropStringList,
  findProcess,
  FileTable,
  keepProcessStrings,
  type Kernel,
  KernelRoot,
  Process,
  ProcessState,
  StringList,
  stringsOf,
} from "../../kernel/index.ts";
import { usedBytes } from "../../shm/index.ts";
import { FilesystemId, Mount, MountFlags, Mounts } from "../../vfs/index.ts";
import { Node } from "./node.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Ticks a second in which times are told (USER_HZ of Linux). */
const TICKS = 100;
/** Longest name of a program in `stat` and `status`, as on Linux. */
const LONGEST_NAME = 15;

/** What a file holds, or a negated errno: ENOENT when its process has ended. */
export function contentOf(kernel: Kernel, node: number, pid: number): Uint8Array | number {
  switch (node) {
    case Node.cpuinfo:
      return encoder.encode(describeProcessors(kernel));
    case Node.meminfo:
      return encoder.encode(describeMemory(kernel));
    case Node.uptime:
      return encoder.encode(describeUptime(kernel));
    case Node.mounts:
      return encoder.encode(describeMounts(kernel));
  }
  return withProcess(kernel, pid, (process) => {
    switch (node) {
      case Node.cmdline:
        return stringsOfProcess(kernel, process, "arguments");
      case Node.environ:
        return stringsOfProcess(kernel, process, "environment");
      case Node.stat:
        return encoder.encode(describeInNumbers(kernel, process));
      case Node.status:
        return encoder.encode(describeInLines(kernel, process));
      default:
        return -Errno.EIO;
    }
  });
}

/** Where a link leads, or a negated errno: ENOENT when there is no such process, or nobody knows. */
export function targetOf(kernel: Kernel, node: number, pid: number): Uint8Array | number {
  const { memory, vfs } = kernel;
  switch (node) {
    case Node.self:
      return vfs.caller === 0
        ? -Errno.ENOENT
        : encoder.encode(String(Process.id.get(memory, vfs.caller)));
    case Node.mountsLink:
      return encoder.encode("self/mounts");
    case Node.rootLink:
      return encoder.encode("/");
    case Node.cwd:
      return withProcess(kernel, pid, (process) => workingPathOf(kernel, process));
    case Node.exe:
      return withProcess(kernel, pid, (process) => {
        // The program's own name is a path only where its starter gave one.
        const name = firstArgument(kernel, process);
        return name.startsWith("/") ? encoder.encode(name) : -Errno.ENOENT;
      });
    default:
      return -Errno.EINVAL;
  }
}

function withProcess(
  kernel: Kernel,
  pid: number,
  describe: (process: number) => Uint8Array | number,
): Uint8Array | number {
  const process = findProcess(kernel, pid);
  if (process === 0) return -Errno.ENOENT;
  const answer = describe(process);
  dropProcess(kernel, process);
  return answer;
}

function stringsOfProcess(
  { memory }: Kernel,
  process: number,
  which: "arguments" | "environment",
): Uint8Array {
  const list = keepProcessStrings(memory, process, which);
  const start = stringsOf(list);
  const bytes = memory.u8.slice(start, start + StringList.length.get(memory, list));
  dropStringList(memory, list);
  return bytes;
}

/** The path alone: the directory itself may be gone with the end of the process. */
function workingPathOf({ memory }: Kernel, process: number): Uint8Array {
  Process.directoryLock.acquire(memory, process);
  const start = Process.workingPath.get(memory, process);
  const path = memory.u8.slice(start, start + Process.workingPathLength.get(memory, process));
  Process.directoryLock.release(memory, process);
  return path;
}

function firstArgument(kernel: Kernel, process: number): string {
  const all = stringsOfProcess(kernel, process, "arguments");
  const end = all.indexOf(0);
  return decoder.decode(end < 0 ? all : all.subarray(0, end));
}

/** The last part of the program's name, as short as Linux has it, in characters that break no line. */
function commandOf(kernel: Kernel, process: number): string {
  const name = firstArgument(kernel, process).replace(/\/+$/, "");
  const last = name.slice(name.lastIndexOf("/") + 1, name.lastIndexOf("/") + 1 + LONGEST_NAME);
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return last.replace(/[\x00-\x1f\x7f\\]/g, "?");
}

function isRunning({ memory }: Kernel, process: number): boolean {
  return Process.state.load(memory, process) === ProcessState.running;
}

/** `/proc/PID/status`. */
function describeInLines(kernel: Kernel, process: number): string {
  const { memory } = kernel;
  const pid = Process.id.get(memory, process);
  const state = isRunning(kernel, process) ? "R (running)" : "X (dead)";
  const lines = [
    `Name:\t${commandOf(kernel, process)}`,
    `State:\t${state}`,
    `Tgid:\t${pid}`,
    `Pid:\t${pid}`,
    `PPid:\t${Process.parent.get(memory, process)}`,
    "TracerPid:\t0",
    "Uid:\t0\t0\t0\t0",
    "Gid:\t0\t0\t0\t0",
    `Threads:\t${Process.live.get(memory, process)}`,
  ];
  // The table of another process may go while it is looked at.
  if (process === kernel.vfs.caller) {
    const table = Process.files.get(memory, process);
    lines.splice(8, 0, `FDSize:\t${FileTable.lowest.get(memory, table)}`);
  }
  return lines.join("\n") + "\n";
}

/** `/proc/PID/stat`: 52 fields in one line. */
function describeInNumbers(kernel: Kernel, process: number): string {
  const { memory, root } = kernel;
  const pid = Process.id.get(memory, process);
  const milliseconds = Process.started.get(memory, process) - KernelRoot.booted.get(memory, root);
  const fields: (string | number)[] = new Array<number>(52).fill(0);
  fields[0] = pid;
  fields[1] = `(${commandOf(kernel, process)})`;
  fields[2] = isRunning(kernel, process) ? "R" : "X";
  fields[3] = Process.parent.get(memory, process);
  fields[4] = fields[5] = pid;
  fields[7] = -1;
  fields[17] = 20;
  fields[19] = Process.live.get(memory, process);
  fields[21] = Math.max(0, Math.floor((milliseconds * TICKS) / 1000));
  return fields.join(" ") + "\n";
}

/** `/proc/cpuinfo`: as many processors as threads can run at once. */
function describeProcessors({ memory, root }: Kernel): string {
  let text = "";
  for (let processor = 0; processor < KernelRoot.cores.get(memory, root); processor++) {
    text += `processor\t: ${processor}\nvendor_id\t: Weft\nmodel name\t: WebAssembly\n\n`;
  }
  return text;
}

/**
 * `/proc/meminfo`: the memory that each program may have, and as cached what files in memory and other records take. How much of its memory a
 * program uses only it knows: all counts as free.
 */
function describeMemory({ memory, root }: Kernel): string {
  const total = Math.floor(KernelRoot.programMemory.get(memory, root) / 1024);
  const line = (name: string, kilobytes: number) =>
    `${`${name}:`.padEnd(16)}${String(kilobytes).padStart(8)} kB\n`;
  return (
    line("MemTotal", total) +
    line("MemFree", total) +
    line("MemAvailable", total) +
    line("Buffers", 0) +
    line("Cached", Math.floor(usedBytes(memory) / 1024)) +
    line("SwapTotal", 0) +
    line("SwapFree", 0)
  );
}

/** `/proc/uptime`: seconds since the machine was made. Nobody counts the time in which it was idle. */
function describeUptime({ clock, memory, root }: Kernel): string {
  const seconds = (clock.monotonicMilliseconds() - KernelRoot.booted.get(memory, root)) / 1000;
  return `${seconds.toFixed(2)} 0.00\n`;
}

/** How filesystems are called in `mounts`. A host's directory shows nothing of where it lies there. */
const FILESYSTEM_NAMES: Readonly<Record<number, string>> = {
  [FilesystemId.tmpfs]: "tmpfs",
  [FilesystemId.hostfs]: "hostfs",
  [FilesystemId.devfs]: "devfs",
  [FilesystemId.overlayfs]: "overlay",
  [FilesystemId.userfs]: "userfs",
  [FilesystemId.logfs]: "logfs",
  [FilesystemId.procfs]: "proc",
};

/** `/proc/PID/mounts`, in the order in which they were made. */
function describeMounts({ memory, mounts }: Kernel): string {
  const lines: string[] = [];
  Mounts.lock.acquire(memory, mounts);
  for (
    let mount = Mounts.first.get(memory, mounts);
    mount !== 0;
    mount = Mount.next.get(memory, mount)
  ) {
    const type = FILESYSTEM_NAMES[Mount.filesystem.get(memory, mount)] ?? "weft";
    const start = Mount.path.get(memory, mount);
    const bytes = memory.u8.slice(start, start + Mount.pathLength.get(memory, mount));
    const path = start === 0 ? "/" : escapeWhitespace(decoder.decode(bytes));
    const mode = (Mount.flags.get(memory, mount) & MountFlags.readOnly) !== 0 ? "ro" : "rw";
    lines.unshift(`${type} ${path} ${type} ${mode} 0 0\n`);
  }
  Mounts.lock.release(memory, mounts);
  return lines.join("");
}

/** Characters that separate fields and lines, as Linux writes them in a field. */
function escapeWhitespace(text: string): string {
  return text.replace(
    /[ \t\n\\]/g,
    (character) => "\\" + character.charCodeAt(0).toString(8).padStart(3, "0"),
  );
}
