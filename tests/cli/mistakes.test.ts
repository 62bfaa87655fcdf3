import assert from "node:assert/strict";
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { assemble } from "../hostile/support.ts";
import { compileGuest } from "../support/compile.ts";
import { customSection, moduleOf } from "../support/wasm-builder.ts";
import { run, withDirectory } from "./command.ts";

/** Runs the command and checks that it says one thing on standard error and nothing else. */
async function says(words: readonly string[], code: number, message: RegExp): Promise<void> {
  const ended = await run(words);
  assert.match(ended.stderr, message);
  assert.match(ended.stderr, /^weft: /);
  assert.equal(ended.stdout, "");
  assert.equal(ended.code, code, ended.stderr);
}

test("a program that is not there, or is no program, is named", async () => {
  await says(["run", "nowhere.wasm"], 127, /nowhere\.wasm: there is no such file\.\n$/);
  await says(["nowhere.wasm"], 127, /nowhere\.wasm: there is no such file\.\n$/);
  await says(["run", "."], 126, /\.: it is a directory, not a file\.\n$/);
  await withDirectory(async (path) => {
    const text = join(path, "text.wasm");
    await writeFile(text, "#!/bin/sh\necho hello\n");
    await says(["run", text], 126, /text\.wasm: .*not a WebAssembly module/);
    await says(["inspect", text], 126, /text\.wasm: .*not a WebAssembly module/);
    const circle = join(path, "circle.wasm");
    await symlink("circle.wasm", circle);
    await says(["run", circle], 126, /circle\.wasm: ELOOP/);
    const empty = join(path, "empty.wasm");
    await writeFile(empty, "");
    await says(["run", empty], 126, /empty\.wasm: /);
  });
  const lacking = await compileGuest("missing_import");
  await says(["run", lacking], 126, /env\.nothing_like_it .*is not provided by Weft/);
  const told = await run(["inspect", lacking]);
  assert.equal(told.code, 0);
  assert.match(told.stdout, /cannot run it:\n.*env\.nothing_like_it/);
  assert.match(told.stdout, /nothing_like_it +MISSING/);
});

test("inspect says of what is no program what run says", async () => {
  const wrongEntry = await assemble('(module (func (export "_start") (param i32)))');
  const modules: [Uint8Array, RegExp][] = [
    [wrongEntry, /exports _start as \(i32\) -> \(\)/],
    [moduleOf(), /exports neither _start nor _initialize/],
    [moduleOf(customSection("linking", [2])), /is an object file/],
  ];
  await withDirectory(async (directory) => {
    for (const [bytes, reason] of modules) {
      const path = join(directory, "module.wasm");
      await writeFile(path, bytes);
      await says(["run", path], 126, reason);
      const { stdout, code } = await run(["inspect", path]);
      assert.equal(code, 0);
      assert.match(stdout, /cannot run it:/);
      assert.match(stdout, reason);
    }
  });
});

test("an unknown option or command is named, with the nearest there is", async () => {
  const program = await compileGuest("hello");
  await says(
    ["run", "--volumes", "a:/b", program],
    2,
    /no option --volumes\. Did you mean --volume\?\nTry "weft run --help"\.\n$/,
  );
  await says(["run", "--dri", ".", program], 2, /no option --dri\. Did you mean --dir\?/);
  await says(["run", "--cwd", "/nope", program], 126, /"\/nope": .* --dir or --volume/);
  await says(["run", "--xyzzy", program], 2, /no option --xyzzy\.\nTry/);
  await says(["insect", program], 2, /no command insect\. Did you mean inspect\?/);
  await says(["inspect", "--jsn", program], 2, /Did you mean --json\?/);
  await says(["run", "\u001b[31m--red"], 127, /\\u\{1b\}\[31m--red: there is no such file/);
  await says(["run"], 2, /Which program\?/);
  await says(["run", ""], 2, /Which program\?/);
  await says(["inspect"], 2, /one \.wasm file/);
  await says([], 2, /What to do\?/);
  await says([""], 2, /What to do\?/);
});

test("values that make no sense are named with what would", async () => {
  const program = await compileGuest("hello");
  const wrong: [string[], RegExp][] = [
    [["--timeout", "soon"], /--timeout soon: write a number of seconds/],
    [["--timeout", "0"], /--timeout 0/],
    [["--max-memory", "lots"], /--max-memory lots: write a size/],
    [["--max-threads", "0"], /--max-threads 0: write a whole number/],
    [["--env", "=x"], /--env =x: write NAME=VALUE/],
    [["--volume", "here"], /--volume here: the path in the guest is missing/],
    [["--volume", ".:relative"], /must start with \//],
    [["--dir", ".:/a:/b:/c"], /too many colons/],
    [["--mapdir", "nothing"], /write GUEST:HOST/],
    [["--cwd", "relative"], /starts with \//],
    [["--quiet=yes"], /--quiet takes no value/],
  ];
  for (const [options, message] of wrong) await says(["run", ...options, program], 2, message);
  await says(["run", "--env"], 2, /--env needs a value/);
});

test("directories that cannot be mounted are named", async () => {
  const program = await compileGuest("hello");
  await says(["run", "--dir", "/no/such/place", program], 126, /\/no\/such\/place/);
  await says(["run", "--volume", `${program}:/d`, program], 126, /hello/);
});
