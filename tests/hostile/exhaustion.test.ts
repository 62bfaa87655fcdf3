/**
 * Programs that take one thing without end: each meets a limit and an errno. Another process of the machine works on meanwhile, the machine runs the
 * next one afterwards, and everything is given back.
 */
import assert from "node:assert/strict";
import test from "node:test";
import type { Machine } from "../../src/api/node.ts";
import type { LoadedProgram, MachineOptions, SpawnOptions } from "../../src/api/options.ts";
import type { ProcessResult } from "../../src/api/process-result.ts";
import { WeftError } from "../../src/api/node.ts";
import { compileGuest } from "../support/compile.ts";
import { assemble, isWell, withMachine } from "./support.ts";

const LIMITS = { maxMemory: 2 ** 26, maxThreads: 40, maxKernelMemory: 2 ** 25 };

/** Starts a process that reads, writes and sleeps; its end is asked for by the end of its input. */
async function startSteady(machine: Machine, program: LoadedProgram) {
  const process = await machine.spawn(program, { args: ["steady"], stdin: "pipe" });
  // Leaving the loop would close the output.
  const lines = process.stdout!.lines();
  assert.equal((await lines.next()).value, "ready");
  return async () => {
    await process.stdin!.end();
    const last = await lines.next();
    const result = await process.wait();
    assert.equal(result.exitCode, 0, result.stderr);
    assert.equal(last.value, "steady 1 0");
    await lines.next();
  };
}

/** Runs the program that takes something beside a steady one. */
async function exhaust(
  words: string,
  check: (result: ProcessResult) => void,
  options: MachineOptions = {},
  spawn: SpawnOptions = {},
): Promise<void> {
  // The checker of lock order keeps a stack for each lock: too slow for hundreds of thousands of calls.
  await withMachine({ ...LIMITS, debug: false, ...options }, async (machine) => {
    const program = await machine.load(await compileGuest("hostile_exhaust"));
    const endSteady = await startSteady(machine, program);
    const result = await machine.run(program, {
      args: words.split(" "),
      timeout: 60_000,
      ...spawn,
    });
    assert.equal(result.timedOut, false, result.stdout);
    check(result);
    await isWell(machine);
    await endSteady();
  });
}

function tells(pattern: RegExp): (result: ProcessResult) => void {
  return ({ exitCode, stdout, stderr, message }) => {
    assert.equal(exitCode, 0, `${stderr}${message}`);
    assert.match(stdout, pattern);
  };
}

// Names and numbers of errnos: EACCES 2, EMFILE 33, ENOMEM 48, ENOSPC 51.
for (const [words, pattern] of [
  ["memory", /^memory \d+ 0$/m],
  ["threads", /^threads 39 2$/m],
  ["bomb", /^bomb 1 1$/m],
  ["file", /^file (2[0-9]|3[01]) 51$/m],
  ["inodes", /^inodes \d{5,} 51$/m],
  ["pipes", /^pipes [34]\d\d 48$/m],
  ["descriptors", /^descriptors 655\d\d 33$/m],
  ["events", /^events \d+ (33|48)$/m],
  ["directories", /^directories \d{5,} 51$/m],
  ["dig", /^dig \d{4,} (0|51|33)$/m],
  ["links", /^links 0 0$/m],
  ["names x 100000", /^names 100000 0$/m],
  ["storm x 20000", /^storm 20000 0$/m],
] as const) {
  test(`without end: ${words}`, () => exhaust(words, tells(pattern)));
}

test("the limit of memory holds for memory that the program imports and that it makes", async () => {
  await withMachine({ maxMemory: 10 * 65536 }, async (machine) => {
    for (const memory of [
      '(memory (export "memory") 1)',
      '(memory (export "memory") 1 65536)',
      '(memory (import "env" "memory") 1)',
      '(memory (import "env" "memory") 1 65536)',
      '(memory (import "env" "memory") 1 65536 shared)',
    ]) {
      const result = await machine.run(
        await assemble(`(module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          ${memory}
          (func (export "_start")
            (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
            (call $exit (memory.size))))`),
      );
      assert.equal(result.exitCode, 10, memory);
    }
  });
});

test("an output that nobody reads: kept to maxBuffer, then the program is killed", async () => {
  const killed = ({ exitCode, signal, stdout, message }: ProcessResult) => {
    assert.equal(exitCode, 137);
    assert.equal(signal, 9);
    assert.equal(stdout.length, 2 ** 22);
    assert.equal(message, "nobody reads an output of more than 4194304 bytes (option maxBuffer)");
  };
  await exhaust("flood", killed, {}, { maxBuffer: 2 ** 22 });
});

test("an output without line ends, read by lines: bounded by maxBuffer", async () => {
  await withMachine(LIMITS, async (machine) => {
    const process = await machine.spawn(await compileGuest("hostile_exhaust"), {
      args: ["flood"],
      maxBuffer: 2 ** 22,
      timeout: 60_000,
    });
    await assert.rejects(
      async () => {
        for await (const line of process.stdout!.lines()) assert.ok(line.length <= 2 ** 22);
      },
      (error: unknown) => {
        assert.ok(error instanceof WeftError);
        assert.equal(error.code, "ERR_LIMIT");
        assert.match(error.message, /maxBuffer/);
        return true;
      },
    );
    const result = await process.wait();
    assert.equal(result.timedOut, false);
    assert.equal(result.signal, 9);
  });
});

