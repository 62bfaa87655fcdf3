/** Archives as others make them, and as nobody should: what each comes to. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  paxRecord,
  type TarEntry,
  tarEntry,
  tarOf,
  type ZipEntry,
  zipOf,
} from "../../../tests/support/archive-writer.ts";
import { makeArchive, nameOf, onSubject } from "../../../tests/support/filesystem-subjects.ts";
import { O, type PosixCalls } from "../../../tests/support/posix-calls.ts";
import { FixtureMachine } from "../../../tests/support/syscall-fixture.ts";
import { Errno } from "../../abi/errno.ts";
import { usedBytes } from "../../shm/index.ts";
import { dropFile, Mount, Open, OpenFile } from "../../vfs/index.ts";
import { ArchiveError, createArchivefs } from "./index.ts";

/** Runs calls on a mounted archive. */
function mounted(name: string, bytes: () => Uint8Array, body: (calls: PosixCalls) => void): void {
  test(name, () => {
    const subject = { name, make: (machine: FixtureMachine) => makeArchive(machine, bytes()) };
    onSubject(subject, {}, body);
  });
}

/** An archive that cannot be mounted, and what is said of it. */
function refused(name: string, bytes: () => Uint8Array, message: RegExp): void {
  test(name, () => {
    const machine = new FixtureMachine();
    assert.throws(
      () => createArchivefs(machine.kernel.vfs, bytes()),
      (error) => error instanceof ArchiveError && message.test(error.message),
    );
    // Nothing is left of the attempt.
    machine.destroy();
  });
}

const file = (name: string, content = "x", more: Partial<TarEntry> = {}): TarEntry => ({
  name,
  content,
  ...more,
});
const packed = (name: string, content = "x", more: Partial<ZipEntry> = {}): ZipEntry => ({
  name,
  content,
  isDeflated: true,
  ...more,
});

// --------------------------------------------------------------------------------------------------------------- tar

mounted(
  "tar: names in all the ways there are",
  () => {
    const long = "long/".repeat(30) + "name";
    return tarOf(
      file("./dotted", "dotted"),
      file("/absolute", "absolute"),
      file("deep//er/file", "slashes"),
      file("name", "prefixed", { prefix: "in/prefix" }),
      tarEntry({ name: "././@LongLink", type: "L", content: `${long}\0` }),
      file("cut off", "gnu long"),
      tarEntry({
        name: "pax",
        type: "x",
        content: paxRecord("path", "späße/☃") + paxRecord("mtime", "123.9"),
      }),
      file("other", "pax"),
      file("old-directory/", "", { type: "\0" }),
      file("old-file", "old", { type: "\0" }),
      file("contiguous", "seven", { type: "7" }),
    );
  },
  (calls) => {
    assert.equal(calls.text("dotted"), "dotted");
    assert.equal(calls.text("absolute"), "absolute");
    assert.equal(calls.text("deep/er/file"), "slashes");
    assert.equal(calls.text("in/prefix/name"), "prefixed");
    assert.equal(calls.text("long/".repeat(30) + "name"), "gnu long");
    assert.equal(calls.text("späße/☃"), "pax");
    assert.equal(calls.status("späße/☃").modified, 123_000_000_000n);
    assert.equal(calls.status("dotted").modified, 1_600_000_000_000_000_000n);
    assert.deepEqual(calls.names("old-directory"), []);
    assert.equal(calls.text("old-file"), "old");
    assert.equal(calls.text("contiguous"), "seven");
  },
);

mounted(
  "tar: a later entry replaces an earlier one",
  () =>
    tarOf(
      file("a", "first"),
      file("b", "b"),
      file("a", "second"),
      { name: "b", type: "2", target: "a" },
      { name: "d/", type: "5" },
      { name: "d", type: "5" },
      file("d/f"),
    ),
  (calls) => {
    assert.equal(calls.text("a"), "second");
    assert.equal(calls.readlink("b"), "a");
    assert.deepEqual(calls.names("d"), ["f"]);
  },
);

