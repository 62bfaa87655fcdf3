/** Filesystems that a library user writes: programs on other threads ask them and wait; errors, promises, kills. */
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  filesystem,
  Machine,
  type MachineEvent,
  overlay,
  type UserFileStat,
  type UserFilesystem,
} from "../../src/api/node.ts";
import { loadGuest, withMachine } from "../support/machine-guest.ts";

const EACCES = 2;
const EIO = 29;
const EROFS = 69;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The example of the documentation: read-only and small. */
const hello: UserFilesystem = {
  stat: (path) =>
    path === ""
      ? { kind: "directory" }
      : path === "hello.txt"
        ? { kind: "file", size: 6 }
        : undefined,
  readdir: () => ["hello.txt"],
  read: (_path, offset, length) => encoder.encode("hello\n").subarray(offset, offset + length),
};

/** Files in a map, to be written too; every answer comes later if asked to. */
class MapFilesystem implements UserFilesystem {
  readonly files = new Map<string, Uint8Array | null>([["", null]]);

  constructor(private readonly isLate: boolean) {}

  private later<T>(value: T): T | Promise<T> {
    return this.isLate ? delay(1, value) : value;
  }

  stat(path: string) {
    const content = this.files.get(path);
    const stat: UserFileStat | undefined =
      content === undefined
        ? undefined
        : content === null
          ? { kind: "directory" }
          : { kind: "file", size: content.length, modified: new Date(1_600_000_000_123) };
    return this.later(stat);
  }
  readdir(path: string) {
    const prefix = path === "" ? "" : `${path}/`;
    const below = [...this.files.keys()].filter((name) => name !== "" && name.startsWith(prefix));
    return this.later(
      below.map((name) => name.slice(prefix.length)).filter((name) => !name.includes("/")),
    );
  }
  read(path: string, offset: number, length: number) {
    return this.later(this.files.get(path)!.slice(offset, offset + length));
  }
  write(path: string, offset: number, bytes: Uint8Array) {
    const old = this.files.get(path)!;
    const content = new Uint8Array(Math.max(old.length, offset + bytes.length));
    content.set(old);
    content.set(bytes, offset);
    this.files.set(path, content);
  }
  create(path: string, kind: "file" | "directory") {
    this.files.set(path, kind === "file" ? new Uint8Array(0) : null);
  }
  truncate(path: string, size: number) {
    const content = new Uint8Array(size);
    content.set(this.files.get(path)!.subarray(0, size));
    this.files.set(path, content);
  }
  remove(path: string) {
    this.files.delete(path);
  }
  rename(from: string, to: string) {
    for (const [name, content] of [...this.files]) {
      if (name !== from && !name.startsWith(`${from}/`)) continue;
      this.files.delete(name);
      this.files.set(to + name.slice(from.length), content);
    }
  }
}

test("programs read it, from several threads at once, and cannot write to what has no method for it", async () => {
  await withMachine({ mounts: { "/h": filesystem(hello) } }, async (machine) => {
    const program = await loadGuest(machine, "use_files");
    const runs = [1, 2, 3, 4].map(() => machine.run(program, { args: ["read", "/h/hello.txt"] }));
    for (const { stdout, exitCode } of await Promise.all(runs)) {
      assert.deepEqual([stdout, exitCode], ["hello\n", 0]);
    }
    const { exitCode } = await machine.run(program, { args: ["write", "/h/hello.txt", "x"] });
    assert.equal(exitCode, EROFS);
    assert.equal(await machine.fs.readTextFile("/h/hello.txt"), "hello\n");
    assert.deepEqual(await machine.fs.readdir("/h"), [{ name: "hello.txt", kind: "file" }]);
    await assert.rejects(machine.fs.readFile("/h/none"), /ENOENT/);
    await assert.rejects(machine.fs.writeFile("/h/new", ""), /EROFS/);
    await assert.rejects(machine.fs.readdir("/h/hello.txt"), /ENOTDIR/);
  });
});

for (const isLate of [false, true]) {
  test(`programs write to it, ${isLate ? "answers coming later" : "answers coming at once"}`, async () => {
    const files = new MapFilesystem(isLate);
    files.create("d", "directory");
    files.files.set("big", encoder.encode("0123456789".repeat(300_000)));
    await withMachine({ mounts: { "/m": filesystem(files) } }, async (machine) => {
      const program = await loadGuest(machine, "use_files");
      const run = (...args: string[]) => machine.run(program, { args });
      assert.equal((await run("write", "/m/d/new", "written")).exitCode, 0);
      assert.equal(decoder.decode(files.files.get("d/new")!), "written");
      assert.equal((await run("write", "/m/d/new", "cut")).exitCode, 0);
      assert.equal((await run("read", "/m/d/new")).stdout, "cut");
      assert.equal((await run("read", "/m/big")).stdout.length, 3_000_000);
      assert.notEqual((await run("read", "/m/d/none")).exitCode, 0);
    });
  });
}

