/**
 * Calls as text, as strace shows them:
 *
 *     [1.1] fd_write(1, [{"hello\n", 6}], 1, 0x1234) = 0 (6)
 *     [1.1] path_open(3, SYMLINK_FOLLOW, "etc/passwd", 10, 0, ...) = ENOENT (no such file or directory)
 *
 * Parameters are shown by their types in the ABI's signatures; what a call left behind its result pointers follows in brackets. Only agents that trace
 * need this (`trace.ts`), so hosts that can load code when it is asked for do so.
 */
import * as enums from "../abi/enums.ts";
import { errnoMeaning } from "../abi/errno-meanings.ts";
import { errnoName } from "../abi/errno.ts";
import * as flags from "../abi/flags.ts";
import { WIDE_MODULE } from "../abi/call-types.ts";
import { findSignature, type Parameter, type Signature } from "../abi/signatures.ts";
import { Process, Thread } from "../kernel/index.ts";
import type { SyscallContext } from "./context.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { Syscall } from "./service.ts";

/** Bytes of data, bytes of a path and buffers of a list that are shown. */
const MOST_DATA = 32;
const MOST_PATH = 80;
const MOST_BUFFERS_SHOWN = 4;

const enumTables: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  address_family: enums.AddressFamily,
  advice: enums.Advice,
  clockid: enums.Clockid,
  epoll_ctl: enums.EpollCtl,
  signal: enums.Signal,
  sock_option: enums.SockOption,
  sock_type: enums.SockType,
  whence: enums.Whence,
};

const flagTables: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  eventfdflags: flags.Eventfdflags,
  fdflags: flags.Fdflags,
  fdflagsext: flags.Fdflagsext,
  fstflags: flags.Fstflags,
  join_flags: flags.JoinFlags,
  lookupflags: flags.Lookupflags,
  oflags: flags.Oflags,
  riflags: flags.Riflags,
  sdflags: flags.Sdflags,
  siflags: flags.Siflags,
};

/** Bytes of what a result pointer points at, where it is a number. */
const scalarBytes: Readonly<Record<string, number>> = {
  bool: 1,
  fdflagsext: 2,
  fd: 4,
  pid: 4,
  pointersize: 4,
  size: 4,
  tid: 4,
  filesize: 8,
  longsize: 8,
  timestamp: 8,
};

/** Every right: shown so rather than as a list of 39. */
const EVERY_RIGHT = 2 ** 39 - 1;

/** A call in progress of being shown. */
interface Call {
  guest: GuestMemory;
  signature: Signature;
  args: readonly (number | bigint)[];
  succeeded: boolean;
}

/**
 * Shows a call. Never fails: what cannot be read is shown as an address.
 *
 * @param args the guest's arguments
 * @param result what the handler answered; undefined when the call did not return
 */
export function formatCall(
  context: SyscallContext,
  syscall: Pick<Syscall, "module" | "name">,
  args: readonly (number | bigint)[],
  result: number | undefined,
): string {
  const { memory, process, thread, guest } = context;
  const who = `[${Process.id.get(memory, process)}.${Thread.id.get(memory, thread)}]`;
  const { module, name } = syscall;
  const signature = findSignature(module === WIDE_MODULE ? "wasix_32v1" : module, name);
  if (signature === undefined) return `${who} ${syscall.name}(${args.join(", ")}) = ${result}`;
  const call = { guest, signature, args, succeeded: signature.result === "errno" && result === 0 };
  const shown = signature.parameters.map((_, index) => formatArgument(call, index));
  return `${who} ${syscall.name}(${shown.join(", ")}) = ${formatResult(call, result)}`;
}

function formatResult(call: Call, result: number | undefined): string {
  const { signature } = call;
  if (signature.result === "none" && result === undefined) return "void";
  if (result === undefined) return "?";
  if (signature.result !== "errno") return String(result);
  if (result !== 0) return `${errnoName(result)} (${errnoMeaning(result)})`;
  const values = signature.parameters.flatMap((parameter, index) => {
    const value = readResult(call, parameter, index);
    return value === undefined ? [] : [value];
  });
  return values.length === 0 ? "0" : `0 (${values.join(", ")})`;
}

/** What a call wrote behind a result pointer, where that is a number. */
function readResult(call: Call, parameter: Parameter, index: number): string | undefined {
  if (parameter.direction === undefined || parameter.direction === "in") return undefined;
  const bytes = scalarBytes[pointee(parameter)];
  const pointer = unsigned(call, index);
  if (bytes === undefined || !call.guest.has(pointer, bytes)) return undefined;
  const { view } = call.guest;
  if (bytes === 1) return String(view.getUint8(pointer));
  if (bytes === 2) return String(view.getUint16(pointer, true));
  if (bytes === 4) return String(view.getUint32(pointer, true));
  return String(view.getBigUint64(pointer, true));
}

