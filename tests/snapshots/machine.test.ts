/** Snapshots of machines in which no process lives: what comes back, here and in another process, and what is refused. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  archive,
  filesystem,
  Machine,
  memory,
  overlay,
  readOnly,
  WeftError,
} from "../../src/api/node.ts";
import { checksumOf } from "../../src/api/checksum.ts";
import type { RestoreOptions } from "../../src/api/restore.ts";
import { tarTree, zipTree } from "../support/archive-writer.ts";
import { openDescriptors } from "../support/hostfs-fixture.ts";
import { loadGuest, withMachine } from "../support/machine-guest.ts";
import { describeTree } from "../support/snapshot-tree.ts";

const child = fileURLToPath(new URL("../support/restore-child.js", import.meta.url));

/** Restores a snapshot, and closes the machine after the action. */
async function withRestored<T>(
  bytes: Uint8Array,
  options: RestoreOptions,
  action: (machine: Machine) => Promise<T>,
): Promise<T> {
  const machine = await Machine.restore(bytes, { debug: true, ...options });
  try {
    return await action(machine);
  } finally {
    await machine.close();
  }
}

/** Restores bytes that must be refused. */
async function refuses(
  bytes: Uint8Array,
  options: RestoreOptions,
  message: RegExp,
  code = "ERR_SNAPSHOT",
): Promise<void> {
  const descriptors = openDescriptors();
  await assert.rejects(
    Machine.restore(bytes, options),
    (error) =>
      error instanceof WeftError &&
      error.code === code &&
      (assert.match(error.message, message), true),
  );
  assert.equal(openDescriptors(), descriptors);
}

