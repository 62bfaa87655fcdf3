import assert from "node:assert/strict";
import test from "node:test";
import { KernelMachine } from "../../../tests/support/kernel-machine.ts";
import { Random } from "../../../tests/support/kernel-random.ts";
import { Filetype } from "../../abi/enums.ts";
import { Errno } from "../../abi/errno.ts";
import { Fdflags } from "../../abi/flags.ts";
import { usedBytes } from "../../shm/index.ts";
import { dropInode, Open, OpenFile, type Stat, Times, Transfer } from "../../vfs/index.ts";

const { read, write, create, exclusive, truncate, directory } = Open;

/** Runs a test on a new machine and checks that nothing of it is left. */
function onMachine(name: string, body: (machine: KernelMachine) => void): void {
  test(name, () => {
    let time = 1_700_000_000_000;
    const machine = KernelMachine.create({}, () => (time += 1));
    body(machine);
    assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
  });
}

function described(machine: KernelMachine, path: string, follow = true): Stat {
  const stat = machine.statOf(path, follow);
  if (typeof stat === "number") assert.fail(`stat ${path}: ${stat}`);
  return stat;
}

function opened(machine: KernelMachine, path: string, request: number, flags = 0): number {
  const file = machine.open(path, request, flags);
  assert.ok(file > 0, `open ${path}: ${file}`);
  return file;
}

onMachine("what is written is read", (machine) => {
  machine.put("/greeting", "hello");
  assert.equal(machine.text("/greeting"), "hello");
  const stat = described(machine, "/greeting");
  assert.equal(stat.size, 5);
  assert.equal(stat.type, Filetype.REGULAR_FILE);
  assert.equal(stat.links, 1);
});

onMachine("a file's offset moves with reads and writes, not with pread and pwrite", (machine) => {
  const file = opened(machine, "/a", read | write | create);
  assert.equal(machine.write(file, "abcdef"), 6);
  assert.equal(machine.write(file, "XY", 1), 2);
  assert.equal(machine.write(file, "g"), 1);
  assert.deepEqual(machine.read(file, 10), new Uint8Array(0));
  assert.deepEqual(machine.read(file, 4, 0), new TextEncoder().encode("aXYd"));
  OpenFile.offset.set(machine.memory, file, 5);
  assert.deepEqual(machine.read(file, 10), new TextEncoder().encode("fg"));
  machine.close(file);
});

onMachine("appending writes at the end, wherever the offset is", (machine) => {
  machine.put("/log", "one");
  const file = opened(machine, "/log", read | write, Fdflags.APPEND);
  assert.equal(machine.write(file, "two"), 3);
  assert.equal(OpenFile.offset.get(machine.memory, file), 6);
  const other = opened(machine, "/log", write, Fdflags.APPEND);
  machine.write(other, "three");
  machine.write(file, "four");
  assert.equal(machine.text("/log"), "onetwothreefour");
  assert.equal(machine.write(file, "0", 0), 1, "pwrite keeps its position, as POSIX says");
  assert.equal(machine.text("/log"), "0netwothreefour");
  machine.close(file);
  machine.close(other);
});

onMachine("holes read as zeros and cost no memory", (machine) => {
  const { memory } = machine;
  const file = opened(machine, "/sparse", read | write | create);
  const position = 2 ** 33 + 5;
  assert.equal(machine.write(file, "end", position), 3);
  assert.equal(described(machine, "/sparse").size, position + 3);
  assert.deepEqual(machine.read(file, 4, 0), new Uint8Array(4));
  assert.deepEqual(
    [...(machine.read(file, 8, position - 4) as Uint8Array)],
    [0, 0, 0, 0, 101, 110, 100],
  );
  assert.equal(machine.truncate(file, 2 ** 40), 0);
  assert.deepEqual(machine.read(file, 2, 2 ** 40 - 1), new Uint8Array(1));
  assert.ok(memory.pages * 65536 < 16 * 2 ** 20, "the heap has not grown by the size of the file");
  machine.close(file);
});

