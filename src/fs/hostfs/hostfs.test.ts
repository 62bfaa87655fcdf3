import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import { Fdflags } from "../../abi/flags.ts";
import { KernelMemory, readLedger } from "../../shm/index.ts";
import { Inode, IS_SYMLINK, Open, OpenFile, Vfs } from "../../vfs/index.ts";
import { NodeFiles } from "../../hosts/node/files.ts";
import { HostMount, hostMountOf } from "./directory.ts";
import {
  type Entry,
  type Fixture,
  join64,
  makeFixture,
  nameOf,
  timesOf,
} from "../../../tests/support/hostfs-fixture.ts";
import { createHostfs } from "./index.ts";

const { read, write, create, exclusive, truncate, directory, unseen } = Open;

function withFixture(
  name: string,
  run: (machine: Fixture) => void,
  options: Parameters<typeof makeFixture>[0] = {},
): void {
  test(name, () => {
    const machine = makeFixture(options);
    try {
      run(machine);
    } catch (error) {
      fs.rmSync(path.dirname(machine.directory), { recursive: true, force: true });
      throw error;
    }
    machine.end();
  });
}

for (const pins of [true, false]) {
  const how = pins ? "" : " (by path)";

  withFixture(
    `files are made, written, read and removed${how}`,
    (machine) => {
      const { vfs, driver, memory } = machine;
      assert.equal(machine.open("none", read), -Errno.ENOENT);
      const file = machine.open("new", read | write | create | exclusive);
      assert.ok(file > 0);
      assert.equal(machine.open("new", write | create | exclusive), -Errno.EEXIST);
      assert.equal(machine.write(file, "hello "), 6);
      assert.equal(machine.write(file, "world"), 5);
      assert.equal(machine.read(file), "");
      assert.equal(machine.read(file, 5, 6), "world");
      assert.equal(OpenFile.offset.get(memory, file), 11);
      assert.equal(vfs.operationsOf(file).size(vfs, file), 11);
      assert.equal(vfs.operationsOf(file).setSize(vfs, file, 5), 0);
      assert.equal(machine.read(file, 100, 0), "hello");
      assert.equal(vfs.operationsOf(file).allocate(vfs, file, 3), 0);
      assert.equal(vfs.operationsOf(file).allocate(vfs, file, 8), 0);
      assert.equal(machine.read(file, 100, 0), "hello\0\0\0");
      assert.equal(vfs.operationsOf(file).sync(vfs, file, true), 0);
      assert.equal(vfs.operationsOf(file).sync(vfs, file, false), 0);
      assert.equal(fs.readFileSync(path.join(machine.directory, "new"), "latin1"), "hello\0\0\0");
      machine.close(machine.open("new", write | truncate));
      assert.equal(vfs.operationsOf(file).size(vfs, file), 0);
      assert.equal(driver.unlinkAt(vfs, machine.root, nameOf("new")), 0);
      assert.equal(driver.unlinkAt(vfs, machine.root, nameOf("new")), -Errno.ENOENT);
      // It lives on as long as it is open.
      assert.equal(machine.write(file, "x", 0), 1);
      machine.close(file);
    },
    { pins },
  );

  withFixture(
    `directories are made, walked, renamed and removed${how}`,
    (machine) => {
      const { vfs, driver, root } = machine;
      assert.equal(driver.makeDirectoryAt(vfs, root, nameOf("a")), 0);
      assert.equal(driver.makeDirectoryAt(vfs, root, nameOf("a")), -Errno.EEXIST);
      const a = machine.enter("a");
      assert.equal(machine.enter("a"), a);
      assert.equal(driver.makeDirectoryAt(vfs, a, nameOf("b")), 0);
      const b = machine.enter("a/b");
      assert.equal(machine.enter("a/b/.."), a);
      assert.equal(machine.enter("../..", a), root);
      assert.equal(machine.enter("/a/../../a/./b"), b);
      assert.equal(driver.removeDirectoryAt(vfs, root, nameOf("a")), -Errno.ENOTEMPTY);
      fs.writeFileSync(path.join(machine.directory, "a/b/file"), "text");
      assert.equal(machine.readFile("file", b), "text");
      assert.equal(machine.readFile("a/b/file/more"), -Errno.ENOTDIR);
      assert.equal(machine.readFile("a/none/file"), -Errno.ENOENT);
      assert.equal(machine.open("a", write), -Errno.EISDIR);
      assert.equal(machine.open("a/b/file", read | directory), -Errno.ENOTDIR);
      assert.equal(driver.unlinkAt(vfs, root, nameOf("a")), -Errno.EISDIR);
      assert.equal(driver.removeDirectoryAt(vfs, b, nameOf("file")), -Errno.ENOTDIR);
      assert.equal(driver.renameAt(vfs, b, nameOf("file"), root, nameOf("file")), 0);
      assert.equal(machine.readFile("/file"), "text");
      assert.equal(driver.renameAt(vfs, root, nameOf("a"), b, nameOf("a")), -Errno.EINVAL);
      assert.equal(driver.linkAt(vfs, root, nameOf("file"), b, nameOf("twin")), 0);
      assert.equal(machine.statAt("a/b/twin"), 0);
      assert.equal(machine.stat.links, 2);
      assert.equal(driver.linkAt(vfs, root, nameOf("a"), b, nameOf("c")), -Errno.EPERM);
      assert.equal(driver.unlinkAt(vfs, b, nameOf("twin")), 0);
      assert.equal(driver.removeDirectoryAt(vfs, a, nameOf("b")), 0);
      for (const kept of [a, a, b, a, root, b]) machine.drop(kept);
    },
    { pins },
  );

  withFixture(
    `symbolic links are walked in the guest's tree${how}`,
    (machine) => {
      const { vfs, driver, root } = machine;
      fs.mkdirSync(path.join(machine.directory, "etc/deep"), { recursive: true });
      fs.writeFileSync(path.join(machine.directory, "etc/passwd"), "ours");
      const link = (name: string, target: string) =>
        driver.symlinkAt(vfs, root, nameOf(name), Buffer.from(target));
      assert.equal(link("absolute", "/etc/passwd"), 0);
      assert.equal(link("upward", "../../../../etc/passwd"), 0);
      assert.equal(link("directory", "/etc"), 0);
      assert.equal(link("loop", "loop"), 0);
      assert.equal(link("nowhere", "/none"), 0);
      assert.equal(link("loop", "x"), -Errno.EEXIST);
      assert.equal(machine.readFile("absolute"), "ours");
      assert.equal(machine.readFile("upward"), "ours");
      assert.equal(machine.readFile("directory/passwd"), "ours");
      assert.equal(machine.readFile("directory/deep/../passwd"), "ours");
      assert.equal(machine.readFile("loop"), -Errno.ELOOP);
      assert.equal(machine.readFile("nowhere"), -Errno.ENOENT);
      assert.equal(driver.openAt(vfs, root, nameOf("absolute"), read, 0), IS_SYMLINK);
      assert.equal(driver.openAt(vfs, root, nameOf("directory"), read | directory, 0), IS_SYMLINK);
      assert.equal(
        driver.openAt(vfs, root, nameOf("nowhere"), write | create | exclusive, 0),
        -Errno.EEXIST,
      );
      const into = new Uint8Array(20);
      assert.equal(driver.readlinkAt(vfs, root, nameOf("absolute"), into), 11);
      assert.equal(driver.readlinkAt(vfs, root, nameOf("absolute"), into.subarray(0, 4)), 4);
      assert.equal(driver.readlinkAt(vfs, root, nameOf("etc"), into), -Errno.EINVAL);
      assert.equal(machine.statAt("absolute"), 0);
      assert.equal(machine.stat.type, Filetype.SYMBOLIC_LINK);
      assert.equal(machine.stat.size, 11);
      // Creating through a link makes the file that it points to.
      const made = machine.open("nowhere", write | create);
      assert.ok(made > 0);
      machine.close(made);
      assert.ok(fs.existsSync(path.join(machine.directory, "none")));
      assert.equal(driver.unlinkAt(vfs, root, nameOf("absolute")), 0);
      assert.equal(machine.readFile("etc/passwd"), "ours");
    },
    { pins },
  );

  withFixture(
    `stat and times are those of the host${how}`,
    (machine) => {
      const { vfs, driver, root, stat } = machine;
      const file = path.join(machine.directory, "file");
      fs.writeFileSync(file, "12345");
      const host = fs.lstatSync(file, { bigint: true });
      assert.equal(machine.statAt("file"), 0);
      assert.equal(stat.type, Filetype.REGULAR_FILE);
      assert.equal(stat.size, 5);
      assert.equal(stat.links, 1);
      assert.equal(join64(stat.inodeLow, stat.inodeHigh), host.ino);
      assert.equal(join64(stat.modifiedLow, stat.modifiedHigh), host.mtimeNs);
      assert.equal(join64(stat.changedLow, stat.changedHigh), host.ctimeNs);
      assert.equal(stat.device, 1);

      const first = 1_700_000_000_000_001_000n;
      const second = 1_600_000_000_999_999_000n;
      assert.equal(driver.setTimesAt(vfs, root, nameOf("file"), timesOf(first, second)), 0);
      const set = fs.lstatSync(file, { bigint: true });
      assert.equal(set.atimeNs / 1000n, first / 1000n);
      assert.equal(set.mtimeNs / 1000n, second / 1000n);
      assert.equal(driver.setTimesAt(vfs, root, nameOf("file"), timesOf(undefined, first)), 0);
      const one = fs.lstatSync(file, { bigint: true });
      assert.equal(one.atimeNs / 1000n, first / 1000n);
      assert.equal(one.mtimeNs / 1000n, first / 1000n);
      // A time that no double can say to the microsecond must not keep the call busy.
      const late = 2n ** 64n - 1n;
      assert.ok(driver.setTimesAt(vfs, root, nameOf("file"), timesOf(late, late)) <= 0);

      const open = machine.open("file", read | write);
      const operations = vfs.operationsOf(open);
      assert.equal(operations.setTimes(vfs, open, timesOf(second, undefined)), 0);
      assert.equal(operations.stat(vfs, open, stat), 0);
      assert.equal(join64(stat.accessedLow, stat.accessedHigh) / 1000n, second / 1000n);
      machine.close(open);

      fs.symlinkSync("/none", path.join(machine.directory, "link"));
      assert.equal(driver.setTimesAt(vfs, root, nameOf("link"), timesOf(first, first)), 0);
      const link = fs.lstatSync(path.join(machine.directory, "link"), { bigint: true });
      assert.equal(link.mtimeNs / 1000n, first / 1000n);
      assert.equal(driver.setDirectoryTimes(vfs, root, timesOf(first, second)), 0);
      assert.equal(driver.statDirectory(vfs, root, stat), 0);
      assert.equal(join64(stat.modifiedLow, stat.modifiedHigh) / 1000n, second / 1000n);
      assert.equal(stat.type, Filetype.DIRECTORY);
    },
    { pins },
  );

  withFixture(
    `a listing stays as it was, whatever changes meanwhile${how}`,
    (machine) => {
      const { vfs } = machine;
      const names = Array.from({ length: pins ? 5000 : 500 }, (_, index) => `file-${index}`);
      const at = (name: string) => path.join(machine.directory, "many", name);
      fs.mkdirSync(at(""));
      for (const name of names) fs.writeFileSync(at(name), "");
      fs.mkdirSync(at("sub"));
      const file = machine.open("many", read | directory);
      const seen: Entry[] = [];
      for (let cookie = 0, round = 0; ; round++) {
        const entries = machine.list(file, cookie, 100) as Entry[];
        seen.push(...entries);
        if (entries.length === 0) break;
        cookie = entries[entries.length - 1].cookie;
        // Comes and goes while it is read.
        fs.writeFileSync(at(`new-${round}`), "");
        if (round > 0) fs.rmSync(at(`new-${round - 1}`));
      }
      assert.deepEqual(
        seen.slice(0, 2).map(({ name }) => name),
        [".", ".."],
      );
      const shown = seen.map(({ name }) => name).slice(2);
      assert.deepEqual(shown.sort(), [...names, "sub"].sort());
      const sub = seen.find(({ name }) => name === "sub")!;
      assert.equal(sub.type, Filetype.DIRECTORY);
      assert.equal(sub.inode, fs.statSync(at("sub")).ino);
      const one = seen.find(({ name }) => name === "file-77")!;
      assert.equal(one.type, Filetype.REGULAR_FILE);
      assert.equal(one.inode, fs.statSync(at("file-77")).ino);
      assert.equal(seen[0].inode, fs.statSync(at(".")).ino);
      assert.equal(seen[1].inode, fs.statSync(at("..")).ino);
      // A cookie leads to the same entry again; the start to what is there now.
      assert.deepEqual(machine.list(file, seen[9].cookie, 3), seen.slice(10, 13));
      // What is gone before it is shown for the first time is left out.
      const again = machine.list(file, 0, 50) as Entry[];
      for (const name of names) fs.rmSync(at(name));
      const rest = machine.list(file, 40) as Entry[];
      const left = rest.filter(({ name }) => name.startsWith("file-"));
      const before = again.slice(40).filter(({ name }) => name.startsWith("file-"));
      // One more was looked at, but there was no room for it.
      assert.deepEqual(left.slice(0, before.length), before);
      assert.ok(left.length <= before.length + 1);
      const now = machine.list(file, 0) as Entry[];
      assert.equal(now.length, 4);
      assert.deepEqual(machine.list(file, 1e15), []);
      assert.equal(machine.read(file), -Errno.EISDIR);
      assert.equal(vfs.operationsOf(file).sync(vfs, file, false), 0);
      machine.close(file);
    },
    { pins },
  );

  withFixture(
    `a read-only mount opens for reading only${how}`,
    (machine) => {
      fs.writeFileSync(path.join(machine.directory, "file"), "text");
      assert.equal(machine.open("file", read | write), -Errno.EROFS);
      assert.equal(machine.open("file", read | truncate), -Errno.EROFS);
      assert.equal(machine.open("new", read | create), -Errno.EROFS);
      assert.equal(machine.open("file", read | create | exclusive), -Errno.EEXIST);
      const file = machine.open("file", read | create);
      assert.equal(machine.read(file), "text");
      // Not even the host would let it be written.
      assert.ok(machine.write(file, "x", 0) < 0);
      machine.close(file);
      assert.deepEqual(fs.readdirSync(machine.directory), ["file"]);
    },
    { pins, readOnly: true },
  );

  test(`what cannot be mounted is told with its path${how}`, () => {
    const port = new NodeFiles({ pins });
    const memory = KernelMemory.create(true);
    const vfs = new Vfs(memory, { milliseconds: () => 0 });
    const refused = (where: string, code: string) =>
      assert.throws(() => createHostfs(vfs, port, where), {
        code,
        path: where,
        name: "HostDirectoryError",
      });
    refused("/none/at/all", "ENOENT");
    refused(process.execPath, "ENOTDIR");
    assert.deepEqual(readLedger(memory), {});
  });
}