test("the host's side does all that POSIX wants checked", async () => {
  const files = new MapFilesystem(false);
  await withMachine({ mounts: { "/m": filesystem(files) } }, async (machine) => {
    const { fs } = machine;
    await fs.mkdir("/m/a/b", { recursive: true });
    await fs.writeFile("/m/a/b/f", "1");
    await fs.appendFile("/m/a/b/f", "2");
    assert.equal(await fs.readTextFile("/m/a/b/f"), "12");
    assert.equal((await fs.stat("/m/a/b/f")).modified.getTime(), 1_600_000_000_123);
    await assert.rejects(fs.mkdir("/m/a"), /EEXIST/);
    await assert.rejects(fs.rename("/m/a", "/m/a/b/c"), /EINVAL/);
    await assert.rejects(fs.rename("/m/a", "/m/a/b/f"), /EINVAL|ENOTDIR/);
    await fs.mkdir("/m/c");
    await assert.rejects(fs.rename("/m/a/b/f", "/m/c"), /EISDIR/);
    await assert.rejects(fs.rename("/m/c", "/m/a"), /ENOTEMPTY/);
    await fs.rename("/m/a/b", "/m/c");
    assert.equal(await fs.readTextFile("/m/c/f"), "12");
    assert.equal(await fs.readTextFile("/m/c/../c/./f"), "12");
    await assert.rejects(fs.symlink("x", "/m/l"), /EROFS/);
    await fs.rm("/m/c", { recursive: true });
    assert.deepEqual([...files.files.keys()], ["", "a"]);
  });
});

test("what a method throws is the errno it names, or EIO with an event that has the cause", async () => {
  const cause = new Error("the database is away");
  const broken: UserFilesystem = {
    stat: (path) => {
      if (path === "refused") throw Object.assign(new Error("no"), { code: "EACCES" });
      if (path === "now") throw cause;
      if (path === "later") return Promise.reject(cause);
      if (path === "odd") return { kind: "socket" as "file" };
      return { kind: path === "" ? "directory" : "file", size: 5 };
    },
    readdir: () => ["a/b"],
    read: (path) => (path === "long" ? new Uint8Array(2 ** 21) : ("text" as unknown as Uint8Array)),
  };
  await withMachine({ mounts: { "/b": filesystem(broken) } }, async (machine) => {
    const program = await loadGuest(machine, "use_files");
    const events: MachineEvent[] = [];
    machine.onEvent((event) => void (event.type === "filesystem-error" && events.push(event)));
    const read = async (name: string) => {
      const { exitCode } = await machine.run(program, { args: ["read", `/b/${name}`] });
      return exitCode;
    };
    assert.equal(await read("refused"), EACCES);
    assert.equal(events.length, 0);
    for (const name of ["now", "later", "odd"]) assert.equal(await read(name), EIO, name);
    assert.deepEqual(events.slice(0, 2), [
      { type: "filesystem-error", pid: 0, operation: "stat", path: "now", cause },
      { type: "filesystem-error", pid: 0, operation: "stat", path: "later", cause },
    ]);
    for (const name of ["long", "text"])
      await assert.rejects(machine.fs.readFile(`/b/${name}`), /EIO/);
    await assert.rejects(machine.fs.readdir("/b"), /EIO/);
    await assert.rejects(machine.fs.readFile("/b/later"), /ENOTSUP/);
  });
});

test("a program that waits for an answer that never comes can be killed, and the machine closes", async () => {
  const asked: string[] = [];
  let note = (): void => {};
  const silent: UserFilesystem = {
    ...hello,
    read: (path) => {
      asked.push(path);
      note();
      return new Promise(() => {});
    },
  };
  await withMachine({ mounts: { "/s": filesystem(silent) } }, async (machine) => {
    const program = await loadGuest(machine, "use_files");
    for (const end of ["kill", "timeout", "close"]) {
      const reached = new Promise<void>((resolve) => {
        note = resolve;
      });
      const options = {
        args: ["read", "/s/hello.txt"],
        ...(end === "timeout" ? { timeout: 100 } : {}),
      };
      const process = await machine.spawn(program, options);
      await reached;
      if (end === "kill") process.kill();
      if (end === "close") break;
      const { exitCode } = await process.wait();
      assert.notEqual(exitCode, 0);
    }
    assert.equal(asked.length, 3);
  });
});

test("an answer that comes after the program was killed is thrown away", async () => {
  let answer = (_bytes: Uint8Array): void => {};
  let note = (): void => {};
  const slow: UserFilesystem = {
    ...hello,
    read: () => {
      note();
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
  };
  await withMachine({ mounts: { "/s": filesystem(slow) } }, async (machine) => {
    const program = await loadGuest(machine, "use_files");
    for (let round = 0; round < 3; round++) {
      const reached = new Promise<void>((resolve) => {
        note = resolve;
      });
      const process = await machine.spawn(program, { args: ["read", "/s/hello.txt"] });
      await reached;
      process.kill();
      await process.wait();
      answer(encoder.encode("too late"));
    }
  });
});

test("nothing is mounted inside it, and it is no layer", async () => {
  const own = filesystem(hello);
  for (const mounts of [
    { "/h": filesystem(new MapFilesystem(false)), "/h/inside": "." },
    { "/o": overlay({ lower: own }) },
  ]) {
    await assert.rejects(Machine.create({ mounts }), { name: "WeftError", code: "ERR_OPTION" });
  }
});
