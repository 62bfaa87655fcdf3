import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { zipTree } from "../support/archive-writer.ts";
import { compileGuest } from "../support/compile.ts";
import { command, run, withDirectory } from "./command.ts";

test("a program prints, and its exit code is the command's", async () => {
  const ended = await run(["run", await compileGuest("hello")]);
  assert.deepEqual(ended, { code: 0, signal: null, stdout: "hello, world\n", stderr: "" });
  for (const code of [1, 7, 255]) {
    assert.equal((await run(["run", await compileGuest("exit_with"), String(code)])).code, code);
  }
});

test("the word run can be left out", async () => {
  const { stdout } = await run([await compileGuest("hello")]);
  assert.equal(stdout, "hello, world\n");
  const { code } = await run(["--quiet", await compileGuest("exit_with"), "3"]);
  assert.equal(code, 3);
});

test("everything after the program is the program's, also what looks like an option", async () => {
  const words = ["one two", "--env", "--", "-q", "--help", "", "ünïcödé"];
  const { stdout, code } = await run(["run", "-q", await compileGuest("echo_arguments"), ...words]);
  assert.equal(stdout, words.map((word) => `${word}\n`).join(""));
  assert.equal(code, words.length);
});

test("a program gets the variables it is given and no others", async () => {
  const program = await compileGuest("show_environment");
  const env = { COPIED: "from the host", HIDDEN: "from the host" };
  const { stdout } = await run(
    [
      "run",
      "--env",
      "A=1",
      "--env=B=x=y",
      "--env",
      "COPIED",
      "--env",
      "MISSING",
      "--argv0",
      "me",
      program,
    ],
    { env },
  );
  assert.equal(stdout, "me\nA=1\nB=x=y\nCOPIED=from the host\n");
  const all = await run(["run", "--forward-host-env", "--env", "A=1", program], { env });
  assert.match(all.stdout, /^HIDDEN=from the host$/m);
  assert.match(all.stdout, /^A=1$/m);
});

test("a program reads its standard input to the end", async () => {
  const text = "line\n".repeat(50_000);
  const { stdout, code } = await run(["run", await compileGuest("copy_input")], { stdin: text });
  assert.equal(code, 0);
  assert.equal(stdout.length, text.length);
  assert.equal(stdout, text);
});

test("a program with threads reads its standard input to the end", async () => {
  const text = "line\n".repeat(50_000);
  const program = await compileGuest("threads_copy_input");
  const { stdout, code, stderr } = await run(["run", program], { stdin: text });
  assert.equal(stderr, "");
  assert.equal(stdout.length, text.length);
  assert.equal(code, 50_000 & 0xff);
});