withFixture("appending goes to the end, with the flag of the moment", (machine) => {
  const { memory } = machine;
  const file = machine.open("log", read | write | create, Fdflags.APPEND);
  const other = machine.open("log", write);
  assert.equal(machine.write(file, "one"), 3);
  assert.equal(machine.write(other, "ONE two"), 7);
  assert.equal(machine.write(file, "!"), 1);
  assert.equal(OpenFile.offset.get(memory, file), 8);
  assert.equal(machine.write(file, "Z", 0), 1);
  assert.equal(machine.read(file, 10, 0), "ZNE two!");
  assert.equal(machine.write(other, "O", 0), 1);
  // The flag is taken away, and given to the other.
  OpenFile.flags.store(memory, file, 0);
  OpenFile.offset.set(memory, file, 4);
  assert.equal(machine.write(file, "TWO"), 3);
  assert.equal(OpenFile.offset.get(memory, file), 7);
  OpenFile.flags.store(memory, other, Fdflags.APPEND);
  assert.equal(machine.write(other, "?"), 1);
  assert.equal(machine.read(file, 10, 0), "ONE TWO!?");
  machine.close(file);
  machine.close(other);
});

withFixture("several buffers are read and written as one run", (machine) => {
  const { vfs, transfer } = machine;
  const file = machine.open("file", read | write | create);
  const operations = vfs.operationsOf(file);
  for (const length of [3, 30_000]) {
    const bytes = new Uint8Array(new SharedArrayBuffer(16 * length));
    const use = (starts: number[]) => {
      transfer.bytes = bytes;
      transfer.count = starts.length;
      transfer.total = length * starts.length;
      starts.forEach((start, index) => {
        transfer.starts[index] = start;
        transfer.lengths[index] = length;
      });
      return transfer.rewind();
    };
    for (let index = 0; index < 4; index++) {
      bytes.fill(65 + index, index * 2 * length, index * 2 * length + length);
    }
    assert.equal(
      operations.write(vfs, file, use([0, 2, 4, 6].map((n) => n * length)), 0),
      4 * length,
    );
    const expected = ["A", "B", "C", "D"].map((letter) => letter.repeat(length)).join("");
    assert.equal(machine.read(file, 4 * length, 0), expected);
    // One buffer more than there is: a short read.
    assert.equal(
      operations.read(vfs, file, use([15, 13, 11, 9, 7].map((n) => n * length)), 0),
      4 * length,
    );
    assert.equal(bytes[15 * length], 65);
    assert.equal(bytes[9 * length], 68);
    assert.equal(bytes[7 * length], 0);
    assert.equal(vfs.operationsOf(file).setSize(vfs, file, 0), 0);
  }
  machine.close(file);
});