mounted(
  "tar: hard links, and what is left out",
  () =>
    tarOf(
      file("dir/original", "shared"),
      { name: "twin", type: "1", target: "dir/original", size: 6 },
      { name: "device", type: "3" },
      { name: "block", type: "4" },
      { name: "pipe", type: "6" },
    ),
  (calls) => {
    assert.equal(calls.text("twin"), "shared");
    assert.equal(calls.status("twin").links, 2);
    assert.equal(calls.status("twin").inode, calls.status("dir/original").inode);
    assert.deepEqual(calls.names("."), ["dir", "twin"]);
  },
);

mounted(
  "tar: links stay links and lead nowhere but into the guest's tree",
  () =>
    tarOf(
      { name: "out", type: "2", target: "../../../../etc/passwd" },
      { name: "abs", type: "2", target: "/other/file" },
    ),
  (calls) => {
    assert.equal(calls.readlink("out"), "../../../../etc/passwd");
    assert.equal(calls.tryOpen("out"), -Errno.ENOENT);
    assert.equal(calls.text("abs"), "other");
  },
);

mounted(
  "tar: an archive without entries, and one without an end",
  () => Buffer.alloc(10240),
  (calls) => {
    assert.deepEqual(calls.names("."), []);
  },
);
mounted(
  "tar: the end may be missing",
  () => tarEntry(file("f", "content")),
  (calls) => {
    assert.equal(calls.text("f"), "content");
  },
);
mounted(
  "tar: a large size in binary is taken",
  () => {
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size[11] = 5;
    return tarOf(file("f", "12345", { size: size.toString("latin1") }));
  },
  (calls) => assert.equal(calls.text("f"), "12345"),
);

refused(
  "tar: `..` in a name",
  () => tarOf(file("fine"), file("a/../../etc/passwd")),
  /"a\/\.\.\/\.\.\/etc\/passwd" leads out/,
);
refused("tar: `..` as the whole name", () => tarOf({ name: "..", type: "5" }), /leads out/);
refused(
  "tar: cut off inside a file",
  () => tarOf(file("big", "x".repeat(5000))).subarray(0, 3000),
  /cut off: "big" should have 5000 bytes, and 2488 are left/,
);
refused(
  "tar: cut off inside a header",
  () => tarOf(file("a"), file("b")).subarray(0, 1200),
  /cut off/,
);
refused(
  "tar: an absurd size",
  () => tarOf(file("f", "x", { size: "77777777777\0" })),
  /"f" should have 8589934591 bytes/,
);
refused(
  "tar: a size in binary beyond all numbers",
  () => {
    const size = Buffer.alloc(12, 0xfe);
    return tarOf(file("f", "x", { size: size.toString("latin1") }));
  },
  /no possible size|no header/,
);
refused(
  "tar: a pax size that is none",
  () => tarOf(tarEntry({ name: "p", type: "x", content: paxRecord("size", "-5") }), file("f")),
  /no possible size/,
);
refused(
  "tar: a damaged header in the middle",
  () => tarOf(file("a"), file("b", "x", { checksum: 1 })),
  /no header of an entry at byte 1024/,
);
refused(
  "tar: a file in a file",
  () => tarOf(file("a"), file("a/b")),
  /"a\/b" lies in what is no directory/,
);
refused(
  "tar: a file through a link",
  () => tarOf({ name: "l", type: "2", target: "/" }, file("l/etc")),
  /lies in what is no directory/,
);
refused(
  "tar: a file in place of a directory",
  () => tarOf({ name: "d", type: "5" }, file("d")),
  /is a directory and also something else/,
);
refused(
  "tar: a hard link to nothing",
  () => tarOf({ name: "l", type: "1", target: "none" }),
  /"l" is a link to .*did not come before/,
);
refused(
  "tar: a hard link out of the archive",
  () => tarOf({ name: "l", type: "1", target: "../../x" }),
  /leads out/,
);
refused(
  "tar: a name that is too long",
  () =>
    tarOf(
      tarEntry({ name: "p", type: "x", content: paxRecord("path", "n".repeat(256)) }),
      file("f"),
    ),
  /too long/,
);
refused(
  "tar: a name with NUL",
  () => tarOf(tarEntry({ name: "p", type: "x", content: paxRecord("path", "a\0b") }), file("f")),
  /NUL/,
);
refused(
  "tar: an endless path",
  () =>
    tarOf(
      tarEntry({ name: "p", type: "x", content: paxRecord("path", "d/".repeat(2000) + "f") }),
      file("f"),
    ),
  /too deep/,
);
refused(
  "tar: a header of absurd length",
  () => tarOf(tarEntry({ name: "p", type: "x", content: "x".repeat(2 ** 20 + 1) })),
  /absurd/,
);
refused(
  "tar: a pax header without sense",
  () => tarOf(tarEntry({ name: "p", type: "x", content: "99 path=x\n" }), file("f")),
  /pax header makes no sense/,
);
refused(
  "tar: a kind nobody knows",
  () => tarOf(file("f", "", { type: "Z" })),
  /kind that is not known: "Z"/,
);
refused("tar: sparse files", () => tarOf(file("f", "", { type: "S" })), /sparse/);
refused("a compressed tar", () => Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), /gzip/);
refused(
  "no archive at all",
  () => Buffer.from("This is a text and no archive."),
  /neither a tar nor a zip/,
);
refused("nothing", () => Buffer.alloc(0), /empty/);