function pointee(parameter: Parameter): string {
  return /^pointer<(.*)>$/.exec(parameter.type)?.[1] ?? "";
}

function unsigned(call: Call, index: number): number {
  return Number(call.args[index] ?? 0) >>> 0;
}

function formatArgument(call: Call, index: number): string {
  const parameter = call.signature.parameters[index];
  const argument = call.args[index];
  const { type } = parameter;
  if (argument === undefined) return "?";
  if (type.startsWith("pointer<")) return formatPointer(call, parameter, index);
  if (type === "rights") return formatRights(BigInt(argument));
  if (type === "filedelta") return String(BigInt.asIntN(64, BigInt(argument)));
  if (parameter.wasm === "i64") return String(BigInt.asUintN(64, BigInt(argument)));
  const value = unsigned(call, index);
  if (Object.hasOwn(flagTables, type)) return flags.flagNames(flagTables[type], value);
  if (type === "whence" && call.signature.module === "wasi_unstable") {
    return enums.enumName(enums.WhenceSnapshot0, value);
  }
  if (Object.hasOwn(enumTables, type)) return enums.enumName(enumTables[type], value);
  if (type === "exitcode") return String(value | 0);
  return String(value);
}

function formatRights(value: bigint): string {
  const known = Number(BigInt.asUintN(39, value));
  return known === EVERY_RIGHT ? "ALL" : flags.flagNames(flags.Rights, known);
}

function formatPointer(call: Call, parameter: Parameter, index: number): string {
  const pointer = unsigned(call, index);
  const target = pointee(parameter);
  const address = `0x${pointer.toString(16)}`;
  const hasLength = call.signature.parameters[index + 1]?.name.endsWith("_len") === true;
  if (!hasLength) return pointer === 0 ? "NULL" : address;
  const length = unsigned(call, index + 1);
  if (target === "u8" && parameter.direction === "in") {
    return formatBytes(call.guest, pointer, length, MOST_PATH) ?? address;
  }
  if (target === "ciovec") return formatBuffers(call, pointer, length, Infinity) ?? address;
  // What a read put there is known once the call has said how much that is.
  if (target === "iovec" && call.succeeded) {
    return formatBuffers(call, pointer, length, bytesMoved(call)) ?? address;
  }
  return pointer === 0 ? "NULL" : address;
}

function bytesMoved(call: Call): number {
  const index = call.signature.parameters.findIndex(
    (parameter) => parameter.direction === "out" && parameter.type === "pointer<size>",
  );
  const pointer = unsigned(call, index);
  const { guest } = call;
  return index >= 0 && guest.has(pointer, guest.pointerBytes) ? guest.pointerAt(pointer) : 0;
}

/** A list of buffers, of whose bytes `moved` have a meaning. */
function formatBuffers(call: Call, list: number, count: number, moved: number): string | undefined {
  const { guest } = call;
  const shown = Math.min(count, MOST_BUFFERS_SHOWN);
  const { pointerBytes } = guest;
  if (!guest.has(list, shown * 2 * pointerBytes)) return undefined;
  const parts: string[] = [];
  for (let index = 0; index < shown; index++) {
    const at = list + index * 2 * pointerBytes;
    const start = guest.pointerAt(at);
    const length = guest.pointerAt(at + pointerBytes);
    const text = formatBytes(guest, start, Math.min(length, moved), MOST_DATA);
    parts.push(`{${text ?? `0x${start.toString(16)}`}, ${length}}`);
    moved = Math.max(0, moved - length);
  }
  if (count > shown) parts.push("...");
  return `[${parts.join(", ")}]`;
}

const escapes: Readonly<Record<number, string>> = {
  9: "\\t",
  10: "\\n",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/** Bytes in quotes, cut after `most`; undefined where they are not the guest's. */
function formatBytes(
  guest: GuestMemory,
  start: number,
  length: number,
  most: number,
): string | undefined {
  if (!guest.has(start, length)) return undefined;
  let text = "";
  for (const byte of guest.u8.subarray(start, start + Math.min(length, most))) {
    text +=
      escapes[byte] ??
      (byte >= 32 && byte < 127
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, "0")}`);
  }
  return `"${text}"${length > most ? "..." : ""}`;
}