withFixture("offsets beyond 4 GiB and beyond all files", (machine) => {
  const { vfs, memory } = machine;
  const file = machine.open("big", read | write | create);
  const far = 5 * 2 ** 30 + 7;
  OpenFile.offset.set(memory, file, far);
  assert.equal(machine.write(file, "end"), 3);
  assert.equal(vfs.operationsOf(file).size(vfs, file), far + 3);
  assert.equal(machine.read(file, 10, far - 2), "\0\0end");
  assert.equal(machine.statAt("big"), 0);
  assert.equal(machine.stat.size, far + 3);
  // Node would take these for "where the descriptor stands".
  for (const position of [2 ** 53, 2 ** 63, Infinity]) {
    assert.equal(machine.write(file, "x", position), -Errno.EFBIG);
    assert.equal(machine.read(file, 1, position), -Errno.EINVAL);
    assert.equal(vfs.operationsOf(file).setSize(vfs, file, position), -Errno.EFBIG);
  }
  assert.equal(vfs.operationsOf(file).size(vfs, file), far + 3);
  machine.close(file);
});

withFixture("names keep their bytes", (machine) => {
  const { vfs, driver, root } = machine;
  const strange = Uint8Array.of(0xff, 0x20, 0xc3, 0x28, 0x5c, 0x0a);
  assert.equal(driver.makeDirectoryAt(vfs, root, nameOf(strange)), 0);
  const inside = Buffer.concat([strange, Buffer.from("/"), strange]);
  const file = machine.open(inside, write | create);
  assert.equal(machine.write(file, "text"), 4);
  machine.close(file);
  assert.equal(machine.readFile(inside), "text");
  const listed = machine.open(strange, read | directory);
  const names = (machine.list(listed) as Entry[]).map(({ name }) => name);
  assert.deepEqual(names, [".", "..", Buffer.from(strange).toString("latin1")]);
  machine.close(listed);
  assert.equal(driver.symlinkAt(vfs, root, nameOf("größe"), inside), 0);
  assert.equal(machine.readFile("größe"), "text");
  const target = new Uint8Array(20);
  assert.equal(driver.readlinkAt(vfs, root, nameOf("größe"), target), inside.length);
  assert.deepEqual(Buffer.from(target.subarray(0, inside.length)), inside);
});

