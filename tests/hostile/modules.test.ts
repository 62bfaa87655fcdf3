/** Files that are no program, or one that asks for what cannot be: an error that names the thing, and nothing left running. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import type { Machine } from "../../src/api/node.ts";
import { WeftError } from "../../src/api/node.ts";
import { compileGuest } from "../support/compile.ts";
import {
  buildModule,
  exportEntry,
  functionType,
  HEADER,
  I32,
  I64,
  importEntry,
  Kind,
  limits,
  section,
  Section,
  seededRandom,
  SHARED,
  unsigned,
  vector,
} from "../support/wasm-builder.ts";
import { assemble, isWell, refusal, runToEnd, withMachine } from "./support.ts";

const seed = Number(process.env.WEFT_SEED ?? 1);
const many = Number(process.env.WEFT_MODULES ?? 1500);

const EXIT = importEntry("wasi_snapshot_preview1", "proc_exit", Kind.function, [1]);
const VOID = functionType([], []);
const TAKES_I32 = functionType([I32], []);

/** A small program: exits with 7, or does what `code` says. */
function program(parts: Partial<Parameters<typeof buildModule>[0]> = {}): Uint8Array<ArrayBuffer> {
  return buildModule({
    types: [VOID, TAKES_I32],
    imports: [EXIT],
    functions: [{ type: 0, code: [0x41, 7, 0x10, 0] }],
    memories: [limits(1)],
    exports: [exportEntry("_start", Kind.function, 1), exportEntry("memory", Kind.memory, 0)],
    ...parts,
  });
}

/** Runs whatever the bytes are; either they are refused with a WeftError that has a code, or they run and end. */
async function tryBytes(machine: Machine, bytes: Uint8Array): Promise<"refused" | "ran"> {
  let loaded;
  try {
    loaded = await machine.load(bytes);
  } catch (error) {
    assert.ok(error instanceof WeftError, `no WeftError: ${String((error as Error).stack)}`);
    assert.equal(error.code, "ERR_PROGRAM_INVALID");
    assert.ok(error.message.length > 20 && error.message.length < 20_000, error.message);
    return "refused";
  }
  try {
    await machine.run(loaded, { timeout: 2_000, maxBuffer: 2 ** 20 });
  } catch (error) {
    assert.ok(error instanceof WeftError, `no WeftError: ${String((error as Error).stack)}`);
    assert.equal(error.code, "ERR_LIMIT");
    return "refused";
  }
  return "ran";
}

/** Whether the engine takes the bytes for a module with an entry. */
function isProgram(bytes: Uint8Array<ArrayBuffer>): boolean {
  if (!WebAssembly.validate(bytes)) return false;
  return WebAssembly.Module.exports(new WebAssembly.Module(bytes)).some(
    ({ name }) => name === "_start",
  );
}

test("random bytes are refused", async () => {
  await withMachine({}, async (machine) => {
    const random = seededRandom(seed);
    for (let round = 0; round < many; round++) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 300) }, () => random() * 256);
      // Half of them begin as a module does, so that more than the first check is met.
      if (round % 2 === 0) bytes.set(HEADER.slice(0, Math.min(8, bytes.length)));
      assert.equal(await tryBytes(machine, bytes), "refused");
    }
    await isWell(machine);
  });
});

test("every beginning of a module is refused", async () => {
  await withMachine({}, async (machine) => {
    for (const bytes of [
      program(),
      new Uint8Array(await readFile(await compileGuest("exit_code"))),
    ]) {
      const random = seededRandom(seed);
      const step = Math.ceil(bytes.length / 400);
      for (let length = 0; length < bytes.length; length += 1 + Math.floor(random() * step)) {
        const cut = bytes.subarray(0, length);
        // Without its last sections it may be a program still.
        const expected = isProgram(cut) ? "ran" : "refused";
        assert.equal(await tryBytes(machine, cut), expected, `${length} bytes`);
      }
    }
    await isWell(machine);
  });
});