test("lines of any length are put together in a time that grows with the output alone", async () => {
  await withMachine(LIMITS, async (machine) => {
    const length = 24 * 2 ** 20;
    const process = await machine.spawn(
      await assemble(`(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2)
        (func (export "_start") (local $i i32)
          (memory.fill (i32.const 1024) (i32.const 97) (i32.const 65536))
          (i32.store (i32.const 0) (i32.const 1024))
          (i32.store (i32.const 4) (i32.const 65536))
          (loop $l
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (i32.const ${length / 65536}))))
          (i32.store8 (i32.const 1024) (i32.const 10))
          (i32.store (i32.const 4) (i32.const 2))
          (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`),
      { timeout: 60_000 },
    );
    const lengths = [];
    for await (const line of process.stdout!.lines()) lengths.push(line.length);
    assert.deepEqual(lengths, [length, 1]);
    assert.equal((await process.wait()).timedOut, false);
  });
});

test("recursion without end ends the process, not the host", async () => {
  for (const words of ["fall", "fall-calling", "fall-thread", "fall-thread calling"]) {
    await exhaust(words, ({ exitCode, message }) => {
      assert.equal(exitCode, words.startsWith("fall-thread") ? 129 : 45);
      assert.match(message ?? "", /stack overflow|memory access out of bounds/);
    });
  }
});

test("calls from every depth of an engine's stack", async () => {
  // No stack in memory, so that it is the engine's that ends; with a frame of a few sizes, so that it ends in different places.
  const text = (locals: number, call: string) => `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_pread" (func $pread (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_remove_directory" (func $rmdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_readdir" (func $list (param i32 i32 i32 i64 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "a/b/../../c")
    (func $fall (param i64) ${"(local f64)".repeat(locals)}
      ${call}
      (call $fall (i64.add (local.get 0) (i64.const 1))))
    (func (export "_start") (call $fall (i64.const 0))))`;
  const calls = [
    "(drop (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 128)))",
    "(drop (call $pread (i32.const 3) (i32.const 64) (i32.const 1) (i64.const 0) (i32.const 128)))",
    "(drop (call $stat (i32.const 3) (i32.const 1) (i32.const 0) (i32.const 11) (i32.const 256)))",
    "(drop (call $mkdir (i32.const 3) (i32.const 0) (i32.const 1))) (drop (call $rmdir (i32.const 3) (i32.const 0) (i32.const 1)))",
    "(drop (call $poll (i32.const 512) (i32.const 1024) (i32.const 3) (i32.const 128)))",
    "(drop (call $clock (i32.const 1) (i64.const 1) (i32.const 128)))",
    "(drop (call $list (i32.const 3) (i32.const 2048) (i32.const 512) (i64.const 0) (i32.const 128)))",
  ];
  await withMachine({ debug: false }, async (machine) => {
    for (const locals of [0, 3, 10]) {
      for (const call of [...calls, calls.join("\n")]) {
        const result = await machine.run(await assemble(text(locals, call)), { timeout: 60_000 });
        assert.equal(result.exitCode, 45, `${call}: ${result.message}`);
        assert.match(result.message ?? "", /stack overflow/);
      }
    }
    await isWell(machine);
  });
});

test("huge arguments and environments are refused or passed on", async () => {
  await withMachine({ maxKernelMemory: 2 ** 25 }, async (machine) => {
    const program = await machine.load(await compileGuest("echo_arguments"));
    const long = "x".repeat(2 ** 20);
    const passed = await machine.run(program, { args: [long], env: { A: long } });
    assert.equal(passed.exitCode, 1, passed.stderr);
    assert.ok(passed.stdout.includes(long));
    const many = await machine.run(program, { args: Array<string>(20_000).fill("y") });
    assert.equal(many.exitCode, 20_000);
    for (const options of [
      { args: [long.repeat(40)] },
      { env: { A: long.repeat(40) } },
      { args: Array<string>(100).fill(long) },
    ]) {
      await assert.rejects(
        () => machine.run(program, options),
        (error: unknown) => {
          assert.ok(error instanceof WeftError, String(error));
          assert.equal(error.code, "ERR_LIMIT");
          return true;
        },
      );
    }
    await isWell(machine);
  });
});

test("a machine full of files still runs programs, and has room again when they go", async () => {
  await withMachine({ ...LIMITS, debug: false }, async (machine) => {
    const program = await machine.load(await compileGuest("hostile_exhaust"));
    for (const words of [["file"], ["inodes"], ["directories"]])
      await machine.run(program, { args: words });
    for (let round = 0; round < 50; round++) await isWell(machine);
    const again = await machine.run(program, { args: ["file", "other"] });
    assert.match(again.stdout + again.stderr, /^file 0 51|gave 51/m);
    await machine.fs.rm("/endless");
    const after = await machine.run(program, { args: ["file", "after"] });
    assert.match(after.stdout, /^file \d\d? 51$/m);
  });
});