withFixture("pipes and devices are seen but not opened, and nothing blocks", (machine) => {
  const { vfs, driver, root, stat } = machine;
  execFileSync("mkfifo", [path.join(machine.directory, "pipe")]);
  for (const request of [read, read | write]) {
    assert.equal(machine.open("pipe", request), -Errno.EACCES);
  }
  assert.equal(machine.open("pipe", write), -Errno.ENXIO);
  assert.equal(machine.statAt("pipe"), 0);
  assert.equal(stat.type, Filetype.UNKNOWN);
  assert.equal(driver.unlinkAt(vfs, root, nameOf("pipe")), 0);
});

withFixture("what is opened unseen is what it is, and the host is asked once", (machine) => {
  const { vfs, memory, port, stat } = machine;
  let asked = 0;
  const { typeOf, statDescriptor } = port;
  port.typeOf = (...parameters) => (asked++, typeOf.apply(port, parameters));
  port.statDescriptor = (...parameters) => (asked++, statDescriptor.apply(port, parameters));
  fs.writeFileSync(path.join(machine.directory, "file"), "text");
  fs.mkdirSync(path.join(machine.directory, "folder"));
  fs.writeFileSync(path.join(machine.directory, "folder/inside"), "");
  execFileSync("mkfifo", [path.join(machine.directory, "pipe")]);
  const describe = (file: number) => vfs.operationsOf(file).stat(vfs, file, stat);

  machine.close(machine.open("file", read | unseen));
  machine.close(machine.open("folder", read | unseen));
  assert.equal(asked, 0);

  let file = machine.open("file", read | unseen);
  assert.equal(describe(file), 0);
  assert.deepEqual([stat.type, stat.size], [Filetype.REGULAR_FILE, 4]);
  assert.equal(vfs.settle(file), 0);
  assert.equal(machine.read(file), "text");
  assert.equal(asked, 1);
  machine.close(file);

  for (const look of [describe, (file: number) => vfs.settle(file)]) {
    file = machine.open("folder", read | unseen);
    assert.equal(look(file), 0);
    assert.equal(vfs.settle(file), 0);
    assert.equal(OpenFile.type.get(memory, file), Filetype.DIRECTORY);
    const inode = OpenFile.inode.get(memory, file);
    assert.equal(machine.readFile("inside", inode), "");
    assert.deepEqual(
      (machine.list(file) as Entry[]).map(({ name }) => name),
      [".", "..", "inside"],
    );
    assert.equal(describe(file), 0);
    assert.equal(stat.type, Filetype.DIRECTORY);
    machine.close(file);

    file = machine.open("pipe", read | unseen);
    assert.equal(look(file), -Errno.EACCES);
    assert.equal(vfs.settle(file), -Errno.EACCES);
    machine.close(file);
  }
  // A file that is opened for writing is looked at before anybody has it.
  assert.equal(machine.open("pipe", read | write | unseen), -Errno.EACCES);
});