test("modules with bits turned over are refused or run to an end", async () => {
  await withMachine({ maxMemory: 2 ** 27, maxThreads: 4 }, async (machine) => {
    const random = seededRandom(seed);
    const bases = [
      program(),
      new Uint8Array(await readFile(await compileGuest("exit_code"))),
      new Uint8Array(await readFile(await compileGuest("threads_hello"))),
    ];
    let ran = 0;
    for (let round = 0; round < many; round++) {
      const bytes = bases[round % 8 === 0 ? 2 : round % 2].slice();
      for (let flips = 1 + Math.floor(random() * 3); flips > 0; flips--)
        bytes[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(random() * 8);
      if ((await tryBytes(machine, bytes)) === "ran") ran++;
    }
    assert.ok(ran > 0 && ran < many, `${ran} of ${many} ran`);
    await isWell(machine);
  });
});

test("a real program with bits turned over or cut short is refused or runs to an end", async () => {
  await withMachine({ maxMemory: 2 ** 28, maxThreads: 4 }, async (machine) => {
    const random = seededRandom(seed);
    const real = new Uint8Array(await readFile(await compileGuest("hello")));
    for (let round = 0; round < many / 30; round++) {
      const bytes = real.slice();
      for (let flips = 1 + Math.floor(random() * 20); flips > 0; flips--)
        bytes[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(random() * 8);
      await tryBytes(
        machine,
        round % 3 === 0 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes,
      );
    }
    await isWell(machine);
  });
});

test("what is no module, or no program, is refused by name", async () => {
  await withMachine({}, async (machine) => {
    const invalid = "ERR_PROGRAM_INVALID";
    await refusal(machine, new Uint8Array(0), invalid, /empty|no WebAssembly|not a WebAssembly/i);
    await refusal(
      machine,
      new TextEncoder().encode("#!/bin/sh\necho"),
      invalid,
      /script|text|WebAssembly/i,
    );
    await refusal(
      machine,
      Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]),
      invalid,
      /ELF|native/i,
    );
    await refusal(machine, program({ exports: [] }), invalid, /_start/);
    await refusal(
      machine,
      program({ exports: [exportEntry("_start", Kind.memory, 0)] }),
      invalid,
      /_start/,
    );
    await refusal(machine, "/no/such/file.wasm", "ERR_PROGRAM_NOT_FOUND", /\/no\/such\/file\.wasm/);
    await refusal(machine, "/", "ERR_PROGRAM_NOT_FOUND", /EISDIR/);
  });
});

test("an entry with parameters or results is refused by name", async () => {
  await withMachine({}, async (machine) => {
    for (const [entry, type] of [
      ["_start", functionType([I64], [])],
      ["_start", functionType([], [I32])],
      ["_initialize", functionType([I32], [])],
    ] as const) {
      const bytes = program({
        types: [VOID, TAKES_I32, type],
        functions: [{ type: 2, code: type[1] === 0 ? [0x41, 0] : [] }],
        exports: [exportEntry(entry, Kind.function, 1)],
      });
      await refusal(
        machine,
        bytes,
        "ERR_PROGRAM_INVALID",
        new RegExp(`${entry}.*\\(\\) -> \\(\\)`, "s"),
      );
    }
    // As WASI asks for it, but with 64 bits.
    const bytes = program({
      types: [VOID, TAKES_I32, functionType([I64, I64], [])],
      functions: [
        { type: 0, code: [] },
        { type: 2, code: [] },
      ],
      exports: [
        exportEntry("_start", Kind.function, 1),
        exportEntry("wasi_thread_start", Kind.function, 2),
      ],
    });
    await refusal(
      machine,
      bytes,
      "ERR_PROGRAM_INVALID",
      /wasi_thread_start.*\(i32, i32\) -> \(\)/s,
    );
  });
});