onMachine("bytes cut off do not come back when the file grows again", (machine) => {
  for (const size of [100, 65536, 65537, 200_000]) {
    const file = opened(machine, "/f", read | write | create | truncate);
    machine.write(file, new Uint8Array(size).fill(7));
    assert.equal(machine.truncate(file, 10), 0);
    assert.equal(machine.truncate(file, size), 0);
    const expected = new Uint8Array(size).fill(7, 0, 10);
    assert.deepEqual(machine.read(file, size + 1, 0), expected);
    machine.truncate(file, 20);
    machine.write(file, "x", size);
    expected.fill(0, 10);
    assert.deepEqual(machine.read(file, size, 0), expected);
    machine.close(file);
  }
});

onMachine("a file may not grow past the largest size", (machine) => {
  const file = opened(machine, "/big", read | write | create);
  const end = 2 ** 40;
  assert.equal(machine.write(file, "x", end), -Errno.EFBIG);
  assert.equal(machine.write(file, "x", 2 ** 62), -Errno.EFBIG);
  assert.equal(machine.write(file, "xy", end - 1), 1);
  assert.equal(machine.truncate(file, end + 1), -Errno.EFBIG);
  const operations = machine.vfs.operationsOf(file);
  assert.equal(operations.allocate(machine.vfs, file, end + 1), -Errno.EFBIG);
  machine.close(file);
});

onMachine("reads and writes go over lists of buffers and over holes", (machine) => {
  const { vfs } = machine;
  const file = opened(machine, "/v", read | write | create);
  const operations = vfs.operationsOf(file);
  const bytes = new Uint8Array(1000).map((_, index) => index);
  const list = new Transfer();
  list.bytes = bytes;
  list.count = 4;
  for (const [index, [start, length]] of [
    [10, 3],
    [500, 0],
    [700, 200],
    [20, 1],
  ].entries()) {
    list.starts[index] = start;
    list.lengths[index] = length;
  }
  list.total = 204;
  assert.equal(operations.write(vfs, file, list.rewind(), 70_000), 204);
  const expected = [...bytes.subarray(10, 13), ...bytes.subarray(700, 900), bytes[20]];
  assert.deepEqual([...(machine.read(file, 300, 70_000) as Uint8Array)], expected);
  bytes.fill(9);
  list.lengths[1] = 90;
  list.total = 294;
  assert.equal(operations.read(vfs, file, list.rewind(), 70_000 - 100), 294);
  assert.deepEqual([...bytes.subarray(10, 13)], [0, 0, 0]);
  assert.deepEqual([...bytes.subarray(500, 590)], new Array(90).fill(0));
  const tail = [...bytes.subarray(700, 900), bytes[20]];
  assert.deepEqual(tail, [...new Array(7).fill(0), ...expected.slice(0, 194)]);
  machine.close(file);
});

onMachine("opening checks what is there", (machine) => {
  machine.put("/file", "text");
  machine.makeDirectory("/dir");
  machine.symlink("file", "/link");
  machine.symlink("nowhere", "/dangling");
  assert.equal(machine.open("/none", read), -Errno.ENOENT);
  assert.equal(machine.open("/file", read | write | create | exclusive), -Errno.EEXIST);
  assert.equal(machine.open("/link", write | create | exclusive), -Errno.EEXIST);
  assert.equal(machine.open("/file", read | directory), -Errno.ENOTDIR);
  assert.equal(machine.open("/new", create | directory), -Errno.EINVAL);
  assert.equal(machine.open("/dir", write), -Errno.EISDIR);
  assert.equal(machine.open("/dir", read | create), -Errno.EISDIR);
  assert.equal(machine.open("/dir", read | truncate), -Errno.EISDIR);
  assert.equal(machine.open("/", write), -Errno.EISDIR);
  assert.equal(machine.open("/file/x", read), -Errno.ENOTDIR);
  assert.equal(machine.text("/link"), "text");
  machine.put("/dangling", "made through the link");
  assert.equal(machine.text("/nowhere"), "made through the link");
  const file = opened(machine, "/file", read | write | truncate);
  assert.equal(described(machine, "/file").size, 0);
  machine.close(file);
  const dir = opened(machine, "/dir", read | directory);
  assert.equal(OpenFile.type.get(machine.memory, dir), Filetype.DIRECTORY);
  assert.equal(machine.read(dir, 1), -Errno.EISDIR);
  machine.close(dir);
});

