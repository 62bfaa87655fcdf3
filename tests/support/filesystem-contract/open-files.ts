/** What every filesystem owes the holders of open files: offsets, appending, sizes, times, and files whose names are gone. */
import assert from "node:assert/strict";
import { Errno } from "../../../src/abi/errno.ts";
import { O, REGULAR_FILE, SYMBOLIC_LINK } from "../posix-calls.ts";
import { SOME, fails, writing } from "./contract.ts";

const { EBADF, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR } = Errno;

writing("opening makes, truncates and insists", SOME, (calls) => {
  fails(calls.tryOpen("file", O.RDWR | O.CREAT | O.EXCL), EEXIST);
  fails(calls.tryOpen("dir", O.RDWR | O.CREAT | O.EXCL), EEXIST);
  fails(calls.tryOpen("dir", O.RDWR | O.CREAT), EISDIR);
  fails(calls.tryOpen("link", O.RDWR | O.CREAT | O.EXCL), EEXIST);
  fails(calls.tryOpen("dangling", O.RDWR | O.CREAT | O.EXCL), EEXIST, "not through a link");
  fails(calls.tryOpen("none/x", O.RDWR | O.CREAT), ENOENT);
  fails(calls.tryOpen("file/x", O.RDWR | O.CREAT), ENOTDIR);
  fails(calls.tryOpen("new/", O.RDWR | O.CREAT), EISDIR);
  fails(calls.tryOpen("new", O.RDWR | O.CREAT | O.DIRECTORY), EINVAL);
  fails(calls.stat("new"), ENOENT);
  assert.equal(calls.tryOpen("new", O.RDWR | O.CREAT | O.EXCL), 0);
  assert.equal(calls.status("new").size, 0);
  assert.equal(calls.tryOpen("file", O.RDWR | O.CREAT), 0);
  assert.equal(calls.text("file"), "content", "an old file stays");
  assert.equal(calls.tryOpen("file", O.WRONLY | O.TRUNC), 0);
  assert.equal(calls.text("file"), "");
  fails(calls.tryOpen("dir", O.TRUNC), EISDIR);
  const fd = calls.opened("dangling", O.RDWR | O.CREAT);
  assert.equal(calls.write(fd, "made"), 4);
  calls.close(fd);
  assert.equal(calls.text("nowhere"), "made", "a dangling link makes its target");
  assert.equal(calls.typeOf("dangling", false), SYMBOLIC_LINK);
});

writing(
  "reads and writes share an offset that others do not move",
  { file: "0123456789" },
  (calls) => {
    const fd = calls.opened("file", O.RDWR);
    const other = calls.opened("file", O.RDWR);
    assert.equal(calls.read(fd, 2), "01");
    assert.equal(calls.write(fd, "ab"), 2);
    assert.equal(calls.seek(fd, 0, 1), 4);
    assert.equal(calls.read(other), "01ab456789");
    assert.equal(calls.pwrite(fd, "XY", 8), 2);
    assert.equal(calls.seek(fd, 0, 1), 4, "pwrite leaves the offset");
    assert.equal(calls.read(fd), "4567XY");
    assert.equal(calls.write(fd, ""), 0);
    assert.equal(calls.fstat(fd).size, 10);
    calls.close(other);
    calls.close(fd);
    const writer = calls.opened("file", O.WRONLY);
    fails(calls.read(writer), EBADF);
    calls.close(writer);
    assert.equal(calls.text("file"), "01ab4567XY");
  },
);

writing("appending goes to the end of that moment", { file: "one" }, (calls) => {
  const a = calls.opened("file", O.RDWR | O.APPEND);
  const b = calls.opened("file", O.WRONLY | O.APPEND);
  assert.equal(calls.write(a, "-a"), 2);
  assert.equal(calls.write(b, "-b"), 2);
  assert.equal(calls.seek(a, 0), 0);
  assert.equal(calls.read(a, 3), "one");
  assert.equal(calls.write(a, "-c"), 2);
  assert.equal(calls.seek(a, 0, 1), 9);
  assert.equal(calls.text("file"), "one-a-b-c");
  assert.equal(calls.truncate(b, 1), 0);
  assert.equal(calls.write(a, "!"), 1);
  assert.equal(calls.text("file"), "o!");
  calls.close(a);
  calls.close(b);
});

writing("a file that is unlinked lives on while it is open", { file: "still here" }, (calls) => {
  const fd = calls.opened("file", O.RDWR);
  assert.equal(calls.unlink("file"), 0);
  fails(calls.tryOpen("file"), ENOENT);
  assert.equal(calls.fstat(fd).links, 0);
  assert.equal(calls.read(fd, 5), "still");
  assert.equal(calls.pwrite(fd, "HERE", 6), 4);
  calls.put("file", "another");
  assert.equal(calls.pread(fd, 100, 0), "still HERE");
  assert.equal(calls.text("file"), "another");
  assert.notEqual(calls.fstat(fd).inode, calls.status("file").inode);
  calls.close(fd);
});

