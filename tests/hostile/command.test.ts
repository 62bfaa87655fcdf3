/** Bad input through the command: an exit code that is not zero, a message that names the thing, and an end. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { run, start, withDirectory } from "../cli/command.ts";
import { compileGuest } from "../support/compile.ts";
import { seededRandom } from "../support/wasm-builder.ts";
import { assemble } from "./support.ts";

const seed = Number(process.env.WEFT_SEED ?? 1);

const IMPORTS = `
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))`;
const MEMORY = '(memory (export "memory") 1)';

test("programs that go wrong end the command with their code and a reason", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "wrong.wasm");
    for (const [text, code, message] of [
      [`${MEMORY} (start $f) (func $f unreachable) (func (export "_start"))`, 45, /unreachable/],
      [
        `${MEMORY} (start $f) (func $f (call $exit (i32.const 9))) (func (export "_start"))`,
        9,
        /^$/,
      ],
      [`${MEMORY} (func $f (export "_start") (call $f))`, 45, /stack overflow/],
      [
        `${MEMORY} (func $f (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (call $f))`,
        45,
        /stack overflow/,
      ],
      [
        '(memory (import "env" "memory") 1) (func (export "_start") (call $exit (i32.const 7)))',
        7,
        /^$/,
      ],
      [
        `${MEMORY} (func (export "_start") (i32.store (i32.const -4) (i32.const 1)))`,
        45,
        /out of bounds/,
      ],
      [`${MEMORY} (func (export "_start") (param i64))`, 126, /_start/],
      ['(memory (export "memory") i64 1) (func (export "_start"))', 126, /64/],
      ['(memory (export "memory") 70000) (func (export "_start"))', 126, /memory|65536/],
      [
        '(memory (export "memory") 1 65536) (func (export "_start") (call $exit (i32.const 7)))',
        7,
        /^$/,
      ],
      [
        // Takes all the memory it may have.
        `${MEMORY} (func (export "_start") (loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (call $exit (memory.size)))`,
        160,
        /^$/,
      ],
    ] as const) {
      await writeFile(
        path,
        await assemble(`(module ${IMPORTS} ${text})`).catch((error: unknown) => {
          throw new Error(`${text}: ${String(error)}`);
        }),
      );
      const ended = await run(["run", "--max-memory", "10M", path]);
      assert.equal(ended.code, code, `${text}: ${ended.stderr}`);
      assert.match(ended.stderr, message, text);
    }
  });
});

test("changed and cut programs end the command", async () => {
  const random = seededRandom(seed);
  const base = await readFile(await compileGuest("hello"));
  await withDirectory(async (directory) => {
    const path = join(directory, "changed.wasm");
    for (let round = 0; round < 25; round++) {
      let bytes = Buffer.from(base);
      if (round % 5 === 0) bytes = bytes.subarray(0, Math.floor(random() * bytes.length));
      else
        for (let flips = 0; flips < 3; flips++)
          bytes[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(random() * 8);
      await writeFile(path, bytes);
      const { child, ended } = start(["run", "--timeout", "20", path], { stdin: "" });
      const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
      const { code, signal, stderr } = await ended;
      clearTimeout(timer);
      assert.equal(signal, null, `round ${round}`);
      assert.ok(code !== 70 && code !== 1, `round ${round}: ${code} ${stderr}`);
      assert.doesNotMatch(stderr, /node:internal|bug of Weft/, `round ${round}`);
    }
  });
});

test("a program of random calls, with the terminal's streams", async () => {
  const program = await compileGuest("hostile_random_calls");
  await withDirectory(async (directory) => {
    const words = ["run", "--timeout", "60", "--volume", `${directory}:/host`, program];
    const { code, stderr } = await run([...words, String(seed), "1000", "3", "stay"]);
    assert.equal(code, 42, stderr.slice(-2000));
  });
});

test("a flood into a pipe that is closed ends with it", async () => {
  const { child, ended } = start(["run", await compileGuest("hostile_exhaust"), "flood"]);
  child.stdout!.once("data", () => child.stdout!.destroy());
  // The program itself ignores the error and goes on writing: it is ended from outside.
  setTimeout(() => child.kill("SIGTERM"), 1000);
  const { code, signal } = await ended;
  assert.ok(signal === "SIGTERM" || code !== 0, `${code} ${signal}`);
});
