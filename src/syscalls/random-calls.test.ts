/** Random calls on one machine: whatever a program does, calls answer, locks are let go of, and nothing is left at the end. */
import assert from "node:assert/strict";
import test from "node:test";
import { Random } from "../../tests/support/kernel-random.ts";
import {
  type Argument,
  FixtureMachine,
  SyscallFixture,
} from "../../tests/support/syscall-fixture.ts";
import { findSignature, type Parameter } from "../abi/signatures.ts";
import { listSyscalls } from "./table-list.ts";

const CALLS = 200_000;
/** Calls before a process is ended and another takes its place. */
const CALLS_OF_PROCESS = 1000;
/** The first page holds paths, lists of buffers and subscriptions; what calls write goes anywhere. */
const NAMES = [
  "a",
  "b",
  "c",
  "d",
  "a/b",
  "a/b/c",
  "./a",
  "b/../a",
  "..",
  ".",
  "/",
  "/a/b",
  "a/",
  "d/.",
];
const TARGETS = ["a", "../b", "/c/d", "loop", "a/b/"];
/** The descriptor of the root directory. */
const ROOT = 3;
const LISTS = 0x2000;
const SUBSCRIPTIONS = 0x4000;

/** Fills the first page anew: paths every 64 bytes, lists of small buffers, subscriptions. */
function prepare(random: Random, fixture: SyscallFixture): void {
  const { guest } = fixture;
  const encoder = new TextEncoder();
  for (let slot = 0; slot < 64; slot++) {
    const text = random.pick(slot % 4 === 0 ? TARGETS : NAMES);
    guest.u8.fill(0, slot * 64, slot * 64 + 64);
    guest.u8.set(encoder.encode(text), slot * 64 + 1);
    guest.u8[slot * 64] = text.length;
  }
  for (let slot = 0; slot < 64; slot++) {
    guest.view.setUint32(LISTS + slot * 8, random.below(4 * 65536), true);
    guest.view.setUint32(LISTS + slot * 8 + 4, random.below(random.oneIn(4) ? 70000 : 64), true);
  }
  for (let slot = 0; slot < 16; slot++) {
    const at = SUBSCRIPTIONS + slot * 48;
    guest.view.setUint32(at, random.below(2 ** 32), true);
    guest.u8[at + 8] = random.below(4);
    guest.view.setUint32(at + 16, random.below(12), true);
    guest.view.setBigUint64(at + 24, BigInt(random.below(2000)), true);
    guest.view.setUint16(at + 40, random.below(3), true);
  }
}

const SMALL = [0, 0, 1, 1, 2, 3, 4, 5, 8, 15, 64, 1000, 4096, -1, 0x7fffffff];

function argument(random: Random, parameter: Parameter, next: Parameter | undefined): Argument {
  const { type, wasm, direction } = parameter;
  if (type === "rights") return random.oneIn(8) ? BigInt(random.below(2 ** 30)) : -1n;
  if (wasm === "i64") {
    return random.oneIn(10)
      ? BigInt(-random.below(1000)) * 2n ** 50n
      : BigInt(random.below(100_000));
  }
  if (type === "oflags") return random.pick([0, 0, 1, 1, 2, 5, 8, 9, 3]);
  if (type === "whence") return random.below(4);
  if (type === "fd") return random.below(random.oneIn(50) ? 70000 : 16);
  if (random.oneIn(60)) return random.below(2 ** 32) | 0;
  if (type === "pointer<iovec>" || type === "pointer<ciovec>") return LISTS + random.below(48) * 8;
  if (type === "pointer<subscription>") return SUBSCRIPTIONS + random.below(8) * 48;
  if (type === "pointer<u8>" && direction === "in" && next?.name.endsWith("_len") === true)
    return random.below(64) * 64 + 1;
  if (type.startsWith("pointer")) return 0x8000 + random.below(3 * 65536);
  return random.pick(SMALL);
}

/** The arguments of a call; a path's length is mostly the right one. */
function argumentsOf(
  random: Random,
  name: string,
  parameters: readonly Parameter[],
  fixture: SyscallFixture,
): Argument[] {
  const args: Argument[] = [];
  for (const [index, parameter] of parameters.entries()) {
    const before = args[index - 1];
    if (parameter.type === "fd" && name.startsWith("path_") && !random.oneIn(3)) {
      args.push(ROOT);
      continue;
    }
    const isPath = index > 0 && parameters[index - 1].type === "pointer<u8>";
    if (isPath && typeof before === "number" && before > 0 && before < LISTS && !random.oneIn(50))
      args.push(fixture.guest.u8[before - 1]);
    else args.push(argument(random, parameter, parameters[index + 1]));
  }
  return args;
}

/** Calls that end a thread or process, or wait long for a clock, are made more seldom. */
const SELDOM = new Set([
  "proc_exit",
  "proc_exit2",
  "proc_exec",
  "proc_exec2",
  "stack_restore",
  "thread_exit",
  "poll_oneoff",
  "thread_sleep",
  "futex_wait",
]);
const FILES = /^(fd|path)_/;

/** Whether a call takes the root directory's descriptor away, after which no path can be opened. */
function spoilsRoot(name: string, args: readonly Argument[]): boolean {
  return (
    (name === "fd_close" && args[0] === ROOT) ||
    (name === "fd_fdstat_set_rights" && args[0] === ROOT) ||
    (name === "fd_renumber" && args[1] === ROOT)
  );
}

test("random calls", () => {
  // What the checker of locks remembers of where they were taken costs more than all else here.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const seed = Number(process.env.SEED ?? 20250611);
  const random = new Random(seed);
  const machine = new FixtureMachine({ limit: 64 * 2 ** 20 });
  const syscalls = listSyscalls().map((syscall) => ({
    ...syscall,
    parameters: findSignature(syscall.module, syscall.name)!.parameters,
  }));
  const files = syscalls.filter(({ name }) => FILES.test(name));
  const answers = new Map<string, number>();
  let fixture = new SyscallFixture(machine);
  for (let call = 0; call < CALLS; call++) {
    if (call % 100 === 0) prepare(random, fixture);
    const syscall = random.pick(random.oneIn(3) ? syscalls : files);
    if (SELDOM.has(syscall.name) && !random.oneIn(50)) continue;
    const args = argumentsOf(random, syscall.name, syscall.parameters, fixture);
    if (spoilsRoot(syscall.name, args) && !random.oneIn(100)) continue;
    let outcome: unknown;
    try {
      outcome = fixture.callIn(syscall.module, syscall.name, ...args);
    } catch (error) {
      throw new Error(`seed ${seed}, call ${call}: ${syscall.name}(${args.join(", ")})`, {
        cause: error,
      });
    }
    if (outcome === 0) answers.set(syscall.name, (answers.get(syscall.name) ?? 0) + 1);
    if (fixture.isEnding || call % CALLS_OF_PROCESS === CALLS_OF_PROCESS - 1) {
      fixture.end();
      fixture = new SyscallFixture(machine);
    }
  }
  fixture.end();
  Error.stackTraceLimit = stackTraceLimit;
  machine.destroy();
  // Calls that never succeed would test nothing.
  for (const { name, support } of syscalls) {
    if (support === "full" && FILES.test(name)) assert.ok(answers.get(name)! > 0, name);
  }
});