writing(
  "files are cut and extended, and what was never written is zero",
  { file: "0123456789" },
  (calls) => {
    const fd = calls.opened("file", O.RDWR);
    assert.equal(calls.truncate(fd, 4), 0);
    assert.equal(calls.text("file"), "0123");
    assert.equal(calls.truncate(fd, 8), 0);
    assert.equal(calls.text("file"), "0123\0\0\0\0");
    assert.equal(calls.seek(fd, 0, 1), 0, "the offset stays");
    assert.equal(calls.seek(fd, 12), 12);
    assert.equal(calls.write(fd, "end"), 3);
    assert.equal(calls.text("file"), "0123\0\0\0\0\0\0\0\0end");
    assert.equal(calls.truncate(fd, 0), 0);
    assert.equal(calls.write(fd, "x"), 1, "behind the end, where the offset still is");
    assert.equal(calls.fstat(fd).size, 16);
    assert.equal(calls.pread(fd, 3, 13), "\0\0x");
    assert.equal(calls.pwrite(fd, "far", 2 ** 32 + 5), 3);
    assert.equal(calls.fstat(fd).size, 2 ** 32 + 8);
    assert.equal(calls.pread(fd, 8, 2 ** 32), "\0\0\0\0\0far");
    assert.equal(calls.pread(fd, 4, 2 ** 31), "\0\0\0\0");
    assert.equal(calls.truncate(fd, 3), 0);
    assert.equal(calls.allocate(fd, 2, 6), 0);
    assert.equal(calls.text("file"), "\0".repeat(8));
    assert.equal(calls.allocate(fd, 0, 2), 0);
    assert.equal(calls.fstat(fd).size, 8);
    fails(calls.allocate(fd, 0, 0), EINVAL);
    calls.close(fd);
    const reader = calls.opened("file");
    assert.ok(calls.truncate(reader, 1) < 0);
    calls.close(reader);
    assert.equal(calls.status("file").size, 8);
  },
);

writing("files are forced to what keeps them, directories too", SOME, (calls) => {
  const file = calls.opened("file", O.RDWR);
  calls.write(file, "forced");
  assert.equal(calls.sync(file), 0);
  assert.equal(calls.fixture.call("fd_datasync", file), 0);
  calls.close(file);
  const directory = calls.opened("dir");
  assert.equal(calls.sync(directory), 0);
  calls.close(directory);
});

writing("times are set to the nanosecond and move with changes", SOME, (calls, departures) => {
  const [accessed, modified] = [1_000_000_000_123_456_789n, 1_500_000_000_987_654_321n];
  const same = (actual: bigint, expected: bigint, what = ""): void => {
    const distance = actual > expected ? actual - expected : expected - actual;
    assert.ok(distance < (departures.microseconds ? 1001n : 1n), `${what}: ${actual}`);
  };
  for (const path of ["file", "dir"]) {
    assert.equal(calls.utimes(path, accessed, modified), 0);
    const status = calls.status(path);
    same(status.accessed, accessed, path);
    same(status.modified, modified, path);
    assert.ok(status.changed > modified, "the change itself is now");
  }
  assert.equal(calls.utimes("file", undefined, 5_000n), 0);
  same(calls.status("file").accessed, accessed);
  same(calls.status("file").modified, 5_000n);
  assert.equal(calls.utimes("link", undefined, 77_000n), 0);
  same(calls.status("file").modified, 77_000n, "through a link");
  assert.equal(calls.utimes("link", 88_000n, 99_000n, false), 0);
  same(calls.status("link", false).modified, 99_000n);
  same(calls.status("file").modified, 77_000n);
  fails(calls.utimes("none", 1n, 1n), ENOENT);
  const fd = calls.opened("file", O.RDWR);
  assert.equal(calls.futimes(fd, 11_000n, 22_000n), 0);
  same(calls.status("file").modified, 22_000n);
  calls.write(fd, "x");
  assert.ok(calls.status("file").modified > 22_000n, "a write sets it");
  calls.utimes("file", 1n, 1n);
  calls.truncate(fd, 0);
  assert.ok(calls.status("file").modified > 22_000n, "so does a cut");
  calls.close(fd);
  calls.utimes("dir", 1n, 1n);
  calls.put("dir/new", "");
  assert.ok(calls.status("dir").modified > 1n, "a directory's when a name comes");
  calls.utimes("dir", 1n, 1n);
  calls.unlink("dir/new");
  assert.ok(calls.status("dir").modified > 1n, "and goes");
});

writing("what was changed stays changed", SOME, (calls) => {
  const fd = calls.opened("dir/inner", O.RDWR | O.APPEND);
  calls.write(fd, "er");
  calls.close(fd);
  assert.equal(calls.text("dir/inner"), "deeper");
  calls.put("dir/sub/leaf", "replaced");
  assert.equal(calls.text("dir/sub/leaf"), "replaced");
  assert.equal(calls.rename("dir/sub/leaf", "dir/inner"), 0);
  assert.equal(calls.text("dir/inner"), "replaced");
  assert.deepEqual(calls.names("dir/sub"), []);
  assert.equal(calls.rmdir("dir/sub"), 0);
  calls.put("dir/sub", "a file where a directory was");
  assert.equal(calls.typeOf("dir/sub"), REGULAR_FILE);
  fails(calls.stat("dir/sub/leaf"), ENOTDIR);
  assert.equal(calls.unlink("dir/sub"), 0);
  assert.equal(calls.mkdir("dir/sub"), 0);
  assert.deepEqual(calls.names("dir/sub"), []);
  assert.deepEqual(calls.names("dir"), ["inner", "sub"]);
  assert.equal(calls.unlink("file"), 0);
  assert.equal(calls.mkdir("file"), 0);
  calls.put("file/inside", "x");
  assert.equal(calls.text("file/inside"), "x");
});