withFixture(
  "directories that nobody uses are closed beyond a bound, those in use never",
  (machine) => {
    const { memory, root } = machine;
    const held: number[] = [];
    for (let index = 0; index < 300; index++) {
      fs.mkdirSync(path.join(machine.directory, `${index}`));
      const kept = machine.enter(`${index}`);
      if (index % 3 === 0) held.push(kept);
      else machine.drop(kept);
    }
    const host = hostMountOf(memory, root);
    const count = HostMount.count.get(memory, host);
    assert.ok(count >= 101 && count <= 164, `${count}`);
    for (const kept of held) {
      assert.equal(Inode.refs.load(memory, kept), 2);
      assert.equal(machine.enter("..", kept), root);
      machine.drop(root);
      machine.drop(kept);
    }
    for (let index = 0; index < 100; index++) {
      machine.close(machine.open(`${index}`, read | directory));
    }
    assert.ok(HostMount.count.get(memory, host) <= 66);
  },
);

withFixture("a directory that was removed stays what it is", (machine) => {
  const { vfs, driver, root } = machine;
  assert.equal(driver.makeDirectoryAt(vfs, root, nameOf("a")), 0);
  const old = machine.enter("a");
  assert.equal(driver.removeDirectoryAt(vfs, root, nameOf("a")), 0);
  assert.equal(driver.makeDirectoryAt(vfs, root, nameOf("a")), 0);
  const young = machine.enter("a");
  assert.notEqual(young, old);
  assert.equal(machine.open("x", write | create, 0, old), -Errno.ENOENT);
  machine.close(machine.open("x", write | create, 0, young));
  assert.ok(fs.existsSync(path.join(machine.directory, "a/x")));
  machine.drop(old);
  machine.drop(young);
});