onMachine("an unlinked file lives until it is closed", (machine) => {
  const file = opened(machine, "/f", read | write | create);
  machine.write(file, "still here");
  assert.equal(machine.unlink("/f"), 0);
  assert.equal(machine.unlink("/f"), -Errno.ENOENT);
  assert.deepEqual(machine.names("/"), []);
  assert.deepEqual(machine.read(file, 5, 0), new TextEncoder().encode("still"));
  const { vfs } = machine;
  vfs.operationsOf(file).stat(vfs, file, machine.stat);
  assert.equal(machine.stat.links, 0);
  machine.close(file);
});

onMachine("directories count their links and know their parent", (machine) => {
  assert.equal(machine.makeDirectory("/d"), 0);
  assert.equal(machine.makeDirectory("/d"), -Errno.EEXIST);
  assert.equal(machine.makeDirectory("/d/e"), 0);
  machine.put("/d/f", "");
  assert.equal(described(machine, "/").links, 3);
  assert.equal(described(machine, "/d").links, 3);
  assert.equal(described(machine, "/d/e/../..").inodeLow, described(machine, "/").inodeLow);
  assert.equal(machine.unlink("/d/e"), -Errno.EISDIR);
  assert.equal(machine.removeDirectory("/d/f"), -Errno.ENOTDIR);
  assert.equal(machine.removeDirectory("/d"), -Errno.ENOTEMPTY);
  assert.equal(machine.removeDirectory("/d/e"), 0);
  assert.equal(described(machine, "/d").links, 2);
  assert.equal(machine.unlink("/d/f"), 0);
  assert.equal(machine.removeDirectory("/d"), 0);
  assert.equal(described(machine, "/").links, 2);
});

onMachine("nothing is made in a removed directory, and its parent is still known", (machine) => {
  const { vfs } = machine;
  machine.makeDirectory("/a");
  machine.makeDirectory("/a/b");
  const filesystem = vfs.filesystemOf(machine.root);
  const a = filesystem.step(vfs, machine.root, vfs.name.set(new TextEncoder().encode("a"), 0, 1));
  const b = filesystem.step(vfs, a, vfs.name.set(new TextEncoder().encode("b"), 0, 1));
  const file = filesystem.openDirectory(vfs, b, 0);
  assert.equal(machine.removeDirectory("/a/b"), 0);
  assert.equal(machine.removeDirectory("/a"), 0);
  const name = vfs.name.set(new TextEncoder().encode("x"), 0, 1);
  assert.equal(filesystem.makeDirectoryAt(vfs, b, name), -Errno.ENOENT);
  assert.equal(filesystem.symlinkAt(vfs, b, name, new Uint8Array([65])), -Errno.ENOENT);
  assert.equal(filesystem.openAt(vfs, b, name, write | create, 0), -Errno.ENOENT);
  assert.equal(filesystem.step(vfs, b, name), -Errno.ENOENT);
  machine.put("/x", "");
  assert.equal(filesystem.renameAt(vfs, machine.root, name, b, name), -Errno.ENOENT);
  assert.equal(filesystem.linkAt(vfs, machine.root, name, b, name), -Errno.ENOENT);
  assert.deepEqual(machine.list(file), []);
  assert.equal(filesystem.statDirectory(vfs, b, machine.stat), 0);
  assert.equal(machine.stat.links, 0);
  const parent = filesystem.parent(vfs, b);
  assert.equal(parent, a);
  for (const inode of [parent, a, b]) dropInode(vfs, inode);
  machine.close(file);
});

onMachine("a long chain of removed directories is freed at once", (machine) => {
  const { vfs } = machine;
  const filesystem = vfs.filesystemOf(machine.root);
  const name = vfs.name.set(new TextEncoder().encode("d"), 0, 1);
  const chain = [machine.root];
  for (let depth = 0; depth < 20_000; depth++) {
    const last = chain[chain.length - 1];
    assert.equal(filesystem.makeDirectoryAt(vfs, last, name), 0);
    chain.push(filesystem.step(vfs, last, name));
  }
  for (let depth = chain.length - 2; depth >= 0; depth--) {
    assert.equal(filesystem.removeDirectoryAt(vfs, chain[depth], name), 0);
    if (depth > 0) dropInode(vfs, chain[depth]);
  }
  dropInode(vfs, chain[chain.length - 1]);
});