test("a program with threads that reads nothing takes nothing from its input", async () => {
  const program = await compileGuest("threads_hello");
  const shell = spawn("sh", ["-c", '"$0" "$1" run "$2"; cat', process.execPath, command, program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  shell.stdin.end("left over\n");
  let output = "";
  for await (const chunk of shell.stdout) output += String(chunk);
  assert.equal(output, "4 threads: sum 500500\nleft over\n");
});

test("a program with threads runs, and the command ends although its input stays open", async () => {
  const { start } = await import("./command.ts");
  const { child, ended } = start(["run", await compileGuest("threads_hello")]);
  assert.equal((await ended).stdout, "4 threads: sum 500500\n");
  child.stdin!.destroy();
});

test("a program sees the directories it is given, under their names", async () => {
  const program = await compileGuest("use_files");
  await withDirectory(async (path) => {
    await mkdir(join(path, "data"));
    await writeFile(join(path, "data/a.txt"), "content of a\n");
    for (const options of [
      ["--volume", `${join(path, "data")}:/d`],
      ["--dir", `${join(path, "data")}:/d`],
      ["--dir", `${join(path, "data")}:/d:ro`],
      ["--mapdir", `/d:${join(path, "data")}`],
    ]) {
      const ended = await run(["run", ...options, program, "read", "/d/a.txt"]);
      assert.deepEqual(ended, { code: 0, signal: null, stdout: "content of a\n", stderr: "" });
    }
    const written = await run([
      "run",
      "--volume",
      `${join(path, "data")}:/d`,
      program,
      "write",
      "/d/b.txt",
      "new",
    ]);
    assert.equal(written.code, 0, written.stderr);
    assert.equal(await readFile(join(path, "data/b.txt"), "utf8"), "new");
  });
});

test("--dir alone gives a directory its own path, so relative and absolute names mean the same", async () => {
  const program = await compileGuest("use_files");
  await withDirectory(async (path) => {
    await mkdir(join(path, "data"));
    await writeFile(join(path, "data/a.txt"), "content of a\n");
    for (const [dir, name] of [
      [".", "data/a.txt"],
      [".", join(path, "data/a.txt")],
      ["data", "data/a.txt"],
      [path, "./data/../data/a.txt"],
    ]) {
      const { stdout, stderr } = await run(["run", "--dir", dir, program, "read", name], {
        cwd: path,
      });
      assert.equal(stdout, "content of a\n", `--dir ${dir}, ${name}: ${stderr}`);
    }
  });
});

test("--cwd is where relative names begin", async () => {
  const program = await compileGuest("use_files");
  await withDirectory(async (path) => {
    await writeFile(join(path, "a.txt"), "content of a\n");
    const words = [
      "run",
      "--volume",
      `${path}:/in/here`,
      "--cwd",
      "/in/here",
      program,
      "read",
      "a.txt",
    ];
    assert.equal((await run(words)).stdout, "content of a\n");
    const missing = await run(["run", "--cwd", "/nowhere", program, "read", "a.txt"]);
    assert.equal(missing.code, 126);
    assert.match(missing.stderr, /nowhere/);
  });
});

test("a program cannot write to a read-only directory, nor reach what it was not given", async () => {
  const program = await compileGuest("use_files");
  await withDirectory(async (path) => {
    await mkdir(join(path, "given"));
    await writeFile(join(path, "secret.txt"), "secret");
    await symlink(join(path, "secret.txt"), join(path, "given/link"));
    const words = ["run", "--volume", `${join(path, "given")}:/d:ro`, program];
    const written = await run([...words, "write", "/d/b.txt", "new"]);
    assert.match(written.stderr, /Read-only file system/);
    assert.notEqual(written.code, 0);
    for (const name of ["/d/../secret.txt", "/d/link", join(path, "secret.txt")]) {
      const { code, stdout } = await run([...words, "read", name]);
      assert.equal(stdout, "");
      assert.notEqual(code, 0);
    }
  });
});

test("a trap tells its thread, its kind and the guest's functions, innermost first", async () => {
  const ended = await run(["run", await compileGuest("trap_in_function")]);
  assert.equal(ended.code, 45);
  assert.equal(ended.stdout, "");
  assert.match(
    ended.stderr,
    /^weft: thread \d+ of process \d+ \(trap_in_function[^)]*\): .*divide by zero/,
  );
  assert.match(ended.stderr, /divide_by_zero[^]*prepare_the_fall/);
  assert.doesNotMatch(ended.stderr, /cli\.cjs|node:internal/);

  const inThread = await run(["run", await compileGuest("threads_trap")]);
  assert.equal(inThread.code, 129);
  assert.match(inThread.stderr, /unreachable/);

  const quiet = await run(["run", "--quiet", await compileGuest("trap_in_function")]);
  assert.equal(quiet.code, 45);
  assert.equal(quiet.stderr, "");
});

test("--trace writes the program's calls, to standard error or a file", async () => {
  const program = await compileGuest("hello");
  const traced = await run(["run", "--trace", program]);
  assert.equal(traced.stdout, "hello, world\n");
  assert.match(traced.stderr, /^.*fd_write\(1, .*\) = .*$/m);
  await withDirectory(async (path) => {
    const file = join(path, "trace.txt");
    const ended = await run(["run", `--trace=${file}`, program]);
    assert.equal(ended.stderr, "");
    assert.match(await readFile(file, "utf8"), /^.*fd_write\(1, .*\) = .*$/m);
    const threads = await run(["run", `--trace=${file}`, await compileGuest("threads_hello")]);
    assert.equal(threads.code, 0);
    assert.match(await readFile(file, "utf8"), /thread_spawn_v2\(/);
  });
});

test("a reader that goes away ends a program's writing, and a command that only prints", async () => {
  const shell = async (...words: string[]) => {
    const child = spawn("sh", [
      "-c",
      '("$0" "$@"; echo "code $?" >&2) | head -n 1',
      process.execPath,
      command,
      ...words,
    ]);
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    await once(child, "close");
    return { output, errors };
  };
  const writing = await shell("run", await compileGuest("write_forever"));
  assert.equal(writing.output, "a line\n");
  // The program's own end, by SIGPIPE or with the errno EPIPE, of which nothing is said.
  assert.match(writing.errors, /^code (141|64)\n$/);
  const listing = await shell("syscalls");
  assert.match(listing.output, /^wasi_snapshot_preview1/);
  assert.equal(listing.errors, "code 0\n");
});

test("limits of memory and threads hold", async () => {
  const program = await compileGuest("threads_hello");
  const few = await run(["run", "--max-threads", "2", program]);
  assert.notEqual(few.code, 0);
  const small = await run(["run", "--max-memory", "64KiB", program]);
  assert.equal(small.code, 126);
  assert.match(small.stderr, /memory/);
  const enough = await run(["run", "--max-memory=512MiB", "--max-threads=8", program]);
  assert.equal(enough.stdout, "4 threads: sum 500500\n");
});

test("archives and overlays are mounted by their paths", async () => {
  const program = await compileGuest("use_files");
  await withDirectory(async (directory) => {
    await mkdir(join(directory, "lower"));
    await mkdir(join(directory, "upper"));
    await writeFile(join(directory, "lower", "file"), "lower");
    await writeFile(join(directory, "more.zip"), zipTree({ zipped: "in the archive" }));
    const options = { cwd: directory };
    const zip = await run(["--volume", "more.zip:/z", program, "read", "/z/zipped"], options);
    assert.equal(zip.stdout, "in the archive", zip.stderr);
    const layers = ["--overlay", "lower,more.zip:/w"];
    assert.equal((await run([...layers, program, "write", "/w/file", "x"], options)).code, 0);
    assert.equal((await run([...layers, program, "read", "/w/file"], options)).stdout, "lower");
    assert.equal(
      (await run([...layers, program, "read", "/w/zipped"], options)).stdout,
      "in the archive",
    );
    const kept = ["--overlay", "lower:/w:upper"];
    assert.equal((await run([...kept, program, "write", "/w/file", "changed"], options)).code, 0);
    assert.equal((await run([...kept, program, "read", "/w/file"], options)).stdout, "changed");
    assert.equal(await readFile(join(directory, "lower", "file"), "utf8"), "lower");
    assert.equal(await readFile(join(directory, "upper", "file"), "utf8"), "changed");
    for (const wrong of ["lower", "lower:w", ":/w", "lower,:/w", "lower:/w:", "a:/b:c:d"]) {
      const { code, stderr } = await run(["--overlay", wrong, program, "read", "/w/file"], options);
      assert.equal(code, 2);
      assert.match(stderr, /write HOST:GUEST or HOST,HOST:GUEST:CHANGES/);
    }
  });
});
