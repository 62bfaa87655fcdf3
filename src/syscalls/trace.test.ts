import assert from "node:assert/strict";
import test from "node:test";
import { type SyscallFixture, withProcess } from "../../tests/support/syscall-fixture.ts";
import { Oflags } from "../abi/flags.ts";
import { findSignature } from "../abi/signatures.ts";
import { THREAD_EXIT } from "./control.ts";
import { listSyscalls } from "./table-list.ts";
import { findSyscall } from "./table.ts";
import { formatCall } from "./call-text.ts";
import { provideCallFormatter, traced } from "./trace.ts";

type Call = (...args: unknown[]) => unknown;

/** Makes a traced call; its line without the process and the thread. */
function trace(fixture: SyscallFixture, name: string, ...args: (number | bigint)[]): string {
  const lines: string[] = [];
  const handler = traced(findSyscall("wasix_32v1", name)!, (line) => lines.push(line)) as Call;
  fixture.context.enter();
  fixture.context.finish(handler(fixture.context, ...args));
  assert.equal(lines.length, 1);
  const [, id, text] = /^\[(\d+\.\d+)\] (.*)$/.exec(lines[0])!;
  assert.equal(id, "1.1");
  return text;
}

function process(name: string, body: (fixture: SyscallFixture) => void): void {
  test(name, withProcess(body));
}

process("what is written and read is shown", (fixture) => {
  const result = 4096;
  const out = fixture.buffers([fixture.put('say "hi"\n'), 9], [fixture.put("\0\xff"), 1]);
  assert.equal(
    trace(fixture, "fd_write", 1, ...out, result),
    String.raw`fd_write(1, [{"say \"hi\"\n", 9}, {"\x00", 1}], 2, 0x1000) = 0 (10)`,
  );
  const long = fixture.buffers([fixture.put("a".repeat(40)), 40]);
  assert.equal(
    trace(fixture, "fd_write", 1, ...long, result),
    `fd_write(1, [{"${"a".repeat(32)}"..., 40}], 1, 0x1000) = 0 (40)`,
  );
  const ends = fixture.buffers([8, 4]);
  assert.equal(
    trace(fixture, "fd_read", 0, ...ends, result),
    'fd_read(0, [{"", 4}], 1, 0x1000) = 0 (0)',
  );
});

process("paths, flags and failures have names", (fixture) => {
  const at = fixture.path("none");
  assert.equal(
    trace(fixture, "path_open", 3, 1, ...at, Oflags.TRUNC | Oflags.DIRECTORY, 2n, -1n, 0, 4096),
    'path_open(3, SYMLINK_FOLLOW, "none", 4, DIRECTORY|TRUNC, FD_READ, ALL, 0, 0x1000) = ENOENT (no such file or directory)',
  );
  assert.equal(
    trace(fixture, "fd_seek", 0, -5n, 2, 4096),
    "fd_seek(0, -5, END, 0x1000) = ESPIPE (invalid seek)",
  );
  assert.equal(trace(fixture, "fd_pipe", 4096, 4100), "fd_pipe(0x1000, 0x1004) = 0 (2, 4)");
  const time = trace(fixture, "clock_res_get", 1, 4096);
  assert.equal(time, "clock_res_get(MONOTONIC, 0x1000) = 0 (1000)");
});

provideCallFormatter(formatCall);

process("a call that does not return has no result", (fixture) => {
  const lines: string[] = [];
  const handler = traced(findSyscall("wasix_32v1", "thread_exit")!, (line) =>
    lines.push(line),
  ) as Call;
  assert.throws(
    () => handler(fixture.context, 3),
    (error) => error === THREAD_EXIT,
  );
  assert.deepEqual(lines, ["[1.1] thread_exit(3) = ?"]);
});

process("nothing that a guest passes makes a trace fail", (fixture) => {
  for (const syscall of listSyscalls()) {
    const { parameters } = findSignature(syscall.module, syscall.name)!;
    for (const value of [-1, 0, 65536 * 4 - 1, 0x7fffffff, -0x80000000]) {
      const args = parameters.map(({ wasm }) => (wasm === "i64" ? BigInt(value) : value));
      for (const result of [0, 8, 81, -1, undefined]) {
        assert.ok(formatCall(fixture.context, syscall, args, result).includes(syscall.name));
      }
      formatCall(fixture.context, syscall, [], 0);
    }
  }
});