onMachine("hard links name one file", (machine) => {
  machine.put("/a", "shared");
  machine.makeDirectory("/d");
  assert.equal(machine.link("/a", "/d/b"), 0);
  assert.equal(described(machine, "/a").links, 2);
  assert.equal(described(machine, "/d/b").inodeLow, described(machine, "/a").inodeLow);
  assert.equal(machine.link("/a", "/d/b"), -Errno.EEXIST);
  assert.equal(machine.link("/d", "/e"), -Errno.EPERM);
  assert.equal(machine.link("/none", "/e"), -Errno.ENOENT);
  machine.unlink("/a");
  assert.equal(machine.text("/d/b"), "shared");
  assert.equal(described(machine, "/d/b").links, 1);
  machine.symlink("nowhere", "/s");
  assert.equal(machine.link("/s", "/t"), 0, "a link of a symbolic link is to the link itself");
  assert.equal(machine.readlink("/t"), "nowhere");
});

onMachine("symbolic links are read, not walked, by name operations", (machine) => {
  assert.equal(machine.symlink("some/target", "/s"), 0);
  assert.equal(machine.symlink("x", "/s"), -Errno.EEXIST);
  assert.equal(machine.readlink("/s"), "some/target");
  assert.equal(described(machine, "/s", false).type, Filetype.SYMBOLIC_LINK);
  assert.equal(described(machine, "/s", false).size, 11);
  assert.equal(machine.statOf("/s"), -Errno.ENOENT);
  machine.put("/f", "");
  assert.equal(machine.readlink("/f"), -Errno.EINVAL);
  const long = "y".repeat(4095);
  assert.equal(machine.symlink(long, "/long"), 0);
  assert.equal(machine.readlink("/long"), long);
  assert.equal(machine.unlink("/s"), 0);
  assert.equal(machine.removeDirectory("/long"), -Errno.ENOTDIR);
});

onMachine("rename moves and replaces", (machine) => {
  machine.put("/a", "A");
  machine.put("/b", "B");
  machine.makeDirectory("/d");
  machine.makeDirectory("/e");
  assert.equal(machine.rename("/a", "/c"), 0);
  assert.deepEqual(machine.names("/"), ["b", "c", "d", "e"]);
  assert.equal(machine.rename("/c", "/b"), 0);
  assert.equal(machine.text("/b"), "A");
  assert.equal(machine.rename("/b", "/d/a long name for a short file"), 0);
  assert.deepEqual(machine.names("/d"), ["a long name for a short file"]);
  assert.equal(machine.rename("/none", "/x"), -Errno.ENOENT);
  assert.equal(machine.rename("/d", "/e"), 0, "over an empty directory");
  assert.equal(machine.text("/e/a long name for a short file"), "A");
  machine.makeDirectory("/d");
  assert.equal(machine.rename("/d", "/e"), -Errno.ENOTEMPTY);
  machine.put("/f", "F");
  assert.equal(machine.rename("/f", "/d"), -Errno.EISDIR);
  assert.equal(machine.rename("/d", "/f"), -Errno.ENOTDIR);
  assert.equal(machine.rename("/e", "/e/inside"), -Errno.EINVAL);
  assert.equal(machine.rename("/e", "/e"), 0);
  machine.makeDirectory("/e/sub");
  assert.equal(machine.rename("/e", "/e/sub/deep"), -Errno.EINVAL);
  assert.equal(machine.rename("/e/sub", "/e"), -Errno.ENOTEMPTY);
  assert.equal(machine.rename("/e/sub", "/d/sub"), 0);
  assert.equal(described(machine, "/e").links, 2);
  assert.equal(described(machine, "/d").links, 3);
  assert.equal(described(machine, "/d/sub/..").inodeLow, described(machine, "/d").inodeLow);
});

onMachine("rename between two names of one file does nothing", (machine) => {
  machine.put("/a", "same");
  machine.link("/a", "/b");
  assert.equal(machine.rename("/a", "/b"), 0);
  assert.deepEqual(machine.names("/"), ["a", "b"]);
  assert.equal(described(machine, "/a").links, 2);
});

onMachine("a replaced file lives until it is closed", (machine) => {
  machine.put("/old", "old");
  machine.put("/new", "new");
  const file = opened(machine, "/old", read);
  assert.equal(machine.rename("/new", "/old"), 0);
  assert.deepEqual(machine.read(file, 3), new TextEncoder().encode("old"));
  assert.equal(machine.text("/old"), "new");
  machine.close(file);
});