/** A directory of the host for the length of an action. */
async function withDirectory<T>(action: (directory: string) => Promise<T>): Promise<T> {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "weft-snapshot-")));
  try {
    return await action(directory);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

/** Fills a machine with files of every kind and runs programs in it. */
async function use(machine: Machine): Promise<void> {
  await machine.fs.mkdir("/a/b", { recursive: true });
  await machine.fs.writeFile("/a/text", "some text\n");
  await machine.fs.writeFile("/a/b/large", "0123456789".repeat(300_000));
  await machine.fs.rm("/a/link").catch(() => {});
  await machine.fs.symlink("text", "/a/link");
  await machine.fs.writeFile("/tmp/gone", "gone");
  await machine.fs.rm("/tmp/gone");
  await machine.fs.writeFile("/dev/shm/shared", "shared");
  assert.equal((await machine.run(await loadGuest(machine, "threads_hello"))).exitCode, 0);
  const writer = await machine.run(await loadGuest(machine, "copy_input"), {
    stdin: { text: "in" },
  });
  assert.equal(writer.stdout, "in");
}

const secondsOf = (uptime: string) => Number(uptime.split(" ")[0]);

test("files, times, ids and the clock come back in another process", async () => {
  await withDirectory(async (directory) => {
    const file = path.join(directory, "snapshot");
    const mounts = {
      "/scratch": memory(),
      "/tar": archive(tarTree({ d: null, "d/f": "in the archive", l: { link: "d/f" } })),
      "/zip": archive(zipTree({ "d/f": "compressed\n".repeat(1000) })),
      "/over": overlay({ lower: archive(tarTree({ e: null, "e/f": "below" })) }),
      "/fixed": readOnly(archive(tarTree({ f: "fixed" }))),
    };
    await withMachine({ mounts, files: { "/scratch/in": "a mount" } }, async (machine) => {
      await use(machine);
      await machine.fs.writeFile("/over/e/g", "above");
      await machine.fs.rm("/over/e/f");
      const tree = await describeTree(machine, "/");
      const { pid } = await machine.run(await loadGuest(machine, "hello"));
      const uptime = secondsOf(await machine.fs.readTextFile("/proc/uptime"));
      fs.writeFileSync(file, await machine.snapshot());
      const { stdout } = await promisify(execFile)(process.execPath, [
        ...process.execArgv,
        child,
        file,
        "{}",
      ]);
      const there = JSON.parse(stdout) as {
        tree: unknown;
        pid: number;
        stdout: string;
        uptime: string;
      };
      assert.deepEqual(there.tree, tree);
      assert.deepEqual([there.pid, there.stdout], [pid + 1, "hello, world\n"]);
      assert.ok(secondsOf(there.uptime) >= uptime && secondsOf(there.uptime) < uptime + 60);
      // The machine itself goes on.
      assert.equal((await machine.run(await loadGuest(machine, "hello"))).pid, pid + 1);
    });
  });
});

test("a restored machine is a machine: it changes, is put into a snapshot again, and leaves nothing", async () => {
  const first = await withMachine({ files: { "/f": "one" } }, async (machine) => {
    await use(machine);
    return machine.snapshot();
  });
  const second = await withRestored(first, {}, async (machine) => {
    assert.equal(await machine.fs.readTextFile("/f"), "one");
    await use(machine);
    await machine.fs.appendFile("/f", " two");
    return machine.snapshot({ compress: true });
  });
  assert.ok(second.length < first.length / 4);
  for (const _ of [1, 2])
    await withRestored(second, { maxProcesses: 3 }, async (machine) => {
      assert.equal(await machine.fs.readTextFile("/f"), "one two");
      const { stdout } = await machine.run(await loadGuest(machine, "threads_hello"));
      assert.notEqual(stdout, "");
    });
});

test("host directories come back where the options name them, and only there", async () => {
  await withDirectory(async (directory) => {
    for (const name of ["one/sub", "two/sub", "layer/d", "layer2/d"])
      fs.mkdirSync(path.join(directory, name), { recursive: true });
    const at = (name: string) => path.join(directory, name);
    fs.writeFileSync(at("one/f"), "one");
    fs.writeFileSync(at("two/f"), "two");
    fs.writeFileSync(at("layer/d/low"), "low");
    fs.writeFileSync(at("layer2/d/low"), "other");
    fs.writeFileSync(at("a.tar"), tarTree({ f: "packed" }));
    const own = filesystem({
      stat: (name) => (name === "" ? { kind: "directory" } : { kind: "file", size: 3 }),
      readdir: () => ["f"],
      read: (_, offset, length) =>
        new TextEncoder().encode("own").subarray(offset, offset + length),
    });
    const mountsOf = (root: string, layer: string) => ({
      "/": at(root),
      "/host": { hostPath: at(root) },
      "/fixed": { hostPath: at(root), readOnly: true },
      "/over": overlay({ lower: at(layer) }),
      "/tar": archive(at("a.tar")),
      "/own": own,
    });
    const inMemory = { "/over/d/in": memory(), "/host/sub": memory() };
    const files = { "/over/d/in/f": "inside", "/host/sub/g": "kept" };
    const bytes = await withMachine(
      { mounts: { ...mountsOf("one", "layer"), ...inMemory }, files },
      async (machine) => {
        await machine.fs.writeFile("/over/d/high", "high");
        assert.equal((await machine.run(await loadGuest(machine, "hello"))).exitCode, 0);
        return machine.snapshot();
      },
    );
    const names = ["/", "/host", "/fixed", "/over", "/tar", "/own"];
    for (const name of names) await refuses(bytes, {}, new RegExp(`mount again .*"${name}" \\(`));
    const mounts = mountsOf("two", "layer2");
    await refuses(bytes, { mounts: { ...mounts, "/more": memory() } }, /"\/more"/, "ERR_OPTION");
    await refuses(bytes, { mounts: { ...mounts, "/tar": at("one") } }, /an archive/, "ERR_OPTION");
    await refuses(bytes, { mounts: { ...mounts, "/": at("none") } }, /ENOENT/, "ERR_MOUNT");
    const descriptors = openDescriptors();
    await withRestored(bytes, { mounts }, async (machine) => {
      const read = (name: string) => machine.fs.readTextFile(name);
      assert.equal(await read("/f"), "two");
      assert.equal(await read("/host/f"), "two");
      assert.equal(await read("/host/sub/g"), "kept");
      assert.equal(await read("/over/d/low"), "other");
      assert.equal(await read("/over/d/high"), "high");
      assert.equal(await read("/over/d/in/f"), "inside");
      assert.equal(await read("/tar/f"), "packed");
      assert.equal(await read("/own/f"), "own");
      await assert.rejects(machine.fs.writeFile("/fixed/g", ""), { errno: "EROFS" });
      await machine.fs.writeFile("/g", "written");
      const program = await loadGuest(machine, "show_files");
      const { stdout } = await machine.run(program, { args: ["/g", "/over/d/low", "/own/f"] });
      assert.equal(stdout, "writtenotherown");
    });
    assert.equal(openDescriptors(), descriptors);
    assert.equal(fs.readFileSync(at("two/g"), "utf8"), "written");
  });
});

test("no snapshot is taken while a process lives, and the machine goes on", async () => {
  await withMachine({}, async (machine) => {
    const copy = await machine.spawn(await loadGuest(machine, "copy_input"), { stdin: "pipe" });
    await assert.rejects(machine.snapshot({ timeout: 50 }), {
      code: "ERR_SNAPSHOT",
      message:
        /thread 1 of process 1 \(copy_input\), whose program does not carry asyncify \(weft instrument\)/,
    });
    await copy.stdin!.write("text");
    await copy.stdin!.end();
    await copy.exited();
    assert.equal((await copy.wait()).stdout, "text");
    await machine.snapshot();
  });
  const machine = await Machine.create();
  await machine.close();
  await assert.rejects(machine.snapshot(), { code: "ERR_CLOSED" });
});

test("what the host program has not read of a process that has ended is not in the snapshot", async () => {
  await withMachine({}, async (machine) => {
    const hello = await machine.spawn(await loadGuest(machine, "hello"));
    await hello.ended;
    const bytes = await machine.snapshot();
    await withRestored(bytes, {}, async (other) => {
      assert.deepEqual(other.ledger().Pipe, undefined);
    });
    assert.equal(await hello.stdout!.text(), "hello, world\n");
  });
});

test("bytes that are no snapshot, damaged, cut off, too large or of another build are refused", async () => {
  const bytes = await withMachine({ files: { "/f": "x".repeat(10 ** 6) } }, (machine) =>
    machine.snapshot(),
  );
  const changed = (at: number, value: number, from = bytes) => {
    const copy = from.slice();
    copy[at] = value;
    return copy;
  };
  await refuses(new Uint8Array(0), {}, /no snapshot/);
  await refuses(new TextEncoder().encode("hello".repeat(100)), {}, /no snapshot/);
  await refuses(changed(40, 99), {}, /format 99/);
  await refuses(changed(bytes.length - 1, 1), {}, /damaged/);
  await refuses(bytes.subarray(0, bytes.length - 1), {}, /damaged/);
  await refuses(bytes, { maxKernelMemory: 2 ** 20 }, /maxKernelMemory/);

  /** The same with another digest: what nothing but somebody's will does. */
  const forged = async (change: (bytes: Uint8Array, view: DataView) => Uint8Array | undefined) => {
    const copy = bytes.slice();
    const made = change(copy, new DataView(copy.buffer)) ?? copy;
    made.set(checksumOf(made.subarray(40)), 8);
    return made;
  };
  const length = new DataView(bytes.buffer).getUint32(56, true);
  const json = Buffer.from(bytes).toString("latin1", 60, 60 + length);
  const numbers = 60 + length;
  const manifest = (text: string) => (copy: Uint8Array) => {
    const made = Buffer.concat([copy.subarray(0, 60), Buffer.from(text), copy.subarray(numbers)]);
    made.writeUInt32LE(text.length, 56);
    made.writeBigUInt64LE(BigInt(made.length - 56), 48);
    return new Uint8Array(made);
  };
  const shape = /"Mount":(-?\d+)/.exec(json)!;
  await refuses(
    await forged(manifest(json.replace(shape[0], `"Mount":${Number(shape[1]) + 1}`))),
    {},
    /another build of Weft: its records of kind Mount/,
  );
  await refuses(await forged(manifest("{")), {}, /no JSON/);
  await refuses(await forged(manifest("null")), {}, /manifest lacks/);
  for (const [from, to] of [
    ['"carriers":[', '"carriers":[7'],
    ['"clock":', '"clock":"1","old":'],
    ['"processes":[', '"processes":[{"process":64,"program":0,"size":1,"pages":0}'],
    ['"programs":[', '"programs":[{"name":1}'],
  ])
    await refuses(await forged(manifest(json.replace(from, to))), {}, /manifest lacks/);
  await refuses(await forged(manifest(json.replace('"pages":', '"pages":9'))), {}, /do not fit/);
  await refuses(
    await forged((_, view) => void view.setUint32(56, 2 ** 31, true)),
    {},
    /do not fit/,
  );
  await refuses(await forged((_, view) => void view.setUint32(44, 1, true)), {}, /decompressed/);
  await refuses(
    await forged((_, view) => void view.setUint32(numbers, 3, true)),
    {},
    /no kernel heap/,
  );
  await refuses(
    await forged((_, view) => void view.setUint32(numbers + 4, 2 ** 30, true)),
    {},
    /damaged/,
  );
  const small = await withMachine({}, (machine) => machine.snapshot({ compress: true }));
  const bomb = small.slice();
  new DataView(bomb.buffer).setBigUint64(48, 100n, true);
  bomb.set(checksumOf(bomb.subarray(40)), 8);
  await refuses(bomb, {}, /holds more than it says/);
});

test("heaps with random words changed are refused or break their machine alone", async () => {
  const bytes = await withMachine({ files: { "/f": "text" } }, (machine) => machine.snapshot());
  let state = 7;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  // The header's words, which sizes and the place of everything follow from.
  const length = new DataView(bytes.buffer).getUint32(56, true);
  const { pages } = JSON.parse(Buffer.from(bytes).toString("latin1", 60, 60 + length)) as {
    pages: number;
  };
  const header = 60 + length + pages * 4;
  for (let round = 0; round < 40; round++) {
    const copy = bytes.slice();
    new DataView(copy.buffer).setUint32(header + (random() % 12) * 4, random(), true);
    copy.set(checksumOf(copy.subarray(40)), 8);
    await Machine.restore(copy).then(
      () => {},
      (error: unknown) => assert.ok(error instanceof Error),
    );
  }
});