// --------------------------------------------------------------------------------------------------------------- zip

mounted(
  "zip: compressed, stored, in the 64-bit form, behind a program, with a comment",
  () =>
    zipOf(
      [
        packed("a", "compressed ".repeat(1000)),
        { name: "b", content: "stored" },
        packed("d/empty", ""),
      ],
      {
        before: Buffer.from("#!/bin/sh\nexit\n"),
        comment: "a comment",
        is64: true,
      },
    ),
  (calls) => {
    assert.equal(calls.status("a").size, 11000);
    const fd = calls.opened("a");
    assert.equal(calls.pread(fd, 22, 5500), "compressed compressed ");
    assert.equal(calls.read(fd, 3), "com");
    calls.close(fd);
    assert.equal(calls.text("b"), "stored");
    assert.equal(calls.text("d/empty"), "");
  },
);

mounted(
  "zip: a damaged file is EIO, and the others are well",
  () =>
    zipOf([
      packed("bad", "content", { checksum: 1 }),
      packed("cut", "content ".repeat(100), {
        packed: Buffer.from([1, 2, 3, 4, 5, 6, 7]),
        size: 800,
      }),
      packed("good", "fine"),
    ]),
  (calls) => {
    assert.equal(calls.text("bad"), -Errno.EIO);
    assert.equal(calls.text("cut"), -Errno.EIO);
    assert.equal(calls.text("good"), "fine");
  },
);

refused("zip: `..` in a name", () => zipOf([packed("../evil")]), /leads out/);
refused(
  "zip: a name twice",
  () => zipOf([packed("a", "one"), packed("a", "two")]),
  /"a" comes twice/,
);
refused(
  "zip: a file and a directory of one name",
  () => zipOf([packed("a"), { name: "a/" }]),
  /lies in what is no directory|comes twice/,
);
refused(
  "zip: entries that share bytes",
  () => zipOf([packed("a", "shared"), packed("b", "shared", { header: 0 })]),
  /share bytes/,
);
refused(
  "zip: more bytes than can be",
  () => zipOf([packed("bomb", "x", { size: 2 ** 31 })]),
  /"bomb" cannot have 2147483648 bytes/,
);
refused(
  "zip: stored with another size",
  () => zipOf([{ name: "f", content: "abc", size: 5 }]),
  /cannot have 5 bytes/,
);
refused(
  "zip: more compressed bytes than there are",
  () => zipOf([packed("f", "abc", { length: 10 ** 6 })]),
  /should have 1000000 bytes/,
);
refused("zip: encrypted", () => zipOf([packed("f", "abc", { flags: 1 })]), /encrypted/);
refused("zip: another method", () => zipOf([packed("f", "abc", { method: 12 })]), /method 12/);
refused(
  "zip: an entry that is elsewhere",
  () => zipOf([packed("f", "abc", { header: 7 })]),
  /not where the directory says/,
);
refused(
  "zip: a header beyond the end",
  () => zipOf([packed("f", "abc", { header: 2 ** 30 })]),
  /cut off/,
);
refused(
  "zip: cut off at its end",
  () => zipOf([packed("f", "abc".repeat(500))]).subarray(0, -30),
  /neither a tar nor a zip archive, or it is cut off/,
);
refused(
  "zip: cut off at its start",
  () => zipOf([packed("f", "abc".repeat(500))]).subarray(20),
  /not where|cut off|cannot be at/,
);
refused(
  "zip: a symbolic link to nothing",
  () => zipOf([packed("l", "", { mode: 0o120777 })]),
  /leads to nothing/,
);
refused(
  "zip: a symbolic link with an endless target",
  () => zipOf([packed("l", "x".repeat(5000), { mode: 0o120777 })]),
  /leads to nothing/,
);