onMachine("a listing has every entry once, with its inode and type", (machine) => {
  machine.makeDirectory("/d");
  machine.put("/d/f", "");
  machine.symlink("x", "/d/s");
  machine.makeDirectory("/d/sub");
  const file = opened(machine, "/d", read);
  const listed = machine.list(file);
  assert.ok(typeof listed !== "number");
  assert.deepEqual(
    listed.map((entry) => [entry.name, entry.cookie, entry.type]),
    [
      [".", 1, Filetype.DIRECTORY],
      ["..", 2, Filetype.DIRECTORY],
      ["f", 3, Filetype.REGULAR_FILE],
      ["s", 4, Filetype.SYMBOLIC_LINK],
      ["sub", 5, Filetype.DIRECTORY],
    ],
  );
  assert.equal(listed[0].inode, described(machine, "/d").inodeLow);
  assert.equal(listed[1].inode, described(machine, "/").inodeLow);
  assert.equal(listed[2].inode, described(machine, "/d/f").inodeLow);
  machine.close(file);
});

onMachine("a listing goes on after any cookie while the directory changes", (machine) => {
  const count = 1000;
  for (let index = 0; index < count; index++) machine.put(`/${index}`, "");
  const file = opened(machine, "/", read);
  const other = opened(machine, "/", read);
  const seen = new Set<string>();
  let cookie = 0;
  for (;;) {
    const piece = machine.list(file, cookie, 7);
    assert.ok(typeof piece !== "number");
    if (piece.length === 0) break;
    for (const { name } of piece) {
      assert.ok(!seen.has(name), `${name} came twice`);
      seen.add(name);
    }
    cookie = piece[piece.length - 1].cookie;
    machine.list(other, cookie + 3, 2);
    // What was listed goes, and now and then what comes next.
    for (const { name } of piece) if (name !== "." && name !== "..") machine.unlink(`/${name}`);
    const next = Number(piece[piece.length - 1].name) + 1;
    if (next % 3 === 0 && machine.unlink(`/${next}`) === 0) seen.add(String(next));
  }
  assert.equal(seen.size, count + 2);
  assert.deepEqual(machine.list(file, cookie), []);
  machine.put("/later", "");
  assert.deepEqual((machine.list(file, cookie) as unknown[]).length, 1);
  assert.equal((machine.list(file, 0, 1) as { name: string }[])[0].name, ".");
  machine.close(other);
  machine.close(file);
});

onMachine("times follow what is done", (machine) => {
  const modified = (path: string) => {
    const stat = described(machine, path, false);
    return BigInt(stat.modifiedHigh) * 2n ** 32n + BigInt(stat.modifiedLow);
  };
  const changed = (path: string) => {
    const stat = described(machine, path, false);
    return BigInt(stat.changedHigh) * 2n ** 32n + BigInt(stat.changedLow);
  };
  const accessed = (path: string) => {
    const stat = described(machine, path, false);
    return BigInt(stat.accessedHigh) * 2n ** 32n + BigInt(stat.accessedLow);
  };
  const inDirectory = modified("/");
  machine.put("/f", "text");
  assert.ok(modified("/") > inDirectory);
  const written = modified("/f");
  assert.ok(written > 1_700_000_000_000_000_000n);
  machine.text("/f");
  const read1 = accessed("/f");
  assert.ok(read1 > written);
  machine.text("/f");
  assert.equal(accessed("/f"), read1, "read again without a change: the time stays");
  const before = changed("/f");
  machine.link("/f", "/g");
  assert.ok(changed("/f") > before);
  assert.equal(modified("/f"), written);
  const times = Object.assign(new Times(), { setModified: true, modifiedLow: 5, modifiedHigh: 6 });
  const file = opened(machine, "/f", read);
  assert.equal(machine.vfs.operationsOf(file).setTimes(machine.vfs, file, times), 0);
  machine.close(file);
  assert.equal(modified("/g"), 6n * 2n ** 32n + 5n);
  assert.equal(accessed("/g"), read1);
});