test("imports that cannot be given are all named", async () => {
  await withMachine({}, async (machine) => {
    const refuse = (imports: number[][], message: RegExp, types = [VOID, TAKES_I32]) =>
      refusal(
        machine,
        program({
          types,
          imports,
          functions: [{ type: 0, code: [] }],
          exports: [],
        }),
        "ERR_PROGRAM_INVALID",
        message,
      );
    await refuse([importEntry("env", "no_such", Kind.function, [0])], /env\.no_such/);
    await refuse(
      [importEntry("wasi_snapshot_preview1", "fd_wirte", Kind.function, [0])],
      /fd_wirte.*did you mean fd_write|did you mean .*fd_write/s,
    );
    await refuse(
      [importEntry("wasi_snapshot_preview1", "proc_exit", Kind.function, [0])],
      /proc_exit.*signature.*\(i32\)/s,
    );
    await refuse(
      [importEntry("wasi_snapshot_preview1", "fd_write", Kind.memory, limits(1))].concat([
        importEntry("a", "b", Kind.memory, limits(1)),
      ]),
      /only one memory/,
    );
    await refuse([importEntry("env", "t", Kind.table, [0x70, ...limits(1)])], /env\.t/);
    await refuse([importEntry("env", "g", Kind.global, [I32, 0])], /env\.g/);
    await refuse(
      [importEntry("__proto__", "constructor", Kind.function, [0])],
      /__proto__\.constructor/,
    );
    await refuse(
      [importEntry("wasi_snapshot_preview1", "toString", Kind.function, [0])],
      /toString/,
    );
    await refuse(
      [importEntry("wasi_snapshot_preview1", "__proto__", Kind.function, [0])],
      /__proto__/,
    );
    // Escapes of a terminal do not get through.
    await refuse([importEntry("env", "\x1b[2Jx", Kind.function, [0])], /env\.\\u\{1b\}\[2Jx/);
    // A hundred thousand of them: a short list, in a short time.
    const all = Array.from({ length: 100_000 }, (_, index) =>
      importEntry("e", `n${index}`, Kind.function, [0]),
    );
    await refuse(all, /and 99980 more imports/);
    const long = "n".repeat(99_999);
    await refuse([importEntry(long, long, Kind.function, [0])], /^.{0,2000}$/s);
    await refuse([importEntry("m", "n".repeat(100_001), Kind.function, [0])], /100000|name/);
  });
});

test("absurd limits are refused, or cost nothing", async () => {
  await withMachine({}, async (machine) => {
    const invalid = "ERR_PROGRAM_INVALID";
    const imported = (type: number[]) =>
      program({
        imports: [EXIT, importEntry("env", "memory", Kind.memory, type)],
        memories: [],
      });
    // Memories of up to 4 GiB are reserved, not taken.
    assert.equal((await runToEnd(machine, program({ memories: [limits(1, 65536)] }))).exitCode, 7);
    assert.equal((await runToEnd(machine, imported(limits(1, 65536, SHARED)))).exitCode, 7);
    await refusal(machine, program({ memories: [limits(1, 65537)] }), invalid, /memory|65536/i);
    await refusal(machine, program({ memories: [limits(65537)] }), invalid, /memory|65536/i);
    await refusal(machine, imported(limits(1, 65537, SHARED)), invalid, /memory|65536/i);
    await refusal(machine, imported(limits(65537, 65537, SHARED)), invalid, /memory|65536/i);
    await refusal(machine, imported(limits(2, 1, SHARED)), invalid, /memory|maximum/i);
    await refusal(machine, imported(limits(1, undefined, SHARED)), invalid, /shared|maximum/i);
    // Some engines see only at the start that they cannot have such a table.
    const huge = program({ tables: [[0x70, ...limits(0xffff_ffff)]] });
    await machine.run(huge).then(
      (result) => assert.match(`${result.exitCode} ${result.message}`, /^45 .*table/i),
      (error: unknown) => assert.match(String(error), /table/i),
    );
    await refusal(
      machine,
      program({ tables: [[0x70, ...limits(2, 1)]] }),
      invalid,
      /table|maximum/i,
    );
    await refusal(
      machine,
      program({ types: [VOID, TAKES_I32, functionType(Array<number>(1001).fill(I32), [])] }),
      invalid,
      /1001 values|param/i,
    );
    // Counts that the bytes do not bear out.
    for (const id of [
      Section.type,
      Section.import,
      Section.function,
      Section.export,
      Section.table,
      Section.global,
    ]) {
      const bytes = Uint8Array.from([...HEADER, ...section(id, unsigned(0xffff_ffff))]);
      await refusal(machine, bytes, invalid, /offset|4294967295|count|entries/i);
    }
    // A function with too many locals.
    const locals = [1, ...unsigned(0xffff_ffff), I32, 0x0b];
    const bytes = Uint8Array.from([
      ...HEADER,
      ...section(Section.type, vector([VOID])),
      ...section(Section.function, vector([[0]])),
      ...section(Section.export, vector([exportEntry("_start", Kind.function, 0)])),
      ...section(Section.code, vector([[...unsigned(locals.length), ...locals]])),
    ]);
    await refusal(machine, bytes, invalid, /local/i);
  });
});

test("many small things are no problem: 2^20 functions, 100,000 exports, types nested deep", async () => {
  await withMachine({}, async (machine) => {
    const functions = 2 ** 20;
    const wrong = await tryBytes(
      machine,
      buildModule({
        types: [VOID],
        functions: Array.from({ length: functions }, () => ({ type: 0, code: [] })),
        exports: [exportEntry("_start", Kind.function, 0)],
      }),
    );
    assert.equal(wrong, "refused");
    const exports = Array.from({ length: 99_999 }, (_, index) =>
      exportEntry(`f${index}`, Kind.function, 1),
    );
    const bytes = program({ exports: [exportEntry("_start", Kind.function, 1), ...exports] });
    assert.equal((await runToEnd(machine, bytes)).exitCode, 7);
    // Blocks in blocks, 100,000 deep: for the engine to refuse or run.
    const deep = [
      ...Array<number[]>(100_000).fill([0x02, 0x40]).flat(),
      ...Array<number>(100_000).fill(0x0b),
    ];
    await tryBytes(machine, program({ functions: [{ type: 0, code: deep }] }));
    await isWell(machine);
  });
});

test("a program with a memory of 64 bits and calls of 32 is refused by name", async () => {
  await withMachine({}, async (machine) => {
    const wide = program({ memories: [limits(1, 2, 4)] });
    await refusal(machine, wide, "ERR_PROGRAM_INVALID", /64-bit memory/);
    await isWell(machine);
  });
});

test("start sections that trap, exit, call or never end", async () => {
  await withMachine({}, async (machine) => {
    const start = (code: string, memory = '(memory (export "memory") 1)') =>
      assemble(`(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        ${memory}
        (start $begin)
        (func $begin ${code})
        (func (export "_start") (call $exit (i32.const 7))))`);
    const shared = '(memory (import "env" "memory") 1 1 shared)';
    for (const memory of [undefined, shared]) {
      const trap = await runToEnd(machine, await start("unreachable", memory));
      assert.equal(trap.exitCode, 45);
      assert.match(trap.message ?? "", /unreachable/);
      assert.equal(
        (await runToEnd(machine, await start("(call $exit (i32.const 9))", memory))).exitCode,
        9,
      );
      // Where the memory is the module's own, there is none yet that a call could look into.
      const call =
        "(call $exit (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))";
      assert.equal((await runToEnd(machine, await start(call, memory))).exitCode, memory ? 0 : 78);
      for (const loop of ["(loop $l (br $l))", "(loop $l (drop (call $yield)) (br $l))"]) {
        const result = await machine.run(await start(loop, memory), { timeout: 300 });
        assert.equal(result.timedOut, true);
      }
    }
    await isWell(machine);
  });
});

test("memories that do not fit the program", async () => {
  await withMachine({}, async (machine) => {
    const write = (memory: string) =>
      assemble(`(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
        ${memory}
        (func (export "wasi_thread_start") (param i32 i32))
        (func (export "_start")
          (if (i32.ne (call $random (i32.const 65536) (i32.const 1)) (i32.const 78)) (then (call $exit (i32.const 1))))
          (if (i32.ne (call $write (i32.const 1) (i32.const 65532) (i32.const 1) (i32.const 0)) (i32.const 78)) (then (call $exit (i32.const 2))))
          (call $exit (i32.sub (i32.const 0) (call $spawn (i32.const 64))))))`);
    const code = async (memory: string) => (await runToEnd(machine, await write(memory))).exitCode;
    // No memory at all, of no bytes, one page; exported under other names: every pointer is bad, no thread can share it.
    assert.equal(await code(""), 76);
    assert.equal(await code('(memory (export "memory") 0)'), 76);
    assert.equal(await code('(memory (export "memory") 1)'), 76);
    assert.equal(await code('(memory (export "other") 1)'), 76);
    assert.equal(await code("(memory 1)"), 76);
    // Shared but the module's own: each thread would have another. Imported but not shared: none can have it.
    assert.equal(await code('(memory (export "memory") 1 1 shared)'), 76);
    assert.equal(await code('(memory (import "env" "memory") 1)'), 76);
    assert.equal(
      await code('(memory (import "env" "memory") 1 1) (export "memory" (memory 0))'),
      76,
    );
    await isWell(machine);
  });
});

test("a shared memory that can hardly grow: its threads get errors, not crashes", async () => {
  await withMachine({}, async (machine) => {
    const result = await runToEnd(
      machine,
      await assemble(`(module
        (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (import "env" "memory") 1 2 shared)
        (func (export "wasi_thread_start") (param i32 i32) (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (call $exit (i32.const 11)))
        (func (export "_start") (drop (call $spawn (i32.const 0))) (loop $l (br $l))))`),
    );
    assert.equal(result.exitCode, 11);
  });
});