test("damaged archives of all kinds are refused or read, and leave nothing behind", () => {
  const tree = [
    file("dir/one", "1".repeat(700)),
    { name: "link", type: "2", target: "dir" },
    file("two", "2"),
  ];
  const samples = [
    tarOf(...tree),
    zipOf([packed("dir/one", "1".repeat(700)), packed("two"), { name: "e/" }]),
  ];
  let state = 42;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  let failed = 0;
  for (let round = 0; round < 600; round++) {
    const bytes = Buffer.from(samples[round % 2]);
    for (let count = 0; count < 1 + (round % 5); count++)
      bytes[random() % bytes.length] = random() >>> 24;
    const machine = new FixtureMachine();
    try {
      makeArchive(machine, bytes).undo();
    } catch (error) {
      assert.ok(error instanceof ArchiveError, String(error));
      failed++;
    }
    machine.destroy();
  }
  assert.ok(failed > 100 && failed < 600);
});

test("an archive with more names than the heap holds is refused", () => {
  const machine = new FixtureMachine({ limit: 4 * 2 ** 20 });
  const entries = Array.from({ length: 30_000 }, (_, index): ZipEntry => ({ name: `f${index}` }));
  assert.throws(
    () => createArchivefs(machine.kernel.vfs, zipOf(entries)),
    /no room|memory is full/,
  );
  machine.destroy();
});

test("compressed bytes are in memory only while the file is open, and a file too large for it is ENOMEM", () => {
  const machine = new FixtureMachine({ limit: 4 * 2 ** 20 });
  const { memory } = machine;
  const { vfs } = machine.kernel;
  const made = makeArchive(
    machine,
    zipOf([packed("f", "x".repeat(10 ** 6)), packed("huge", "x".repeat(10 ** 7))]),
  );
  const root = Mount.root.get(memory, made.mount);
  const open = (name: string) =>
    vfs.filesystemOf(root).openAt(vfs, root, nameOf(name), Open.read, 0);
  const before = usedBytes(memory);
  const first = open("f");
  const second = open("f");
  assert.equal(machine.readAll(first, 10 ** 6).length, 10 ** 6);
  assert.ok(usedBytes(memory) > before + 10 ** 6);
  assert.equal(OpenFile.refs.load(memory, second), 1);
  dropFile(vfs, second);
  assert.ok(usedBytes(memory) < before + 10 ** 5);
  const huge = open("huge");
  assert.equal(vfs.operationsOf(huge).size(vfs, huge), 10 ** 7);
  assert.equal(machine.readAll(huge, 10).length, 0);
  made.undo();
  machine.destroy();
});

mounted(
  "reading a file needs no more than its own bytes",
  () => zipOf([packed("f", "content")]),
  (calls) => {
    const fd = calls.opened("f", O.RDONLY);
    assert.equal(calls.seek(fd, -3, 2), 4);
    assert.equal(calls.read(fd), "ent");
    calls.close(fd);
  },
);