onMachine("reserved space is zero and written without more memory", (machine) => {
  const { vfs } = machine;
  const file = opened(machine, "/r", read | write | create);
  const operations = vfs.operationsOf(file);
  machine.write(file, new Uint8Array(50).fill(1));
  machine.truncate(file, 10);
  for (const end of [30, 1000, 70_000, 200_000, 5]) {
    const size = Math.max(end, described(machine, "/r").size);
    assert.equal(operations.allocate(vfs, file, end), 0);
    const expected = new Uint8Array(size).fill(1, 0, 10);
    assert.deepEqual(machine.read(file, size + 1, 0), expected);
  }
  machine.close(file);
});

onMachine("names may have any bytes and 255 of them", (machine) => {
  const name = "n".repeat(255);
  machine.put(`/${name}`, "long");
  machine.put("/späße ☃", "wide");
  assert.deepEqual(machine.names("/"), [name, "späße ☃"]);
  assert.equal(machine.text(`/${name}`), "long");
  assert.equal(machine.open(`/${name}n`, read), -Errno.ENAMETOOLONG);
});

onMachine("many names stay findable while the table grows and empties", (machine) => {
  const count = 5000;
  for (let index = 0; index < count; index++) machine.put(`/name-${index}`, String(index));
  for (let index = 0; index < count; index += 2) assert.equal(machine.unlink(`/name-${index}`), 0);
  for (let index = 0; index < count; index++) {
    const expected = index % 2 === 0 ? -Errno.ENOENT : String(index);
    assert.equal(machine.text(`/name-${index}`), expected);
  }
});

test("files of 10 kB and more cost at most a twentieth more than their bytes", () => {
  const random = new Random(5);
  const sizes = {
    "64 MiB": [64 * 2 ** 20],
    "a megabyte": new Array<number>(20).fill(1_000_000),
    "10 kB": new Array<number>(500).fill(10_000),
    "66 kB": new Array<number>(100).fill(66_000),
    "10 to 100 kB": Array.from({ length: 300 }, () => 10_000 + random.below(90_000)),
    "50 to 500 kB": Array.from({ length: 100 }, () => 50_000 + random.below(450_000)),
  };
  for (const [name, list] of Object.entries(sizes))
    for (const piece of [Infinity, 4096, 1000]) {
      const machine = KernelMachine.create();
      const before = usedBytes(machine.memory);
      list.forEach((size, index) => {
        const file = machine.open(`/${index}`, write | create);
        for (let done = 0; done < size; done += piece)
          machine.write(file, new Uint8Array(Math.min(size - done, piece)).fill(1));
        machine.close(file);
      });
      const sum = list.reduce((all, size) => all + size, 0);
      const used = usedBytes(machine.memory) - before;
      assert.ok(used < 1.05 * sum, `${name}, by ${piece}: ${used / sum}`);
      assert.deepEqual(machine.destroy(), { ledger: {}, bytes: 0 });
    }
});

onMachine(
  "a file that was cut to its size goes on growing, shrinking and having holes",
  (machine) => {
    for (const size of [1, 5000, 40_000, 65_536, 70_000, 100_000, 140_000]) {
      const bytes = new Uint8Array(300_000);
      let end = 0;
      const put = (file: number, at: number, length: number) => {
        const own = new Uint8Array(length).fill((at % 255) + 1);
        assert.equal(machine.write(file, own, at), length);
        bytes.set(own, at);
        end = Math.max(end, at + length);
      };
      const cut = (file: number, to: number) => {
        assert.equal(machine.truncate(file, to), 0);
        bytes.fill(0, Math.min(to, end), end);
        end = to;
      };
      const changes: ((file: number) => void)[] = [
        (file) => put(file, 0, size),
        (file) => put(file, end, 10),
        (file) => cut(file, end + 50),
        (file) => cut(file, end + 100_000),
        (file) => put(file, size >> 1, 5),
        (file) => put(file, end - 20_000, 7),
        (file) => cut(file, Math.min(end, size)),
        (file) => put(file, end + 3000, 100),
        (file) => cut(file, size >> 1),
        (file) => put(file, end, 66_000),
      ];
      for (const change of changes) {
        const file = machine.open("/f", read | write | create);
        change(file);
        machine.close(file);
        const again = machine.open("/f", read);
        const seen = machine.read(again, 300_000);
        assert.deepEqual(seen, bytes.slice(0, end), `${size}: ${change}`);
        machine.close(again);
      }
      machine.unlink("/f");
    }
  },
);
